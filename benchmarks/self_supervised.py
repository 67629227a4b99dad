"""CIFAR-10 without labels, some minutes on two cores: test images named by their neighbours in each method's codes.

SimCLR with its defaults, several seeds; then the other methods, one seed each, with theirs. Every run has the same
time for `fit` (--minutes) and the cosine schedule ends with it; what is judged is the last epoch. All run in bf16,
which is a matter of the plan and of the processor (--precision). Beside each stand raw pixels and the method's own
untrained network. See `contenders/nolabel_cifar10.py` for the protocol.

--at-once N runs N methods at a time, each on its share of the threads; with one thread each the clock is that of the
processor, so that what else the machine does is not counted. --methods without SimCLR is kept as a table of its own,
`self_supervised_others`.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from harness import options, verdicts
from harness.contender import Answer, Contender, run
from harness.places import pretrained
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
    made.add_argument("--methods", nargs="+", default=[FIRST, *OTHERS], help="SimCLR with all seeds, others with one")
    made.add_argument("--at-once", type=int, default=1, help="runs at a time, each on its share of the threads")
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.methods = chosen.methods[:3]
    wanted = [(method, seed) for method in chosen.methods for seed in range(chosen.seeds if method == FIRST else 1)]
    with ThreadPoolExecutor(chosen.at_once) as pool:
        answers = list(pool.map(partial(_run, chosen), *zip(*wanted)))
    rows, runs = [], {}
    for method in chosen.methods:
        runs[method] = [found for (name, _), found in zip(wanted, answers) if name == method and found]
        rows += _rows(method, runs[method], chosen) if runs[method] else []
    settings = {name: getattr(chosen, name) for name in ("minutes", "seeds", "precision", "at_once")}
    name = "self_supervised" if FIRST in chosen.methods else "self_supervised_others"
    verdicts.conclude(name, rows, chosen, settings=settings, details={"runs": runs})


def _run(chosen: options.Options, method: str, seed: int) -> Answer:
    arguments = {"plan": {"precision": chosen.precision}}
    given = {"method": method, "minutes": chosen.minutes, "baselines": seed == 0, "arguments": arguments}
    if chosen.quick:
        given |= {"samples": 600, "epochs": 1}
    elif (method, seed) == (FIRST, 0):
        given |= {"model": str(pretrained(chosen.minutes))}
    try:
        found = run(Contender(method, "nolabel_cifar10.py", given), chosen.threads // chosen.at_once or 1, seed=seed)
    except RuntimeError as error:  # the others' hours are not to be lost for it
        print(f"  {method}, seed {seed}, is not in the table: {error}", flush=True)
        return {}
    words = f"{found['accuracy']:.4f} after {found['epochs']} epochs in {found['fit_seconds']:.0f} s"
    print(f"  {method}, seed {seed}: {words}; {', '.join(found['health'])}", flush=True)
    return found


def _rows(method: str, runs: list[Answer], chosen: options.Options) -> list[Row]:
    epochs = " to ".join(str(count) for count in sorted({one["epochs"] for one in runs})[:: max(1, len(runs) - 1)])
    work = f"cifar10, {method}, {chosen.minutes:g} min, {epochs} epochs: accuracy of 200 neighbours"
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
