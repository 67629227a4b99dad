"""Images of MNIST a second through a training step of both players, beside PyTorch's DCGAN example on the same cores.

The example's very networks in nolabel's engine, at its batch, in float32 as there and in bf16; our own DCGAN with as
many channels, which has about half the multiplications; and our first choice for images with its defaults. Short runs,
in turns.
"""

from harness import options, verdicts
from harness.contender import Answer, Contender, interleaved
from harness.mnist import exported
from harness.verdicts import Row, Target

EXAMPLE, SAME, HALF = "PyTorch's DCGAN example", "its networks in nolabel", "its networks in nolabel, precision bf16"
ALIKE, DEFAULT = "DCGAN, 64 channels", "SNGAN"
AIMS = {SAME: Target(">=", 1.3), HALF: None, ALIKE: None, DEFAULT: Target(">=", 9.0)}


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", repeats=5)
    made.add_argument("--seconds", type=float, default=20.0, help="of training, for each run")
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.seconds = 1.0
    found = interleaved(_contenders(chosen), chosen.repeats, chosen.threads, _said, seeded=True)
    settings = {"seconds": chosen.seconds, "repeats": chosen.repeats}
    verdicts.conclude("gan_speed", _rows(found), chosen, settings=settings, details={"runs": found})


def _contenders(chosen: options.Options) -> list[Contender]:
    few = {"few": 512 if chosen.quick else 2_048, "seconds": chosen.seconds}
    alike = {"channels": 64, "latent": 100, "batch_size": 64, "augment": False}
    images = f"{exported(chosen.quick)}/train.npy"
    return [
        Contender(EXAMPLE, "torch_dcgan.py", {"images": images, "seconds": chosen.seconds}),
        Contender(SAME, "nolabel_same_networks.py", few),
        Contender(HALF, "nolabel_same_networks.py", {**few, "plan": {"precision": "bf16"}}),
        Contender(ALIKE, "nolabel_gan.py", {**few, "method": "DCGAN", "arguments": alike}),
        Contender(DEFAULT, "nolabel_gan.py", {**few, "method": "SNGAN", "arguments": {"augment": False}}),
    ]


def _said(answer: Answer) -> str:
    return f"{answer['per_second']:,.0f} images a second"


def _rows(found: dict[str, list[Answer]]) -> list[Row]:
    speeds = {name: [one["per_second"] for one in answers] for name, answers in found.items()}
    return [
        verdicts.more(f"mnist, {name}: images a second", speeds[name], EXAMPLE, speeds[EXAMPLE], aim)
        for name, aim in AIMS.items()
    ]


if __name__ == "__main__":
    main()
