"""How soon one can start: `import nolabel` (under 0.3 s, torch not imported) and `nolabel --help` (under 0.5 s).

The import is timed inside a fresh interpreter; `--help` is the whole process, interpreter included. One run of each
goes first and is not counted: it writes the bytecode.
"""

import subprocess
import sys

from harness import options, verdicts
from harness.command import nolabel_command, timed
from harness.contender import environment
from harness.verdicts import Row, Spread, Target

IMPORT = """
import sys, time
start = time.perf_counter()
import nolabel
print(time.perf_counter() - start, *sorted({"torch", "numpy", "pandas", "sklearn"} & set(sys.modules)))
"""
NOTHING = [sys.executable, "-c", "pass"]


def main() -> None:
    """Measure, print, keep."""
    chosen = options.parsed(options.parser(__doc__ or "", repeats=10))
    around = environment(chosen.threads)
    imports, helps, bare = [], [], []
    heavy: set[str] = set()
    for repeat in range(chosen.repeats + 1):
        seconds, *modules = subprocess.run(
            [sys.executable, "-c", IMPORT], env=around, capture_output=True, text=True, check=True
        ).stdout.split()
        heavy.update(modules)
        help_seconds = timed([*nolabel_command(), "--help"], around).seconds
        if repeat:
            imports.append(float(seconds))
            helps.append(help_seconds)
            bare.append(timed(NOTHING, around).seconds)
    print(f"  imported with nolabel: {', '.join(sorted(heavy)) or 'none of torch, numpy, pandas, sklearn'}")
    rows = [
        Row("import nolabel", "s", Spread.of(imports), target=Target("<", 0.3)),
        Row(
            "modules that importing nolabel must not import (torch)",
            "modules",
            Spread.of([float("torch" in heavy)]),
            target=Target("<=", 0),
            digits=0,
        ),
        Row("nolabel --help", "s", Spread.of(helps), "the bare interpreter", Spread.of(bare), target=Target("<", 0.5)),
    ]
    verdicts.conclude("startup", rows, chosen, settings={"repeats": chosen.repeats}, details={"heavy": sorted(heavy)})


if __name__ == "__main__":
    main()
