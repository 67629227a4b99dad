"""MNIST's digits by a GAN after some minutes on two cores: our default beside PyTorch's DCGAN example.

The example is adapted to 28 x 28 with its 64 channels. Both have the same time and cores; 10,000 samples of each are
judged in the features of one classifier of digits against the test images (see `contenders/judge_digits.py`): FID with
its floor and ceiling, precision and recall, and the share of each digit. Speed is that of the same runs; of the steps
alone, and with the example's networks, see `gan_speed.py`.
"""

from harness import digits, options, verdicts
from harness.contender import Answer, Contender, run
from harness.mnist import exported
from harness.places import WORK
from harness.verdicts import Row, Spread, Target

DEFAULT = "SNGAN"
OURS, EXAMPLE = "nolabel", "PyTorch's DCGAN example"


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", seeds=3)
    made.add_argument("--minutes", type=float, default=10.0, help="of training, for each run")
    made.add_argument("--method", default=DEFAULT)
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.minutes = 0.05
    images = f"{exported(chosen.quick)}/train.npy"
    found: dict[str, list[Answer]] = {OURS: [], EXAMPLE: []}
    for seed in range(chosen.seeds):
        for name in (OURS, EXAMPLE):
            found[name].append(_run(name, seed, images, chosen))
    settings = {"minutes": chosen.minutes, "seeds": chosen.seeds, "method": chosen.method}
    verdicts.conclude("gan", _rows(found, chosen), chosen, settings=settings, details={"runs": found})


def _run(name: str, seed: int, images: str, chosen: options.Options) -> Answer:
    out = WORK / f"gan-{'ours' if name == OURS else 'example'}-{seed}.npy"
    given = {"seconds": 60 * chosen.minutes, "out": str(out), "samples": 1_000 if chosen.quick else 10_000}
    given |= {"method": chosen.method} if name == OURS else {"images": images}
    if chosen.quick:
        given |= {"few": 1_000, "epochs": 1}
    script = "nolabel_gan.py" if name == OURS else "torch_dcgan.py"
    answer = run(Contender(name, script, given), chosen.threads, seed=seed)
    answer["judged"] = digits.judged(out, chosen.threads, quick=chosen.quick)
    rows, shares = answer["judged"]["rows"], answer["judged"]["digits"]
    told = f"FID {rows['FID']['value']:.3f}, recall {rows['recall']['value']:.3f}" if "FID" in rows else "no FID"
    print(f"  {name}, seed {seed}: {told}, digits {min(shares):.1%} to {max(shares):.1%}; {_speed(answer)}", flush=True)
    return answer


def _speed(answer: Answer) -> str:
    return f"{answer['per_second']:,.0f} images a second"


def _rows(found: dict[str, list[Answer]], chosen: options.Options) -> list[Row]:
    work = f"mnist, {chosen.method}, {chosen.minutes:g} min"
    rows = []
    for measure, target in (("FID", Target("<=", 0.25)), ("recall", Target(">", 0.0))):
        ours, theirs = (_measure(found[name], measure) for name in (OURS, EXAMPLE))
        if not ours:
            continue
        mine, other = Spread.of(ours), Spread.of(theirs)
        judged = mine.mean / other.mean if measure == "FID" else mine.mean - other.mean
        rows.append(
            Row(f"{work}: {measure} of 10,000 samples", "", mine, EXAMPLE, other, judged,
                "times as high" if measure == "FID" else "higher", target=target, deviation=True)
        )  # fmt: skip
        floor = Spread.of([one["judged"]["rows"][measure]["floor"] for one in found[OURS]])
        ceiling = Spread.of([one["judged"]["rows"][measure]["ceiling"] or 0.0 for one in found[OURS]])
        rows.append(Row(f"{work}: the floor of that {measure}", "", floor, "noise", ceiling))
    shares = [share for one in found[OURS] for share in one["judged"]["digits"]]
    rows += [
        Row(f"{work}: the rarest digit's share", "", Spread.of([min(shares)]), target=Target(">=", 0.05)),
        Row(f"{work}: the commonest digit's share", "", Spread.of([max(shares)]), target=Target("<=", 0.15)),
        _faster(f"{work}: images a second, both players", found, Target(">=", 9.0)),
    ]
    return rows


def _measure(runs: list[Answer], measure: str) -> list[float]:
    return [one["judged"]["rows"][measure]["value"] for one in runs if measure in one["judged"]["rows"]]


def _faster(work: str, found: dict[str, list[Answer]], target: Target) -> Row:
    ours, theirs = ([one["per_second"] for one in found[name]] for name in (OURS, EXAMPLE))
    return verdicts.more(work, ours, EXAMPLE, theirs, target)


if __name__ == "__main__":
    main()
