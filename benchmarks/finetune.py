"""1 % of CIFAR-10's labels (500): fine-tuned from a SimCLR encoder, beside the same network from scratch.

Both are trained on the same labels by the same settings for the same number of epochs; the labels are drawn anew for
each seed, 50 of each class. A linear probe on the encoder's codes is printed beside. Test accuracy on the 10,000 test
images. The encoder comes from --run, or is trained here without labels for --minutes (default 10) and kept in
benchmarks/.work for the next time.
"""

from pathlib import Path

from harness import options, verdicts
from harness.contender import Contender, interleaved, run
from harness.places import pretrained
from harness.verdicts import Row, Spread, Target


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", seeds=5)
    made.add_argument("--run", type=Path, default=None, help="folder of a trained SimCLR; None trains one")
    made.add_argument("--minutes", type=float, default=10.0, help="how long to train it")
    made.add_argument("--labels", type=int, default=500)
    made.add_argument("--epochs", type=int, default=100)
    made.add_argument("--learning-rate", type=float, default=0.001)
    made.add_argument("--layer-decay", type=float, default=1.0)
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.labels, chosen.epochs, chosen.minutes = 20, 2, 0.05
    encoder = chosen.run.resolve() if chosen.run else _trained(chosen)
    settings = {name: getattr(chosen, name) for name in ("labels", "epochs", "learning_rate", "layer_decay")}
    given = {"encoder": str(encoder), "samples": 2_000 if chosen.quick else None, **settings}
    found = interleaved(
        [Contender("nolabel", "finetune_few.py", given)],
        chosen.seeds,
        chosen.threads,
        lambda one: f"fine-tuned {one['tuned']:.4f}, from scratch {one['scratch']:.4f}, probe {one['probe']:.4f}",
        seeded=True,
    )["nolabel"]
    tuned = [one["tuned"] for one in found]
    rows = [
        _row(tuned, [one["scratch"] for one in found], "the same network from scratch", chosen, Target(">=", 8.0)),
        _row(tuned, [one["probe"] for one in found], "linear probe on the same labels", chosen, None),
    ]
    details = {"runs": found, "encoder": encoder.name}
    verdicts.conclude("finetune", rows, chosen, settings={**settings, "minutes": chosen.minutes}, details=details)


def _trained(chosen: options.Options) -> Path:
    """The encoder of an earlier time, or a new one."""
    folder = pretrained(chosen.minutes)
    if not (folder / "model.json").is_file():
        given = {
            "method": "SimCLR",
            "minutes": chosen.minutes,
            "model": str(folder),
            "arguments": {"plan": {"precision": "bf16"}},
        }
        given |= {"samples": 2_000, "epochs": 1} if chosen.quick else {}
        found = run(Contender("SimCLR", "nolabel_cifar10.py", given), chosen.threads)
        print(f"  SimCLR trained for {found['fit_seconds'] / 60:.1f} minutes: {folder}", flush=True)
    return folder


def _row(ours: list[float], theirs: list[float], beside: str, chosen: options.Options, target: Target | None) -> Row:
    gains = Spread.of([100 * (mine - other) for mine, other in zip(ours, theirs)])
    return Row(
        f"cifar10, {chosen.labels} labels, {chosen.epochs} epochs: test accuracy",
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
