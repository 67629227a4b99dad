"""A folder of 200,000 JPEGs of 64 x 64: first open and second open, beside the time that Pillow needs to decode it.

Pillow opens, converts to RGB and drops every file in a pool of as many processes as nolabel has cores; listing the
files is not on its clock, while nolabel lists, decodes, writes its cache to the disk (2.4 GB) and waits until it is
there. First open: no cache. Second open: a new process. Nothing is dropped from the page cache, so all read the files
from memory; the order changes from repeat to repeat. The clock is around `open`; importing is printed beside it.
"""

import os
import shutil
import tempfile
from pathlib import Path

from harness import options, pictures, verdicts
from harness.contender import Answer, Contender, run
from harness.places import WORK
from harness.verdicts import Row, Spread, Target

SIDE = 64


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", repeats=3)
    made.add_argument("--images", type=int, default=200_000)
    made.add_argument("--keep", action="store_true", help="leave the images for the next time")
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.images = 4_000
    place = WORK / f"folder-{chosen.images}"
    size = pictures.made_folder(place, chosen.images, SIDE)
    print(f"  {chosen.images} files, {size / 1e6:.0f} MB")
    try:
        found = _measured(place, chosen)
    finally:
        if not chosen.keep:
            pictures.remove(place)
    _conclude(found, size, chosen)


def _measured(place: Path, chosen: options.Options) -> dict[str, list[Answer]]:
    found: dict[str, list[Answer]] = {"Pillow": [], "first": [], "second": []}
    for repeat in range(chosen.repeats):
        turns = (_decode, _open_twice) if repeat % 2 else (_open_twice, _decode)
        for turn in turns:
            for name, answer in turn(place, chosen.threads).items():
                found[name].append(answer)
                print(f"  {repeat + 1}/{chosen.repeats} {name}: {answer['seconds']:.2f} s", flush=True)
    return found


def _decode(place: Path, threads: int) -> dict[str, Answer]:
    os.sync()
    return {"Pillow": run(Contender("Pillow", "pillow_decode.py", {"folder": str(place)}), threads)}


def _open_twice(place: Path, threads: int) -> dict[str, Answer]:
    os.sync()
    cache = tempfile.mkdtemp(prefix="cache-", dir=WORK)
    try:
        contender = Contender("nolabel", "open_folder.py", {"folder": str(place), "cache": cache})
        first, second = run(contender, threads), run(contender, threads)
    finally:
        shutil.rmtree(cache)
    if first["checksum"] != second["checksum"]:
        raise RuntimeError("the second open gave other pixels than the first")
    return {"first": first, "second": second}


def _conclude(found: dict[str, list[Answer]], size: int, chosen: options.Options) -> None:
    seconds = {name: [one["seconds"] for one in answers] for name, answers in found.items()}
    work = f"{chosen.images} JPEGs of {SIDE} x {SIDE}"
    pillow, first = Spread.of(seconds["Pillow"]), Spread.of(seconds["first"])
    ratios = Spread.of([ours / theirs for ours, theirs in zip(seconds["first"], seconds["Pillow"])])
    rows = [
        Row(
            f"{work}: first open",
            "s",
            first,
            "Pillow alone",
            pillow,
            judged=first.median / pillow.median,
            judged_as="times Pillow's time",
            judged_spread=ratios,
            target=Target("<=", 1.5),
        ),
        Row(f"{work}: second open", "s", Spread.of(seconds["second"]), target=Target("<=", 2.0)),
        Row(
            f"{work}: second open, importing torch included",
            "s",
            Spread.of([one["seconds"] + one["import_seconds"] for one in found["second"]]),
        ),
    ]
    settings = {"images": chosen.images, "side": SIDE, "bytes": size, "repeats": chosen.repeats}
    verdicts.conclude("folder", rows, chosen, settings=settings, details={"runs": found})


if __name__ == "__main__":
    main()
