"""A folder of images that is four times as large, decoded, as the memory allowed to the process: it opens and trains.

Allowed memory is RLIMIT_DATA, for the whole process, imports included (see `contenders/limited_fit.py`). Images are 128
x 128 JPEGs, 2,000 distinct ones under many names (hard links). Epoch 1 begins with the decoded pixels dropped from the
page cache, epoch 2 reads them as the system has kept them. Beside it, with no limit, a quarter of the same images held
in memory.
"""

import shutil
import tempfile

from harness import options, pictures, verdicts
from harness.contender import Contender, run
from harness.places import WORK
from harness.verdicts import Row, Spread, Target

SIDE = 128
TIMES = 4


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "")
    made.add_argument("--allowed-mb", type=int, default=1024)
    made.add_argument("--net", choices=["mlp", "conv"], default="mlp")
    chosen = options.parsed(made)
    images = 6_000 if chosen.quick else -(-TIMES * chosen.allowed_mb * 2**20 // (3 * SIDE * SIDE))
    place = WORK / f"larger-{images}"
    pictures.made_folder(place, images, SIDE, distinct=2_000)
    cache = tempfile.mkdtemp(prefix="cache-", dir=WORK)
    common = {"folder": str(place), "cache": cache, "net": chosen.net}
    try:
        limited = Contender("limited", "limited_fit.py", {**common, "allowed_mb": chosen.allowed_mb, "samples": images})
        free = Contender("in memory", "limited_fit.py", {**common, "allowed_mb": 0, "samples": images // 4})
        found = {one.name: run(one, chosen.threads) for one in (limited, free)}
    finally:
        shutil.rmtree(cache)
        pictures.remove(place)
    for name, one in found.items():
        print(f"  {name}: " + ", ".join(f"{key} {_short(value)}" for key, value in one.items()))
    verdicts.conclude(
        "larger_than_memory", _rows(found, chosen), chosen, settings=_settings(chosen, images), details={"runs": found}
    )


def _settings(chosen: options.Options, images: int) -> dict[str, object]:
    return {"allowed_mb": chosen.allowed_mb, "images": images, "side": SIDE, "net": chosen.net, "batch_size": 256}


def _rows(found: dict[str, dict], chosen: options.Options) -> list[Row]:
    ours, free = found["limited"], found["in memory"]
    work = f"a set larger than memory, {chosen.allowed_mb} MB allowed, {chosen.net}"
    allowed = chosen.allowed_mb * 2**20
    rows = [
        Row(
            f"{work}: decoded size, opened and trained for two epochs",
            "times the memory allowed",
            Spread.of([0.0 if ours["in_memory"] else ours["bytes"] / allowed]),
            target=Target(">=", TIMES),
            digits=2,
        ),
        Row(
            f"{work}: most anonymous memory resident",
            "MB",
            Spread.of([ours["anonymous_mb"]]),
            "after importing",
            Spread.of([ours["import_anonymous_mb"]]),
            target=Target("<=", chosen.allowed_mb),
            digits=0,
        ),
    ]
    for key, name in (("cold", "read from disk"), ("warm", "as the page cache has it")):
        rows.append(
            Row(
                f"{work}: training, {name}",
                "samples/s",
                Spread.of([ours[key]]),
                "a quarter of the set held in memory",
                Spread.of([free["warm"]]),
                judged=ours[key] / free["warm"],
                judged_as="of its speed",
                digits=2,
            )
        )
    return rows


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
