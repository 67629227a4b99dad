"""Views of images: SimCLR's set on 32 x 32 x 3, beside lightly's transform and kornia's.

Crop, flip, jitter with hue and grey, at half of SimCLR's strength; no blur. nolabel and kornia make batches of 512 on
all threads; lightly takes Pillow images one after the other on one core, as a worker of its loader does, and is
compared with nolabel on one thread. Pixels are noise: what they are changes nobody's work. lightly also takes off the
mean of ImageNet and divides by its deviation, which is a small part of its time.
"""

from harness import options, verdicts
from harness.contender import Answer, Contender, interleaved
from harness.environments import python_of
from harness.verdicts import Row, Spread, Target

OURS, ONE, LIGHTLY, KORNIA = "nolabel", "nolabel, 1 thread", "lightly, 1 process", "kornia"
SETTINGS = {"crop": [0.2, 1.0], "brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", repeats=5)
    made.add_argument("--batches", type=int, default=60, help="of 512 images, two views each; kornia gets a fifth")
    made.add_argument("--images", type=int, default=2_000, help="for lightly, two views each")
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.batches, chosen.images = 5, 50
    found = _measured(chosen)
    rows = [
        Row("views a second, 32 x 32", "", Spread.of(found[OURS]), target=Target(">=", 20_000), digits=0),
        verdicts.more("views a second on one core", found[ONE], LIGHTLY, found[LIGHTLY], Target(">=", 8)),
        verdicts.more("views a second", found[OURS], KORNIA, found[KORNIA], Target(">=", 2.5)),
    ]
    settings = {name: getattr(chosen, name) for name in ("batches", "images", "repeats")}
    verdicts.conclude("views", rows, chosen, settings=settings, details={"per_second": found})


def _measured(chosen: options.Options) -> dict[str, list[float]]:
    python = python_of("views")
    shape = [5_000, 3, 32, 32]
    many = {"shape": shape, "settings": SETTINGS, "batch": 512, "batches": chosen.batches}
    few = {**many, "batches": max(2, chosen.batches // 5)}
    one = {"shape": shape, "settings": SETTINGS, "images": chosen.images, "threads": 1}
    everyone = [
        Contender(OURS, "nolabel_views.py", many),
        Contender(ONE, "nolabel_views.py", {**many, "threads": 1}),
        Contender(LIGHTLY, "lightly_views.py", one, python),
        Contender(KORNIA, "kornia_views.py", few, python),
    ]
    found = interleaved(everyone, chosen.repeats, chosen.threads, _said)
    return {name: [answer["per_second"] for answer in answers] for name, answers in found.items()}


def _said(answer: Answer) -> str:
    return f"{answer['per_second']:,.0f} views a second"


if __name__ == "__main__":
    main()
