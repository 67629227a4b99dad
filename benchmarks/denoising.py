"""DenoisingAutoencoder, convolutional, against Gaussian noise of σ = 0.5 on MNIST: PSNR gained over the noisy images.

PSNR in dB with a peak of 1, a mean over the 10,000 test images of each image's own. Headline: noisy test images clipped
to [0, 1], which takes away half of the noise on black and so leaves less to gain; beside it, noise as it was drawn.
"""

from harness import mnist, options, verdicts
from harness.contender import Contender, interleaved
from harness.verdicts import Row, Spread, Target


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", seeds=3)
    made.add_argument("--epochs", type=int, default=5)
    made.add_argument("--sigma", type=float, default=0.5)
    made.add_argument("--latent", type=int, default=64)
    made.add_argument("--batch-size", type=int, default=128)
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.epochs = 1
    settings = {name: getattr(chosen, name) for name in ("epochs", "sigma", "latent", "batch_size")}
    contender = Contender("nolabel", "denoise.py", {"folder": mnist.exported(chosen.quick), **settings})
    found = interleaved(
        [contender],
        chosen.seeds,
        chosen.threads,
        lambda one: f"{one['clipped']['gain']:.2f} dB (unclipped {one['unclipped']['gain']:.2f})",
        seeded=True,
    )["nolabel"]
    rows = [_row(found, kind, chosen, target) for kind, target in (("clipped", Target(">=", 8.0)), ("unclipped", None))]
    verdicts.conclude("denoising", rows, chosen, settings=settings, details={"runs": found})


def _row(found: list[dict], kind: str, chosen: options.Options, target: Target | None) -> Row:
    ours, theirs, gain = (Spread.of([one[kind][name] for one in found]) for name in ("cleaned", "noisy", "gain"))
    return Row(
        f"mnist, noise {chosen.sigma:g} {kind}, conv, {chosen.epochs} epochs: PSNR",
        "dB",
        ours,
        "noisy images",
        theirs,
        judged=gain.median,
        judged_as="dB gained",
        judged_spread=gain,
        target=target,
        digits=2,
    )


if __name__ == "__main__":
    main()
