"""Samples of digits, judged in the features of one classifier of MNIST, which is trained when it is first needed."""

from pathlib import Path

from harness.contender import Answer, Contender, run
from harness.places import WORK


def classifier(threads: int, quick: bool = False) -> str:
    """Its folder; its accuracy on the test images is printed when it is trained."""
    place = WORK / ("digit-classifier-quick" if quick else "digit-classifier")
    if not (place / "model.json").is_file():
        given = {"model": str(place), "epochs": 1 if quick else 10, "few": 2_000 if quick else None}
        found = run(Contender("classifier", "digit_classifier.py", given), threads)
        print(f"  features: a classifier of digits, {found['accuracy']:.2%} right on the test images", flush=True)
    return str(place)


def judged(samples: Path, threads: int, *, quick: bool = False, images: int | None = None, seed: int = 0) -> Answer:
    """FID and the rest of samples (N, 28, 28) in a .npy file, against MNIST's test images.

    `images` of the training set were shown, drawn by `seed` (None: all): those which samples may be copies of.
    """
    given = {"samples": str(samples), "classifier": classifier(threads, quick), "n": 1_000 if quick else 10_000}
    return run(Contender("judge", "judge_digits.py", {**given, "images": images, "drawn_by": seed}), threads)
