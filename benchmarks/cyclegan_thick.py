"""CycleGAN makes inverted, thickened digits of MNIST's without ever having seen a pair; a classifier says if they stay.

What is made of the 10,000 test images is named by a classifier of thickened digits; agreement with the digits' labels,
beside that classifier's accuracy on digits that were thickened by rule. Also the PSNR of what is made against those.
"""

from harness import mnist, options, verdicts
from harness.contender import Contender, interleaved
from harness.verdicts import Row, Spread, Target


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", seeds=3)
    made.add_argument("--minutes", type=float, default=10.0, help="of training, for each run")
    chosen = options.parsed(made)
    given = {"folder": mnist.exported(chosen.quick), "seconds": 60 * chosen.minutes}
    given |= {"epochs": 1, "few": 256} if chosen.quick else {"epochs": None, "few": None}
    given["judge_epochs"] = 1 if chosen.quick else 5
    found = interleaved(
        [Contender("nolabel", "nolabel_cyclegan.py", given)],
        chosen.seeds,
        chosen.threads,
        lambda one: f"{one['agreement']:.1%} (true ones {one['ceiling']:.1%}), {one['per_second']:,.0f} images/s",
        seeded=True,
    )["nolabel"]
    work = f"mnist to thick digits, CycleGAN, {chosen.minutes:g} min"
    shares = [Spread.of([one[name] for one in found]) for name in ("agreement", "ceiling")]
    near = [Spread.of([one[name] for one in found]) for name in ("psnr", "there_and_back")]
    rows = [
        Row(
            f"{work}: named as they should be",
            "",
            shares[0],
            "thickened by rule",
            shares[1],
            judged=shares[0].mean,
            judged_as="on average",
            target=Target(">=", 0.9),
        ),
        Row(f"{work}: PSNR against thickened by rule", "dB", near[0], "there and back", near[1], digits=2),
    ]
    verdicts.conclude("cyclegan_thick", rows, chosen, settings={"minutes": chosen.minutes}, details={"runs": found})


if __name__ == "__main__":
    main()
