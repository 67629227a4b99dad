"""nolabel's views: whole batches, two views of each sample as `SimCLR` asks for them."""

import time

import numpy as np
import torch

from harness.contender import Answer, answer
from nolabel.randomness import Draws
from nolabel.types import DataSpec, to_network
from nolabel.views.roles import Pair


def work(given: Answer) -> Answer:
    """Views a second, from bytes to network values; the first batches, which load compiled code, are not timed."""
    torch.set_num_threads(given["threads"])
    stored = torch.from_numpy(np.random.default_rng(0).integers(0, 256, given["shape"], dtype=np.uint8))
    pair = Pair(DataSpec("image", tuple(stored.shape[1:]), "unit"), given["settings"])
    batch, seconds = given["batch"], 0.0
    for number in range(-3, given["batches"]):
        rows = torch.arange(number * batch, (number + 1) * batch) % len(stored)
        start = time.perf_counter()
        pair(to_network(stored[rows]), Draws(0, number + 3))
        seconds += (time.perf_counter() - start) * (number >= 0)
    return {"per_second": 2 * batch * given["batches"] / seconds}


answer(work)
