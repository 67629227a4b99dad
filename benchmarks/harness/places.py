"""Where benchmarks find things and leave them. Nothing here is heavy to import: parents must stay small.

src/                  nolabel itself, put on the path of contenders that use it
benchmarks/.envs/     virtual environments of peers      (not in version control)
benchmarks/.work/     data for peers, made folders, runs (not in version control)
benchmarks/results/   what was measured, one line of JSON a run
"""

import os
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
ROOT = BENCHMARKS.parent
SOURCE = ROOT / "src"
CONTENDERS = BENCHMARKS / "contenders"
ENVIRONMENTS = BENCHMARKS / ".envs"
WORK = BENCHMARKS / ".work"
RESULTS = BENCHMARKS / "results"


def data_folder() -> Path | None:
    """NOLABEL_DATA, else `../shared/data` beside the project if there is one; None to let nolabel download."""
    chosen = os.environ.get("NOLABEL_DATA")
    beside = ROOT.parent / "shared" / "data"
    return Path(chosen) if chosen else beside if beside.is_dir() else None


def pretrained(minutes: float) -> Path:
    """Where the SimCLR of so many minutes on CIFAR-10 is kept, for whoever fine-tunes it."""
    return WORK / f"simclr-{minutes:g}-minutes"
