"""A plain PyTorch loop for the dense autoencoder: DataLoader over a TensorDataset of float32, shuffled; Adam."""

import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from harness.contender import Answer, answer
from harness.measures import bce_per_pixel


def work(given: Answer) -> Answer:
    """Seconds of each epoch, and the test loss if asked for."""
    torch.manual_seed(given["seed"])
    folder = Path(given["folder"])
    x = _flat(np.load(folder / "train.npy"))
    loader = DataLoader(TensorDataset(x), batch_size=256, shuffle=True)
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 784), nn.Sigmoid())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    seconds = []
    for _ in range(given["epochs"]):
        start = time.perf_counter()
        loss = _epoch(model, loader, optimizer)
        seconds.append(time.perf_counter() - start)
    found: Answer = {"epoch_seconds": seconds, "train_loss": loss, "torch": torch.__version__}
    if given["test"]:
        test = _flat(np.load(folder / "test.npy"))
        with torch.no_grad():
            found["test_bce"] = bce_per_pixel(test.numpy(), model(test).numpy())
    return found


def _flat(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images.reshape(len(images), -1).astype(np.float32) / 255)


def _epoch(model: nn.Module, loader: DataLoader, optimizer: torch.optim.Optimizer) -> float:
    total, seen = 0.0, 0
    for (batch,) in loader:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy(model(batch), batch)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
        seen += len(batch)
    return total / seen


answer(work)
