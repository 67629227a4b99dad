"""A GAN from 500 of MNIST's images, ten minutes, with and without DiffAugment, judged against the test images.

The same 500 images, seed and time for both; 10,000 samples in the features of the classifier of digits. Augmentation
shall not buy its FID by heart: beside it stands by how much authenticity, the share of samples that are no nearer to a
training image than another of these is, is below that of new images; and the FID of the given images themselves.
"""

from collections.abc import Callable

import numpy as np

from harness import digits, options, verdicts
from harness.contender import Answer, Contender, run
from harness.mnist import exported
from harness.places import WORK
from harness.verdicts import Row, Spread, Target

Measured = Callable[[Answer], float | None]
IMAGES = 500
WITH, WITHOUT = "DiffAugment", "no augmentation"


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", seeds=3)
    made.add_argument("--minutes", type=float, default=10.0, help="of training, for each run")
    made.add_argument("--method", default="SNGAN")
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.minutes = 0.05
    found: dict[str, list[Answer]] = {WITH: [], WITHOUT: []}
    for seed in range(chosen.seeds):
        for name in (WITH, WITHOUT):
            found[name].append(_run(name, seed, chosen))
    rows = [*_rows(found, chosen), _of_the_given(chosen)]
    settings = {"minutes": chosen.minutes, "seeds": chosen.seeds, "method": chosen.method, "images": IMAGES}
    verdicts.conclude("gan_few", rows, chosen, settings=settings, details={"runs": found})


def _run(name: str, seed: int, chosen: options.Options) -> Answer:
    out = WORK / f"gan-few-{name == WITH:d}-{seed}.npy"
    given = {"method": chosen.method, "arguments": {"augment": name == WITH}, "few": IMAGES, "out": str(out)}
    given |= {"seconds": 60 * chosen.minutes, "samples": 1_000 if chosen.quick else 10_000}
    if chosen.quick:
        given |= {"epochs": 1}
    answer = run(Contender(name, "nolabel_gan.py", given), chosen.threads, seed=seed)
    answer["judged"] = digits.judged(out, chosen.threads, quick=chosen.quick, images=IMAGES, seed=seed)
    told = {measure: row["value"] for measure, row in answer["judged"]["rows"].items()}
    print(f"  {name}, seed {seed}: " + ", ".join(f"{name} {value:.4g}" for name, value in told.items()), flush=True)
    return answer


def _rows(found: dict[str, list[Answer]], chosen: options.Options) -> list[Row]:
    work = f"mnist, {IMAGES} images, {chosen.method}, {chosen.minutes:g} min"
    rows = []
    for name, target, of in MEASURES:
        ours, theirs = ([of(one["judged"]["rows"]) for one in found[which]] for which in (WITH, WITHOUT))
        if None in ours + theirs:  # of so few samples there is no FID
            continue
        mine, other = Spread.of(ours), Spread.of(theirs)
        judged = mine.mean / other.mean if name == "FID" else mine.mean - other.mean
        said = "times as high" if name == "FID" else "higher"
        rows.append(Row(f"{work}: {name}", "", mine, WITHOUT, other, judged, said, target=target, deviation=True))
    return rows


def _of_the_given(chosen: options.Options) -> Row:
    """What a generator would have that made the images it was given, and nothing else."""
    images, found, out = np.load(f"{exported(chosen.quick)}/train.npy"), [], WORK / "gan-few-given.npy"
    count = 1_000 if chosen.quick else 10_000
    for seed in range(chosen.seeds):
        few = images[np.random.default_rng(seed).permutation(len(images))[:IMAGES]]
        np.save(out, np.tile(few, (count // IMAGES, 1, 1)))
        rows = digits.judged(out, chosen.threads, quick=chosen.quick, images=IMAGES, seed=seed)["rows"]
        found.append(rows["FID"]["value"] if "FID" in rows else float("nan"))
    return Row(f"mnist, FID of {IMAGES} images given, over and over", "", Spread.of(found), deviation=True)


def _plain(measure: str) -> Measured:
    return lambda rows: rows[measure]["value"] if measure in rows else None


def _by_heart(rows: Answer) -> float | None:
    """By how much authenticity is below that of new images: bad samples, which have more, have nothing by heart."""
    if "authenticity" not in rows:
        return None
    return max(0.0, float(rows["authenticity"]["floor"] - rows["authenticity"]["value"]))


MEASURES: tuple[tuple[str, Target | None, Measured], ...] = (
    ("FID", Target("<=", 0.7), _plain("FID")),
    ("memorisation, authenticity missing to that of new images", Target("<=", 0.0), _by_heart),
    ("authenticity", None, _plain("authenticity")),
    ("recall", None, _plain("recall")),
)


if __name__ == "__main__":
    main()
