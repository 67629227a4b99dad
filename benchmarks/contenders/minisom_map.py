"""MiniSom's online rule, as its own examples run it: random samples as first weights, sample after sample, shuffled."""

import time

from minisom import MiniSom

from harness.contender import Answer, answer
from harness.samples import rows


def work(given: Answer) -> Answer:
    """Seconds of `train` alone, and MiniSom's own two errors on the test samples."""
    train, test = rows(given)
    rows_of_grid, columns = given["shape"]
    made = MiniSom(
        rows_of_grid,
        columns,
        train.shape[1],
        sigma=given["sigma"],
        learning_rate=0.5,
        random_seed=given.get("seed", 0),
    )
    made.random_weights_init(train)
    start = time.perf_counter()
    made.train(train[: given.get("samples", len(train))], given["epochs"], random_order=True, use_epochs=True)
    found: Answer = {"fit_seconds": time.perf_counter() - start}
    found["samples_seen"] = min(given.get("samples", len(train)), len(train)) * given["epochs"]
    if given.get("judge", True) and test is not None:
        found |= {"quantization": made.quantization_error(test), "topographic": made.topographic_error(test)}
    return found


answer(work)
