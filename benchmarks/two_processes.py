"""`nolabel fit --processes 2` beside one process on the same total batch: the weights, and samples a second.

Weights: the largest absolute difference between any two entries of the saved models, for a dense Autoencoder and for a
VAE (whose noise must be the same too). Rounding differs in the order of sums, so the difference grows with the number
of steps: it is given after one epoch, which the target is about, and after five. Beside it stands what rounding alone
does: one process on one thread against one process on all, for Adam moves a weight whose gradient is next to nothing by
the sign of that nothing. The loss of the epoch is compared too. Speed: one process with all threads against two that
share them, and samples a second as the engine counts them, the first epoch left out.
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
    if chosen.threads < 2:
        made.error("--threads must be at least 2: the two processes share them")
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
        _fitted([*words, source], 1, 1, 1)
        rows += _rows(name, chosen.epochs, speeds)
    shutil.rmtree(RUNS)
    verdicts.conclude("two_processes", rows, chosen, settings={"epochs": chosen.epochs, "batch_size": 256})


def _rows(name: str, epochs: int, speeds: dict[int, list[float]]) -> list[Row]:
    one, two, other = _folder(1, 1), _folder(2, 1), _folder(1, 1, 1)
    work = f"{name}, two processes against one, epochs 1"
    rounding = "one process, another number of threads"
    near = Target("<=", 1e-5)
    apart = [
        Row(f"{work}: largest difference of weights", "", Spread.of([_apart(one, two)]), rounding,
            Spread.of([_apart(one, other)]), target=near, digits=-2),
        Row(f"{work}: relative difference of the loss", "", Spread.of([_losses_apart(one, two)]), rounding,
            Spread.of([_losses_apart(one, other)]), target=near, digits=-2),
        Row(f"{name}, two processes against one, epochs {epochs}: largest difference of weights", "",
            Spread.of([_apart(_folder(1, epochs), _folder(2, epochs))]), digits=-2),
    ]  # fmt: skip
    alone, shared = Spread.of(speeds[1]), Spread.of(speeds[2])
    ratio = shared.median / alone.median
    work = f"{name}, two processes that share the threads of one: training"
    speed = Row(work, "samples/s", shared, "one process", alone, judged=ratio, judged_as="of its speed", digits=0)
    return [*apart, speed]


def _folder(processes: int, epochs: int, threads: int | None = None) -> Path:
    return RUNS / f"{processes}-{epochs}{'' if threads is None else f'-{threads}'}"


def _fitted(words: list[str], processes: int, epochs: int, threads: int) -> Path:
    """The run's folder. Each process gets its part of the threads."""
    folder = _folder(processes, epochs, threads if threads == 1 else None)
    shutil.rmtree(folder, ignore_errors=True)
    command = [*nolabel_command(), "fit", *words, "--out", str(folder), "--epochs", str(epochs), "--random-state", "0"]
    several = ["--processes", str(processes)] if processes > 1 else []
    timed([*command, "--no-report", *several], environment(max(1, threads // processes)))
    return folder


def _epochs(folder: Path) -> list[dict[str, float]]:
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [record for record in records if record["kind"] == "epoch"]


def _speed(folder: Path) -> float:
    return statistics.median(record["samples_per_second"] for record in _epochs(folder)[1:])


def _losses_apart(one: Path, two: Path) -> float:
    first, second = (_epochs(folder)[-1]["loss"] for folder in (one, two))
    return abs(first - second) / abs(first)


def _apart(one: Path, two: Path) -> float:
    first, second = (load_file(folder / "model" / "model.safetensors") for folder in (one, two))
    if first.keys() != second.keys():
        raise RuntimeError("the two models do not have the same weights")
    return float(max(np.abs(first[name].astype(np.float64) - second[name]).max() for name in first))


if __name__ == "__main__":
    main()
