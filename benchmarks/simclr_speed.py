"""SimCLR on CIFAR-10, end to end: views trained on a second, beside lightly's loader, transform and loss.

The network, its head, the optimizer, the batch, the arithmetic (--precision) and the cores are the same. lightly's
images are decoded beforehand and its loader is run with 0, 1 and 2 workers, of which the fastest counts; nolabel reads
its cache. The first epoch of each is not counted. The share of nolabel's time that views take is measured by a clock
around the call that makes them.
"""

import os
import statistics

from harness import options, verdicts
from harness.contender import Answer, Contender, interleaved, run
from harness.environments import python_of
from harness.places import BENCHMARKS, SOURCE, WORK
from harness.verdicts import Row, Spread, Target

OURS = "nolabel"


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", repeats=3)
    made.add_argument("--samples", type=int, default=5_120, help="images of an epoch")
    made.add_argument("--epochs", type=int, default=2, help="that are timed")
    made.add_argument("--batch", type=int, default=256, help="images a step, two views of each")
    made.add_argument("--precision", choices=["bf16", "fp32"], nargs="*", default=["fp32", "bf16"])
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.samples, chosen.epochs, chosen.batch = 256, 1, 64
    rows, details = [], {}
    for precision in chosen.precision:
        found = details[precision] = _measured(chosen, precision)
        rows += _rows(found, precision)
    settings = {name: getattr(chosen, name) for name in ("samples", "epochs", "batch", "repeats")}
    verdicts.conclude("simclr_speed", rows, chosen, settings=settings, details=details)


def _measured(chosen: options.Options, precision: str) -> dict[str, list[Answer]]:
    images = WORK / "cifar10.npy"
    images.parent.mkdir(parents=True, exist_ok=True)
    run(Contender("export", "export_cifar10.py", {"samples": chosen.samples, "images": str(images)}), chosen.threads)
    same = {name: getattr(chosen, name) for name in ("samples", "epochs", "batch")} | {"precision": precision}
    python = python_of("views")
    everyone = [Contender(OURS, "nolabel_simclr.py", same)]
    for workers in range(chosen.threads + 1):
        given = {**same, "images": str(images), "workers": workers}
        path = {"PYTHONPATH": os.pathsep.join([str(BENCHMARKS), str(SOURCE)])}
        everyone.append(Contender(f"lightly, {workers} workers", "lightly_simclr.py", given, python, path))
    return interleaved(everyone, chosen.repeats, chosen.threads, _said)


def _said(answer: Answer) -> str:
    share = f", {answer['share']:.1%} of it making them" if "share" in answer else ""
    return f"{answer['per_second']:,.0f} views a second{share}"


def _rows(found: dict[str, list[Answer]], precision: str) -> list[Row]:
    speeds = {name: [one["per_second"] for one in answers] for name, answers in found.items()}
    best = max((name for name in speeds if name != OURS), key=lambda name: statistics.median(speeds[name]))
    share = Spread.of([one["share"] for one in found[OURS]])
    work = f"SimCLR, small network, {precision}"
    return [
        verdicts.more(f"{work}: views trained on a second", speeds[OURS], best, speeds[best], Target(">=", 1.4)),
        Row(f"{work}: share of a step that makes views", "", share, target=Target("<=", 0.05)),
    ]


if __name__ == "__main__":
    main()
