"""`nolabel fit --processes 2` beside one process on the same total batch: the weights, and samples a second.

Weights: the largest absolute difference between any two entries of the saved models, for a dense Autoencoder and for a
VAE (whose noise must be the same too). Rounding differs in the order of sums, so the difference grows with the number
of steps: it is given after one epoch, which the target is about, and after five. Speed: one process with all threads
against two that share them, and samples a second as the engine counts them, the first epoch left out.
"""

import json
import shutil
import statistics
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from harness import options, verdicts
from harness.command import nolabel_command, timed
from harness.contender import environment
from harness.places import WORK
from harness.verdicts import Row, Spread, Target

METHODS = {
    "autoencoder 784-32-784": ("autoencoder", "--hidden", "32", "--batch-size", "256"),
    "vae 784-400-20": ("vae", "--hidden", "400", "--latent", "20", "--net", "mlp", "--batch-size", "256"),
}
RUNS = WORK / "runs" / "two-processes"


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", repeats=3)
    made.add_argument("--epochs", type=int, default=5)
    chosen = options.parsed(made)
    source = "mnist"
    if chosen.quick:
        chosen.epochs, source = 2, "digits"
    rows = []
    for name, words in METHODS.items():
        speeds: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(chosen.repeats):
            for processes in (1, 2):
                folder = _fitted([*words, source], processes, chosen.epochs, chosen.threads)
                speeds[processes].append(_speed(folder))
                print(f"  {name}, {processes} process(es): {speeds[processes][-1]:.0f} samples/s", flush=True)
        for processes in (1, 2):
            _fitted([*words, source], processes, 1, chosen.threads)
        rows += _rows(name, chosen.epochs, speeds)
    shutil.rmtree(RUNS)
    verdicts.conclude("two_processes", rows, chosen, settings={"epochs": chosen.epochs, "batch_size": 256})


def _rows(name: str, epochs: int, speeds: dict[int, list[float]]) -> list[Row]:
    judged = ((1, Target("<=", 1e-5)), (epochs, None))
    apart = [
        Row(
            f"{name}, two processes against one, epochs {count}: largest difference of weights",
            "",
            Spread.of([_apart(count)]),
            target=target,
            digits=-2,
        )
        for count, target in judged
    ]
    one, two = Spread.of(speeds[1]), Spread.of(speeds[2])
    ratio = two.median / one.median
    work = f"{name}, two processes that share the threads of one: training"
    speed = Row(work, "samples/s", two, "one process", one, judged=ratio, judged_as="of its speed", digits=0)
    return [*apart, speed]


def _folder(processes: int, epochs: int) -> Path:
    return RUNS / f"{processes}-{epochs}"


def _fitted(words: list[str], processes: int, epochs: int, threads: int) -> Path:
    """The run's folder. Each process gets its part of the threads."""
    folder = _folder(processes, epochs)
    shutil.rmtree(folder, ignore_errors=True)
    command = [*nolabel_command(), "fit", *words, "--out", str(folder), "--epochs", str(epochs), "--random-state", "0"]
    several = ["--processes", str(processes)] if processes > 1 else []
    timed([*command, "--no-report", *several], environment(max(1, threads // processes)))
    return folder


def _speed(folder: Path) -> float:
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    epochs = [record["samples_per_second"] for record in records if record["kind"] == "epoch"]
    return statistics.median(epochs[1:])


def _apart(epochs: int) -> float:
    one, two = (load_file(_folder(processes, epochs) / "model" / "model.safetensors") for processes in (1, 2))
    if one.keys() != two.keys():
        raise RuntimeError("the two models do not have the same weights")
    return float(max(np.abs(one[name].astype(np.float64) - two[name]).max() for name in one))


if __name__ == "__main__":
    main()
