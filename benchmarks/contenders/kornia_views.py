"""kornia's augmentations: the same set on whole batches of tensors."""

import time

import kornia.augmentation as K
import numpy as np
import torch

from harness.contender import Answer, answer


def work(given: Answer) -> Answer:
    """Views a second, from bytes to tensors; the first batches are not timed."""
    torch.set_num_threads(given["threads"])
    stored = torch.from_numpy(np.random.default_rng(0).integers(0, 256, given["shape"], dtype=np.uint8))
    size, said = tuple(stored.shape[2:]), given["settings"]
    pipeline = K.AugmentationSequential(
        K.RandomResizedCrop(size, scale=tuple(said["crop"])),
        K.RandomHorizontalFlip(p=0.5),
        K.ColorJitter(said["brightness"], said["contrast"], said["saturation"], said["hue"], p=0.8),
        K.RandomGrayscale(p=0.2),
    )
    batch, seconds = given["batch"], 0.0
    for number in range(-3, given["batches"]):
        rows = torch.arange(number * batch, (number + 1) * batch) % len(stored)
        start = time.perf_counter()
        x = stored[rows].float() / 255
        with torch.no_grad():
            pipeline(x)
            pipeline(x)
        seconds += (time.perf_counter() - start) * (number >= 0)
    return {"per_second": 2 * batch * given["batches"] / seconds}


answer(work)
