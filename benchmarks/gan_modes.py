"""Every GAN on planted modes, 5 seeds: a ring of 8 Gaussians and a grid of 25, of which it is counted what is kept.

Each method runs with its defaults for the same number of moves of the generator (--moves), on 5,000 points in batches
of 256; 2,500 samples are counted (`nolabel.evaluation.modes`). R3GAN and WGANGP shall keep all modes with every seed;
where any method does not, its health shall say so: "mode collapse", "samples unlike the data", or anything bad. Beside
it stands how often a collapse is told of where there is none.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from harness import options, verdicts
from harness.contender import Answer, Contender, run
from harness.verdicts import Row, Spread, Target

METHODS = ("GAN", "LSGAN", "SNGAN", "WGANGP", "R3GAN", "BiGAN")
STEADY = ("WGANGP", "R3GAN")
COLLAPSE = ("mode collapse", "samples unlike the data")  # what says so, at any level
CRITIC_STEPS = {"WGANGP": 5}
POINTS, BATCH = 5_000, 256


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", seeds=5)
    made.add_argument("--moves", type=int, default=4_000, help="of the generator, in each run")
    made.add_argument("--methods", nargs="+", default=list(METHODS))
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.moves, chosen.methods = 40, chosen.methods[:2]
    wanted = [
        (method, mixture, seed)
        for mixture in ("ring", "grid")
        for method in chosen.methods
        for seed in range(chosen.seeds)
    ]
    with ThreadPoolExecutor(chosen.threads) as pool:  # one thread each: the nets are small
        answers = list(pool.map(partial(_run, chosen.moves), *zip(*wanted)))
    found = dict(zip(wanted, answers))
    rows = [
        row
        for mixture in ("ring", "grid")
        for method in chosen.methods
        for row in _rows(method, mixture, [found[method, mixture, seed] for seed in range(chosen.seeds)])
    ]
    details = {"runs": [{"run": key, **answer} for key, answer in found.items()]}
    settings = {"moves": chosen.moves, "seeds": chosen.seeds, "points": POINTS, "batch_size": BATCH}
    verdicts.conclude("gan_modes", rows, chosen, settings=settings, details=details)


def _run(moves: int, method: str, mixture: str, seed: int) -> Answer:
    epochs = max(1, moves * CRITIC_STEPS.get(method, 1) * BATCH // POINTS)
    given = {"method": method, "mixture": mixture, "points": POINTS}
    arguments = {"epochs": epochs, "batch_size": BATCH}
    found = run(Contender(method, "planted_modes.py", {**given, "arguments": arguments}), 1, seed=seed)
    told = f"; {', '.join(found['told'])}" if found["told"] else ""
    print(f"  {mixture}, {method}, seed {seed}: {found['kept']} of {found['modes']} modes, {found['good']:.0%} of the "
          f"samples good{told} ({found['seconds']:.0f} s)", flush=True)  # fmt: skip
    return found


def _rows(method: str, mixture: str, runs: list[Answer]) -> list[Row]:
    whole = [run["kept"] == run["modes"] for run in runs]
    warned = [any(name in run["told"] for name in COLLAPSE) or "bad" in run["told"].values() for run in runs]
    said = [kept or warning for kept, warning in zip(whole, warned)]
    false = [kept and "mode collapse" in run["told"] for kept, run in zip(whole, runs)]
    kept = Spread.of([run["kept"] for run in runs])
    good = Spread.of([run["good"] for run in runs])
    work = f"{mixture}, {method}, {len(runs)} seeds"
    steady = Target(">=", len(runs)) if method in STEADY else None
    return [
        Row(f"{work}: modes kept", "", kept, "share of good samples", good, judged=sum(whole),
            judged_as=f"of {len(runs)} seeds keep all", target=steady, digits=2, judged_digits=0),
        Row(f"{work}: seeds that keep all or are told", "", Spread.of([sum(said)]), target=Target(">=", len(runs)),
            digits=0),
        Row(f"{work}: seeds that keep all and are told of a collapse", "", Spread.of([sum(false)]), digits=0),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
