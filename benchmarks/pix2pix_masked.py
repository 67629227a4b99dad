"""Pix2Pix restores MNIST's digits of which a square of 12 x 12 pixels is missing: PSNR on the test images.

PSNR in dB with a peak of 1, a mean over the 10,000 test images of each image's own; the hole is at another place in
each, within the inner 20 x 20. Beside it, the PSNR of the digits with their holes.
"""

from harness import mnist, options, verdicts
from harness.contender import Contender, interleaved
from harness.verdicts import Row, Spread, Target


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", seeds=3)
    made.add_argument("--minutes", type=float, default=5.0, help="of training, for each run")
    chosen = options.parsed(made)
    given = {"folder": mnist.exported(chosen.quick), "seconds": 60 * chosen.minutes}
    given |= {"epochs": 1, "few": 256} if chosen.quick else {"epochs": None, "few": None}
    found = interleaved(
        [Contender("nolabel", "nolabel_pix2pix.py", given)],
        chosen.seeds,
        chosen.threads,
        lambda one: f"{one['made']:.2f} dB (with holes {one['masked']:.2f}), {one['per_second']:,.0f} pairs a second",
        seeded=True,
    )["nolabel"]
    ours, theirs = (Spread.of([one[name] for one in found]) for name in ("made", "masked"))
    row = Row(
        f"mnist with holes, Pix2Pix, {chosen.minutes:g} min: PSNR",
        "dB",
        ours,
        "with holes",
        theirs,
        judged=ours.mean,
        judged_as="dB on average",
        target=Target(">=", 16.0),
        digits=2,
    )
    verdicts.conclude("pix2pix_masked", [row], chosen, settings={"minutes": chosen.minutes}, details={"runs": found})


if __name__ == "__main__":
    main()
