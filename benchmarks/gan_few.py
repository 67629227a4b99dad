"""A GAN from 500 of MNIST's images, ten minutes, with and without DiffAugment, judged against the test images.

The same 500 images, seed and time for both; 10,000 samples in the features of the classifier of digits. Beside FID
stands their authenticity, the share of samples that are no nearer to a training image than another of these is:
augmentation shall not buy its FID by heart.
"""

from harness import digits, options, verdicts
from harness.contender import Answer, Contender, run
from harness.places import WORK
from harness.verdicts import Row, Spread, Target

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
    settings = {"minutes": chosen.minutes, "seeds": chosen.seeds, "method": chosen.method, "images": IMAGES}
    verdicts.conclude("gan_few", _rows(found, chosen), chosen, settings=settings, details={"runs": found})


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
    for measure, target in (("FID", Target("<=", 0.7)), ("authenticity", Target(">=", 0.0)), ("recall", None)):
        ours, theirs = ([one["judged"]["rows"][measure]["value"] for one in found[name]
                         if measure in one["judged"]["rows"]] for name in (WITH, WITHOUT))  # fmt: skip
        if not ours:
            continue
        mine, other = Spread.of(ours), Spread.of(theirs)
        judged = mine.mean / other.mean if measure == "FID" else mine.mean - other.mean
        said = "times as high" if measure == "FID" else "higher"
        rows.append(Row(f"{work}: {measure}", "", mine, WITHOUT, other, judged, said, target=target, deviation=True))
    return rows


if __name__ == "__main__":
    main()
