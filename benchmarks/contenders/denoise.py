"""nolabel's convolutional DenoisingAutoencoder on MNIST, and what it gains on noisy test images."""

from pathlib import Path

import numpy as np
import torch

import nolabel
from harness.contender import Answer, answer
from harness.measures import psnr


def work(given: Answer) -> Answer:
    """PSNR of noisy and of cleaned test images in dB: noise clipped to the range of pixels, and as it was drawn."""
    folder = Path(given["folder"])
    model = nolabel.DenoisingAutoencoder(
        noise="gaussian",
        amount=given["sigma"],
        net="conv",
        latent=given["latent"],
        batch_size=given["batch_size"],
        epochs=given["epochs"],
        random_state=given["seed"],
    )
    model.fit(nolabel.open(np.load(folder / "train.npy")))
    clean = np.load(folder / "test.npy")[:, None].astype(np.float32) / 255
    noise = np.random.default_rng(given["seed"]).standard_normal(clean.shape, dtype=np.float32)
    noisy = clean + np.float32(given["sigma"]) * noise
    found: Answer = {"fit_seconds": sum(record["seconds"] for record in model.history_)}
    for kind, seen in (("clipped", noisy.clip(0, 1)), ("unclipped", noisy)):
        before, after = psnr(clean, seen), psnr(clean, _cleaned(model, seen))
        found[kind] = {"noisy": before.mean(), "cleaned": after.mean(), "gain": (after - before).mean()}
    return found


@torch.no_grad()
def _cleaned(model: nolabel.DenoisingAutoencoder, images: np.ndarray) -> np.ndarray:
    """What the network makes of images in [0, 1], or beyond it: `reconstruct` takes pixels only, and rounds them."""
    learner = model.learner_
    parts = torch.from_numpy(images).split(1000)
    return torch.cat([learner.decode(learner.encode(part)) for part in parts]).numpy()


answer(work)
