"""MNIST as plain .npy files, so that peers need nothing of nolabel to read it."""

from pathlib import Path

from harness.contender import Contender, run
from harness.places import WORK

FILES = ("train", "train-labels", "test", "test-labels")


def exported(quick: bool = False) -> str:
    """The folder with `train.npy` (60,000, 28, 28) uint8, `test.npy` and the labels; made when it is not there.

    A quick run gets the first 3,000 and 1,000 images.
    """
    place = WORK / ("mnist-quick" if quick else "mnist")
    if not all((place / f"{name}.npy").is_file() for name in FILES):
        place.mkdir(parents=True, exist_ok=True)
        run(Contender("export of mnist", "export_mnist.py"), 1, folder=str(place), quick=quick)
    return str(Path(place))
