"""The VAE of PyTorch's examples, written anew: same network, loss, optimizer, loader and order of events.

The example reads MNIST through torchvision, which need not be installable beside every torch. `samples="per image"`
hands out each sample as torchvision's MNIST with `ToTensor` does: a row of the uint8 tensor becomes a Pillow image,
that an array, that a float tensor. `samples="tensors"` is the generous variant: float tensors made beforehand. As in
the example, the loader works in the training process, the loss is read after each step, and a line is printed every
ten. The clock runs from the loader, network and optimizer being made to the last step, as for nolabel's `fit`: not
while the set is read, nor while the example would test or draw pictures.
"""

import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from harness.contender import Answer, answer
from harness.measures import negative_elbo


class PerImage(Dataset):
    """What `torchvision.datasets.MNIST(..., transform=ToTensor())` does for each sample."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = torch.from_numpy(images), torch.from_numpy(labels)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self.images[row].numpy())
        array = torch.from_numpy(np.array(picture, np.uint8, copy=True)).view(28, 28, 1)
        return array.permute(2, 0, 1).contiguous().to(torch.float32).div(255), int(self.labels[row])


class VAE(nn.Module):
    """784-400-20 and back."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(784, 400)
        self.mean = nn.Linear(400, 20)
        self.log_variance = nn.Linear(400, 20)
        self.widen = nn.Linear(20, 400)
        self.output = nn.Linear(400, 784)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = F.relu(self.hidden(x.view(-1, 784)))
        return self.mean(h), self.log_variance(h)

    def decode(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.output(F.relu(self.widen(z))))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, log_var = self.posterior(x)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * log_var)
        return self.decode(z), mu, log_var


def loss_of(p: Tensor, x: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    """Summed over pixels, latents and batch."""
    bce = F.binary_cross_entropy(p, x.view(-1, 784), reduction="sum")
    return bce - 0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())


def work(given: Answer) -> Answer:
    """Seconds of training in all and of each epoch, and −ELBO with one draw of z an image."""
    torch.manual_seed(given["seed"])
    folder = Path(given["folder"])
    images, labels = np.load(folder / "train.npy"), np.load(folder / "train-labels.npy")
    samples: Dataset = PerImage(images, labels)
    if given["samples"] == "tensors":
        samples = TensorDataset(torch.from_numpy(images[:, None]).float().div(255), torch.from_numpy(labels))
    begin = time.perf_counter()
    loader = DataLoader(samples, batch_size=128, shuffle=True)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)  # the first optimizer imports torch's compiler
    seconds = []
    for epoch in range(given["epochs"]):
        start = time.perf_counter()
        _train(model, loader, optimizer, epoch)
        seconds.append(time.perf_counter() - start)
    train_seconds = time.perf_counter() - begin
    bound = _bound(model, np.load(folder / "test.npy"))
    return {
        "train_seconds": train_seconds,
        "epoch_seconds": seconds,
        "negative_elbo": bound,
        "torch": torch.__version__,
    }


def _train(model: VAE, loader: DataLoader, optimizer: torch.optim.Optimizer, epoch: int) -> None:
    model.train()
    total = 0.0
    for number, (x, _) in enumerate(loader):
        optimizer.zero_grad()
        p, mu, log_var = model(x)
        loss = loss_of(p, x, mu, log_var)
        loss.backward()
        total += loss.item()
        optimizer.step()
        if number % 10 == 0:
            print(f"Train Epoch: {epoch} [{number * len(x)}/{len(loader.dataset)}]\tLoss: {loss.item() / len(x):.6f}")
    print(f"====> Epoch: {epoch} Average loss: {total / len(loader.dataset):.4f}")


@torch.no_grad()
def _bound(model: VAE, images: np.ndarray) -> float:
    x = torch.from_numpy(images).float().div(255).view(-1, 784)
    p, mu, log_var = model(x)
    return negative_elbo(x.numpy(), p.numpy(), mu.numpy(), log_var.numpy())


answer(work)
