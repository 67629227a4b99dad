"""Compiling LDA's loops: with an empty cache of compiled code, then with the one that was left.

Seconds that the first fit of a process takes longer than its second, imports not included.
"""

import tempfile

from harness import options, verdicts
from harness.contender import Contender, run
from harness.places import WORK
from harness.verdicts import Row, Spread, Target


def main() -> None:
    """Measure, print, keep."""
    chosen = options.parsed(options.parser(__doc__ or "", repeats=3))
    WORK.mkdir(exist_ok=True)
    rows = [row for inference in ("map", "vb") for row in _rows(inference, chosen)]
    verdicts.conclude("lda_compile", rows, chosen, settings={"repeats": chosen.repeats})


def _rows(inference: str, chosen: options.Options) -> list[Row]:
    pairs = [_pair(inference, chosen.threads) for _ in range(chosen.repeats)]
    return [
        Row(f"LDA ({inference}): compiling, {when}", "s", Spread.of(list(seconds)), target=Target("<=", most))
        for when, seconds, most in zip(("first use", "later uses"), zip(*pairs), (10.0, 1.0))
    ]


def _pair(inference: str, threads: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="compiled-", dir=WORK) as cache:
        one = Contender("compile", "compile_lda.py", {"inference": inference}, None, {"NUMBA_CACHE_DIR": cache})
        first, later = (float(run(one, threads)["seconds"]) for _ in range(2))
    return first, later


if __name__ == "__main__":
    main()
