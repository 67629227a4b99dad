"""SupervisedAutoencoder with 1,000 labels of MNIST's 60,000, beside the same encoder and classifier on the 1,000 alone.

The labelled images are drawn anew for each seed, 100 of each digit. Both train for the same number of optimizer steps;
see `contenders/few_labels.py` for how the baseline is treated. Test accuracy, mean and standard deviation over seeds.
"""

from harness import mnist, options, verdicts
from harness.contender import Contender, interleaved
from harness.verdicts import Row, Spread, Target


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", seeds=5)
    made.add_argument("--labels", type=int, default=1_000)
    made.add_argument("--epochs", type=int, default=20)
    made.add_argument("--batch-size", type=int, default=256)
    made.add_argument("--weight", type=float, default=1.0)
    made.add_argument("--net", choices=["mlp", "conv"], default="mlp")
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.labels, chosen.epochs = 100, 3
    settings = {name: getattr(chosen, name) for name in ("labels", "epochs", "batch_size", "weight", "net")}
    contender = Contender("nolabel", "few_labels.py", {"folder": mnist.exported(chosen.quick), **settings})
    found = interleaved(
        [contender],
        chosen.seeds,
        chosen.threads,
        lambda one: f"{one['ours']:.4f}; labelled alone {one['alone']:.4f}, at its best {one['alone_best']:.4f}",
        seeded=True,
    )["nolabel"]
    ours = [one["ours"] for one in found]
    rows = [
        _row(ours, [one[key] for one in found], f"labelled alone{note}", chosen, target)
        for key, note, target in (
            ("alone", "", Target(">", 0.0)),
            ("alone_best", ", at the best look by the test set", None),
        )
    ]
    verdicts.conclude("supervised", rows, chosen, settings=settings, details={"runs": found})


def _row(ours: list[float], theirs: list[float], beside: str, chosen: options.Options, target: Target | None) -> Row:
    gains = Spread.of([100 * (mine - other) for mine, other in zip(ours, theirs)])
    return Row(
        f"mnist, {chosen.labels} labels, {chosen.net}, {chosen.epochs} epochs: test accuracy",
        "",
        Spread.of(ours),
        beside,
        Spread.of(theirs),
        judged=gains.mean,
        judged_as="points higher on average",
        judged_spread=gains,
        target=target,
        digits=4,
        deviation=True,
    )


if __name__ == "__main__":
    main()
