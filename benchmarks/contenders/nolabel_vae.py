"""nolabel's VAE 784-400-20 on MNIST, and the bound on the test set."""

import time
from pathlib import Path

import numpy as np
import torch

import nolabel
from harness.contender import Answer, answer
from harness.measures import negative_elbo
from nolabel.randomness import Draws


def work(given: Answer) -> Answer:
    """Seconds of `fit` as a whole, seconds of each epoch, and −ELBO with one draw of z an image."""
    folder = Path(given["folder"])
    data = nolabel.open(np.load(folder / "train.npy"))
    model = nolabel.VAE(
        hidden=(400,), latent=20, net="mlp", batch_size=128, epochs=given["epochs"], random_state=given["seed"]
    )
    start = time.perf_counter()
    model.fit(data)
    found: Answer = {"train_seconds": time.perf_counter() - start}
    found["epoch_seconds"] = [record["seconds"] for record in model.history_]
    found["negative_elbo"] = _bound(model, np.load(folder / "test.npy"))
    return found


@torch.no_grad()
def _bound(model: nolabel.VAE, images: np.ndarray) -> float:
    x = torch.from_numpy(images[:, None].astype(np.float32) / 255)
    mu, log_var = model.learner_.posterior(x)
    z = mu + torch.exp(0.5 * log_var) * Draws(0).normal(mu)
    p = model.learner_.decode(z)
    return negative_elbo(x.numpy(), p.numpy(), mu.numpy(), log_var.numpy())


answer(work)
