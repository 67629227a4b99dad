"""Peak resident memory of a fresh process that fits MNIST from its IDX files, importing torch included.

nolabel through Python (784-32-784), through the command line (the same, and with its defaults, which are
convolutional), and the plain PyTorch loop with 784-32-784. What `nolabel fit` does after training, the evidence and the
report, is measured once and has no target. The peak is VmHWM, or ru_maxrss of the command's process; shared libraries
count.
"""

import shutil

from harness import mnist, options, verdicts
from harness.command import nolabel_command, timed
from harness.contender import Contender, environment, run
from harness.environments import python_of
from harness.places import WORK
from harness.verdicts import Row, Spread, Target

LOOP = "PyTorch DataLoader loop"
DENSE = ("--hidden", "32", "--batch-size", "256")
COMMANDS = {
    "nolabel fit --hidden 32 --no-report": (*DENSE, "--no-report"),
    "nolabel fit --no-report": ("--no-report",),
}
WHOLE = "nolabel fit --hidden 32, with evidence and report"


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", repeats=3)
    made.add_argument("--epochs", type=int, default=2)
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.epochs = 1
    python = Contender("Python, 784-32-784", "fit_from_idx.py", {"epochs": chosen.epochs})
    arguments = {"folder": mnist.exported(), "epochs": chosen.epochs, "seed": 0, "test": False}
    loop = Contender(LOOP, "torch_dense.py", arguments, python_of("torch"))
    peaks: dict[str, list[float]] = {name: [] for name in (python.name, *COMMANDS, LOOP)}
    for _ in range(chosen.repeats):
        for one in (python, loop):
            _note(peaks, one.name, run(one, chosen.threads)["peak_mb"])
        for name, flags in COMMANDS.items():
            _note(peaks, name, _command_peak(flags, chosen))
    theirs = Spread.of(peaks.pop(LOOP))
    rows = [_row(name, found, theirs, Target("<=", 700)) for name, found in peaks.items()]
    if not chosen.quick:
        rows.append(_row(WHOLE, [_command_peak(DENSE, chosen)], theirs, None))
    verdicts.conclude("memory", rows, chosen, settings={"epochs": chosen.epochs, "repeats": chosen.repeats})


def _row(name: str, found: list[float], theirs: Spread, target: Target | None) -> Row:
    work = f"fit mnist from IDX files, {name}: peak memory"
    return Row(work, "MB", Spread.of(found), LOOP, theirs, target=target, digits=0)


def _note(peaks: dict[str, list[float]], name: str, peak: float) -> None:
    peaks[name].append(peak)
    print(f"  {name}: {peak:.0f} MB", flush=True)


def _command_peak(flags: tuple[str, ...], chosen: options.Options) -> float:
    out = WORK / "runs" / "memory"
    shutil.rmtree(out, ignore_errors=True)
    words = ["fit", "autoencoder", "mnist", "--out", str(out), "--epochs", str(chosen.epochs), *flags]
    return timed([*nolabel_command(), *words], environment(chosen.threads)).peak_mb


if __name__ == "__main__":
    main()
