"""What a generator makes: samples under data, and ways between samples. Writes docs/samples.png and docs/latents.png.

Run it with `python examples/picture_of_samples.py`, which trains SNGAN on MNIST for some minutes, or with the folder of
a model that is trained already behind it.
"""

import sys

import numpy as np
import torch
from picture_of_views import DOCS, tiled

import nolabel
from nolabel.types import to_network

COLUMNS = 16


def rows(pictures: np.ndarray) -> torch.Tensor:
    """Grey images (N, H, W) uint8 as rows of `COLUMNS` pictures with three channels, in [0, 1]."""
    grey = torch.from_numpy(pictures).float() / 255
    return grey[:, None].expand(-1, 3, -1, -1).reshape(-1, COLUMNS, 3, *grey.shape[1:])


def samples(model: nolabel.SNGAN) -> np.ndarray:
    """Two rows of data, and four of samples, none of them chosen."""
    data = nolabel.open("mnist:test")
    stored, _ = data.rows(torch.arange(2 * COLUMNS))
    real = (to_network(stored)[:, 0] * 255).round().byte().numpy()
    return np.concatenate([real, model.sample(4 * COLUMNS, random_state=0)])


def latents(model: nolabel.SNGAN) -> np.ndarray:
    """Three ways from one sample to another, and the same samples truncated more and more."""
    ways = [model.interpolate(2 * way, 2 * way + 1, steps=COLUMNS) for way in range(3)]
    usual = [model.sample(COLUMNS, random_state=1, truncation=truncation) for truncation in (1.0, 0.5, 0.25)]
    return np.concatenate([*ways, *usual])


def main(run: str | None = None) -> None:
    """Both pictures."""
    model = nolabel.load(run) if run else nolabel.SNGAN(epochs=10, random_state=0).fit("mnist", progress=True)
    for name, made in (("samples", samples), ("latents", latents)):
        file = DOCS / f"{name}.png"
        tiled(rows(made(model))).save(file, optimize=True)
        print(f"{file}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
