"""nolabel writes MNIST as .npy files for the others."""

from pathlib import Path

import numpy as np

import nolabel
from harness.contender import Answer, answer


def work(given: Answer) -> Answer:
    """Train and test, images (N, 28, 28) uint8 and labels."""
    for split, few in (("train", 3_000), ("test", 1_000)):
        data = nolabel.open(f"mnist:{split}")
        count = few if given["quick"] else len(data)
        folder = Path(given["folder"])
        np.save(folder / f"{split}.npy", data.store[:count, 0].numpy())
        np.save(folder / f"{split}-labels.npy", data.labels[:count].astype(np.int64))
    return {}


answer(work)
