"""On a GPU: every method trains there, its model works on the CPU again, and how fast the engine is beside a bare loop.

    python benchmarks/gpu.py

Prints a line for each method on the digits (codes made on the GPU against the same model run on the CPU), then samples
a second of the 784-32-784 autoencoder and of a convolutional one on random 28 x 28 images of MNIST's number, fp32 and
bf16, and of a bare PyTorch loop of the same net with the data on the GPU. Needs a GPU; says so and stops where there is
none.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import nolabel
from nolabel.methods import all_methods

EPOCHS, REPEATS = 4, 3


def every_method() -> None:
    """Train each method on the GPU, load it on the CPU, compare."""
    digits = nolabel.open("digits")
    print("method                    seconds   loss first -> last    largest |code(GPU) - code(CPU)|")
    for name, cls in all_methods().items():
        start = time.perf_counter()
        model = cls.tiny().fit(digits, digits.labels)
        seconds = time.perf_counter() - start
        assert next(model.learner_.parameters()).device.type == "cuda"
        with tempfile.TemporaryDirectory() as folder:
            again = nolabel.load(model.save(Path(folder) / "model"))
            again.learner_.to("cpu")
        apart = np.abs(model.transform(digits) - again.transform(digits)).max()
        losses = f"{model.history_[0]['loss']:.4f} -> {model.history_[-1]['loss']:.4f}"
        print(f"{name:24} {seconds:8.2f}   {losses:20} {apart:.1e}")


def bare_loop(images: torch.Tensor) -> float:
    """Samples a second of a hand-written loop: data on the GPU, fused Adam, no checks, no logs."""
    x_all = images.cuda()
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 32), torch.nn.Linear(32, 784)).cuda()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    rates = []
    for _ in range(EPOCHS):
        torch.cuda.synchronize()
        start = time.perf_counter()
        order = torch.randperm(len(x_all), device="cuda")
        for part in order.split(256):
            x = x_all.index_select(0, part).float().mul_(1 / 255)
            loss = F.binary_cross_entropy_with_logits(net(x), x.flatten(1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        torch.cuda.synchronize()
        rates.append(len(x_all) / (time.perf_counter() - start))
    return statistics.median(rates[1:])


def ours(data: nolabel.Dataset, **arguments: object) -> float:
    """Samples a second of nolabel's engine, after the first epoch."""
    model = nolabel.Autoencoder(epochs=EPOCHS, random_state=0, **arguments).fit(data)
    return statistics.median(record["samples_per_second"] for record in model.history_[1:])


def speed() -> None:
    """The engine beside the bare loop, interleaved."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (60_000, 28, 28), dtype=np.uint8)
    data = nolabel.open(images)
    contenders = {
        "bare loop, 784-32-784, batch 256": lambda: bare_loop(data.store),
        "nolabel, the same": lambda: ours(data, hidden=(32,), batch_size=256),
        "nolabel, the same, bf16": lambda: ours(data, hidden=(32,), batch_size=256, plan={"precision": "bf16"}),
        "nolabel, convolutional, batch 256": lambda: ours(data, batch_size=256),
        "nolabel, convolutional, bf16, batch 1024": lambda: ours(data, batch_size=1024, plan={"precision": "bf16"}),
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(REPEATS):
        for name, run in contenders.items():
            rates[name].append(run())
    base = statistics.median(rates["bare loop, 784-32-784, batch 256"])
    print(f"\nsamples a second, median of {REPEATS} interleaved repeats (lowest - highest), ratio to the bare loop")
    for name, found in rates.items():
        median = statistics.median(found)
        print(f"{name:42} {median:12,.0f} ({min(found):,.0f} - {max(found):,.0f})   x {median / base:.2f}")


def main() -> None:
    """Everything, or a sentence where there is no GPU."""
    if not torch.cuda.is_available():
        print("no GPU here: nothing measured")
        sys.exit(0)
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}\n")
    every_method()
    speed()


if __name__ == "__main__":
    main()
