"""MNIST, 784-128-64-32 against 784-32, 100 epochs of batch 256 each: test BCE per pixel. Deeper must be lower."""

from harness import mnist, options, verdicts
from harness.contender import Contender, interleaved
from harness.verdicts import Row, Spread, Target

DEEP, SHALLOW = "784-128-64-32", "784-32"


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", seeds=3)
    made.add_argument("--epochs", type=int, default=100)
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.epochs = 3
    common = {"folder": mnist.exported(chosen.quick), "epochs": chosen.epochs, "test": True}
    found = interleaved(
        [
            Contender(DEEP, "nolabel_dense.py", {**common, "hidden": [128, 64, 32]}),
            Contender(SHALLOW, "nolabel_dense.py", {**common, "hidden": [32]}),
        ],
        chosen.seeds,
        chosen.threads,
        lambda one: f"test BCE {one['test_bce']:.5f}, train {one['train_loss']:.5f}, {one['fit_seconds']:.0f} s",
        seeded=True,
    )
    deep, shallow = ([one["test_bce"] for one in found[name]] for name in (DEEP, SHALLOW))
    row = Row(
        f"mnist {DEEP}, {chosen.epochs} epochs: test loss",
        "BCE per pixel",
        Spread.of(deep),
        SHALLOW,
        Spread.of(shallow),
        judged=Spread.of(shallow).median - max(deep),
        judged_as="lower, the worst deep seed against the median shallow one",
        target=Target(">", 0.0),
        digits=5,
        judged_digits=5,
    )
    settings = {"epochs": chosen.epochs, "batch_size": 256, "seeds": chosen.seeds}
    verdicts.conclude("deep", [row], chosen, settings=settings, details={"runs": found})


if __name__ == "__main__":
    main()
