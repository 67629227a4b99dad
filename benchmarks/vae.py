"""VAE 784-400-20 on MNIST, batch 128, Adam 1e-3, 10 epochs: test −ELBO, and seconds beside PyTorch's own example.

The bound takes pixel intensities as Bernoulli means and one draw of z an image, as the example does. The example stands
here twice: handing out samples one by one as torchvision does (what the target is about), and with float tensors made
beforehand (generous to it). All are trained in full in every repeat, repeat r with seed r, and give quality and speed
at once.
"""

from harness import mnist, options, verdicts
from harness.contender import Contender, interleaved
from harness.environments import python_of
from harness.verdicts import Row, Spread, Target, faster

OURS, EXAMPLE, GENEROUS = "nolabel", "PyTorch example", "PyTorch example, tensors made beforehand"


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", seeds=3)
    made.add_argument("--epochs", type=int, default=10)
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.epochs = 2
    common = {"folder": mnist.exported(chosen.quick), "epochs": chosen.epochs}
    torch = python_of("torch")
    found = interleaved(
        [
            Contender(OURS, "nolabel_vae.py", common),
            Contender(EXAMPLE, "torch_vae.py", {**common, "samples": "per image"}, torch),
            Contender(GENEROUS, "torch_vae.py", {**common, "samples": "tensors"}, torch),
        ],
        chosen.seeds,
        chosen.threads,
        lambda one: f"{one['train_seconds']:.1f} s, -ELBO {one['negative_elbo']:.2f}",
        seeded=True,
    )
    bound = {name: [one["negative_elbo"] for one in answers] for name, answers in found.items()}
    seconds = {name: [one["train_seconds"] for one in answers] for name, answers in found.items()}
    work = f"VAE 784-400-20, {chosen.epochs} epochs"
    rows = [
        Row(
            f"{work}: test -ELBO",
            "nats an image",
            Spread.of(bound[OURS]),
            EXAMPLE,
            Spread.of([*bound[EXAMPLE], *bound[GENEROUS]]),
            target=Target("<=", 105.6),
            digits=2,
        ),
        faster(f"{work}: training", seconds[OURS], EXAMPLE, seconds[EXAMPLE], Target(">=", 1.5)),
        faster(f"{work}: training", seconds[OURS], GENEROUS, seconds[GENEROUS], None),
    ]
    settings = {"epochs": chosen.epochs, "batch_size": 128, "learning_rate": 1e-3, "seeds": chosen.seeds}
    verdicts.conclude("vae", rows, chosen, settings=settings, details={"runs": found})


if __name__ == "__main__":
    main()
