"""The features of a GAN's discriminator on MNIST: a linear probe with 100 labels, beside the raw pixels.

As Radford et al. 2016 used theirs: what the discriminator has learned without labels is standardised and given to a
logistic regression whose penalty is chosen by five folds of the 100 labels; test accuracy, 5 draws of labels. The same
is done with the pixels and with the discriminator as it began.
"""

from harness import options, verdicts
from harness.contender import Contender, run
from harness.verdicts import Row, Spread, Target


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "")
    made.add_argument("--minutes", type=float, default=5.0, help="of training")
    made.add_argument("--method", default="SNGAN")
    made.add_argument("--draws", type=int, default=5, help="of labels")
    chosen = options.parsed(made)
    given = {"method": chosen.method, "seconds": 60 * chosen.minutes, "draws": chosen.draws}
    if chosen.quick:
        given |= {"few": 500, "epochs": 1, "draws": 2}
    found = run(Contender(chosen.method, "gan_features.py", given), chosen.threads, seed=0)
    work = f"mnist, 100 labels, probe on the discriminator of {chosen.method}, {chosen.minutes:g} min: test accuracy"
    ours = Spread.of(found["features"])
    rows = []
    for name, said, target in (("pixels", "raw pixels", Target(">", 0.0)), ("untrained", "first weights", None)):
        gains = Spread.of([100 * (mine - other) for mine, other in zip(found["features"], found[name])])
        rows.append(
            Row(work, "", ours, said, Spread.of(found[name]), gains.mean, "points higher on average", gains,
                target=target, deviation=True)
        )  # fmt: skip
    settings = {"minutes": chosen.minutes, "method": chosen.method, "draws": chosen.draws}
    verdicts.conclude("gan_features", rows, chosen, settings=settings, details={"found": found})


if __name__ == "__main__":
    main()
