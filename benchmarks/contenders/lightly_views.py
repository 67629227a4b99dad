"""lightly's SimCLRTransform: the same set, one Pillow image after the other, as a worker of its loader does."""

import time

import numpy as np
import torch
from PIL import Image

from harness import torchvision_beside_cpu
from harness.contender import Answer, answer


def work(given: Answer) -> Answer:
    """Views a second, from Pillow images to tensors; the first images are not timed."""
    torchvision_beside_cpu.declare()
    from lightly.transforms.simclr_transform import SimCLRTransform

    torch.set_num_threads(given["threads"])
    stored = np.random.default_rng(0).integers(0, 256, given["shape"], dtype=np.uint8)
    pictures = [Image.fromarray(image.transpose(1, 2, 0)) for image in stored[: given["images"] + 50]]
    said = given["settings"]
    transform = SimCLRTransform(
        input_size=stored.shape[2],
        cj_prob=0.8,
        cj_strength=1.0,
        cj_bright=said["brightness"],
        cj_contrast=said["contrast"],
        cj_sat=said["saturation"],
        cj_hue=said["hue"],
        min_scale=said["crop"][0],
        gaussian_blur=0.0,
    )
    for picture in pictures[:50]:
        transform(picture)
    start = time.perf_counter()
    for picture in pictures[50:]:
        transform(picture)
    return {"per_second": 2 * len(pictures[50:]) / (time.perf_counter() - start)}


answer(work)
