"""nolabel's Autoencoder on MNIST; test BCE per pixel if asked for."""

import time
from pathlib import Path

import numpy as np
import torch

import nolabel
from harness.contender import Answer, answer
from harness.measures import bce_per_pixel


def work(given: Answer) -> Answer:
    """Seconds of each epoch (the engine's own clock), of the whole of `fit`, and the test loss."""
    folder = Path(given["folder"])
    data = nolabel.open(np.load(folder / "train.npy"))
    model = nolabel.Autoencoder(
        hidden=given["hidden"], batch_size=256, epochs=given["epochs"], random_state=given["seed"]
    )
    start = time.perf_counter()
    model.fit(data)
    found: Answer = {"fit_seconds": time.perf_counter() - start, "train_loss": model.history_[-1]["loss"]}
    found["epoch_seconds"] = [record["seconds"] for record in model.history_]
    if given["test"]:
        found["test_bce"] = _test_loss(model, np.load(folder / "test.npy"))
    return found


@torch.no_grad()
def _test_loss(model: nolabel.Autoencoder, images: np.ndarray) -> float:
    x = torch.from_numpy(images[:, None].astype(np.float32) / 255)
    p = model.learner_.decode(model.learner_.encode(x))
    return bce_per_pixel(x.numpy(), p.numpy())


answer(work)
