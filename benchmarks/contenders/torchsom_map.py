"""TorchSOM's mini-batches, on the CPU, with the largest of the batch sizes that it documents."""

import time

import torch
from torchsom.core.som import SOM

from harness.contender import Answer, answer
from harness.samples import rows


def work(given: Answer) -> Answer:
    """Seconds of `fit` alone, and TorchSOM's own two errors on the test samples."""
    torch.set_num_threads(given["threads"])
    train, test = rows(given)
    made = SOM(
        *given["shape"],
        train.shape[1],
        epochs=given["epochs"],
        batch_size=given["batch_size"],
        sigma=given["sigma"],
        initialization_mode="pca",
        search_backend="torch",
        device="cpu",
        random_seed=given.get("seed", 0),
    )
    values = torch.from_numpy(train)
    made.initialize_weights(values[:4096], "pca")
    start = time.perf_counter()
    made.fit(values)
    found: Answer = {"fit_seconds": time.perf_counter() - start, "samples_seen": len(train) * given["epochs"]}
    if given.get("judge", True) and test is not None:
        asked = torch.from_numpy(test)
        found |= {
            "quantization": float(made.quantization_error(asked)),
            "topographic": float(made.topographic_error(asked)),
        }
    return found


answer(work)
