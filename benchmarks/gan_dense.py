"""The fully connected GAN of 2014 on MNIST's digits, five minutes, 5 seeds: does it collapse, are all digits there?

784-512-256-1 against 100-256-512-784, as in countless tutorials; 10,000 samples are named by the classifier of digits
(`contenders/judge_digits.py`). A digit is there with 1 % of the samples or more; collapse is what the run's own verdict
calls so.
"""

from harness import digits, options, verdicts
from harness.contender import Answer, Contender, run
from harness.places import WORK
from harness.verdicts import Row, Spread, Target

THERE = 0.01  # of the samples


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", seeds=5)
    made.add_argument("--minutes", type=float, default=5.0, help="of training, for each run")
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.minutes = 0.05
    runs = [_run(seed, chosen) for seed in range(chosen.seeds)]
    steady = sum("mode collapse" not in one["bad"] for one in runs)
    whole = sum(min(one["judged"]["digits"]) >= THERE for one in runs)
    work = f"mnist, GAN of perceptrons, {chosen.minutes:g} min"
    shares = Spread.of([min(one["judged"]["digits"]) for one in runs])
    rows = [
        Row(f"{work}: seeds without a verdict of mode collapse", "", Spread.of([steady]),
            target=Target(">=", chosen.seeds), digits=0),
        Row(f"{work}: seeds with all ten digits", "", Spread.of([whole]), target=Target(">=", chosen.seeds), digits=0),
        Row(f"{work}: the rarest digit's share", "", shares),
    ]  # fmt: skip
    settings = {"minutes": chosen.minutes, "seeds": chosen.seeds}
    verdicts.conclude("gan_dense", rows, chosen, settings=settings, details={"runs": runs})


def _run(seed: int, chosen: options.Options) -> Answer:
    out = WORK / f"gan-dense-{seed}.npy"
    given = {"method": "GAN", "arguments": {"latent": 100, "hidden": [256, 512]}, "seconds": 60 * chosen.minutes}
    given |= {"out": str(out), "samples": 1_000 if chosen.quick else 10_000}
    if chosen.quick:
        given |= {"few": 1_000, "epochs": 1}
    answer = run(Contender("GAN", "nolabel_gan.py", given), chosen.threads, seed=seed)
    answer["judged"] = digits.judged(out, chosen.threads, quick=chosen.quick)
    shares, bad = answer["judged"]["digits"], ", ".join(answer["bad"]) or "nothing bad"
    print(f"  seed {seed}: digits {min(shares):.1%} to {max(shares):.1%}; {bad}", flush=True)
    return answer


if __name__ == "__main__":
    main()
