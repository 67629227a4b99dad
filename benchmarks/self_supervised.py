"""CIFAR-10 without labels, some minutes on two cores: test images named by their neighbours in each method's codes.

SimCLR with its defaults, several seeds; then the other methods, one seed each, with theirs. Every run has the same
time for `fit` (--minutes) and the cosine schedule ends with it; what is judged is the last epoch. All run in bf16,
which is a matter of the plan and of the processor (--precision). Beside each stand raw pixels and the method's own
untrained network. See `contenders/nolabel_cifar10.py` for the protocol.
"""

from harness import options, verdicts
from harness.contender import Answer, Contender, run
from harness.verdicts import Row, Spread, Target

FIRST = "SimCLR"
OTHERS = (
    *("MoCo", "NNCLR", "BYOL", "SimSiam", "BarlowTwins", "VICReg", "DINO", "SwAV", "MAE"),
    *("PretextRotation", "Jigsaw", "SupCon"),
)
WANTED = 0.54


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", seeds=3)
    made.add_argument("--minutes", type=float, default=10.0, help="of `fit`, for each run")
    made.add_argument("--precision", choices=["bf16", "fp32"], default="bf16")
    made.add_argument("--others", nargs="*", default=list(OTHERS), help="methods to stand beside SimCLR")
    chosen = options.parsed(made)
    small = {"samples": 600, "epochs": 1} if chosen.quick else {}
    rows, runs = [], {}
    for method in (FIRST, *(chosen.others[:2] if chosen.quick else chosen.others)):
        seeds = range(chosen.seeds if method == FIRST else 1)
        runs[method] = [_run(method, seed, chosen, small) for seed in seeds]
        rows += _rows(method, runs[method], chosen)
    settings = {"minutes": chosen.minutes, "seeds": chosen.seeds, "precision": chosen.precision}
    verdicts.conclude("self_supervised", rows, chosen, settings=settings, details={"runs": runs})


def _run(method: str, seed: int, chosen: options.Options, small: dict[str, int]) -> Answer:
    arguments = {"plan": {"precision": chosen.precision}}
    given = {"method": method, "minutes": chosen.minutes, "baselines": seed == 0, "arguments": arguments, **small}
    found = run(Contender(method, "nolabel_cifar10.py", given), chosen.threads, seed=seed)
    words = f"{found['accuracy']:.4f} after {found['epochs']} epochs in {found['fit_seconds']:.0f} s"
    print(f"  {method}, seed {seed}: {words}; {', '.join(found['health'])}", flush=True)
    return found


def _rows(method: str, runs: list[Answer], chosen: options.Options) -> list[Row]:
    work = f"cifar10, {method}, {chosen.minutes:g} min, {runs[0]['epochs']} epochs: accuracy of 200 neighbours"
    ours = Spread.of([one["accuracy"] for one in runs])
    first = method == FIRST
    rows = []
    if first:
        pixels = Spread.of([runs[0]["pixels"]])
        rows.append(
            Row(work, "", ours, "raw pixels", pixels, judged=ours.mean, judged_as="on average", judged_digits=3,
                target=Target(">=", WANTED), deviation=True)
        )  # fmt: skip
        seconds = Spread.of([one["fit_seconds"] for one in runs])
        rows.append(Row(f"cifar10, {method}: seconds of fit", "s", seconds, digits=0))
    plain = Spread.of([runs[0]["untrained"]])
    rows.append(
        Row(work, "", ours, "untrained network", plain, judged=100 * (ours.mean - plain.mean),
            judged_as="points higher", judged_digits=1, target=Target(">", 0.0), deviation=True)
    )  # fmt: skip
    return rows


if __name__ == "__main__":
    main()
