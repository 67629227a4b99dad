"""Pix2Pix on MNIST's digits with holes for so many seconds: PSNR of what it makes of the test images."""

import time

import numpy as np

import nolabel
from harness.budget import epochs_in
from harness.contender import Answer, answer
from harness.damaged import masked, psnr

TRIED = 2_048  # pairs of the short epochs
LEFT = 0.97  # of the time for the epochs


class _Tried:
    """Pix2Pix as `epochs_in` tries an estimator: of one source, the whole digits."""

    def __init__(self, model: nolabel.Pix2Pix) -> None:
        self.model = model

    def fit(self, whole: nolabel.Dataset) -> None:
        digits = np.asarray(whole.store)[:, 0]
        self.model.fit(masked(digits, 0), digits)
        self.history_ = self.model.history_


def work(given: Answer) -> Answer:
    """PSNR of what is made, and of the digits with holes themselves; inside the holes alone, too."""
    folder, seed = given["folder"], given["seed"]
    train, test = (np.load(f"{folder}/{name}.npy") for name in ("train", "test"))
    train = train[: given["few"]]
    tried = _Tried(nolabel.Pix2Pix(epochs=2, random_state=seed))
    epochs = given["epochs"] or epochs_in(LEFT * given["seconds"], tried, nolabel.open(train), images=TRIED)
    start = time.perf_counter()
    model = nolabel.Pix2Pix(epochs=epochs, random_state=seed).fit(masked(train, seed), train)
    seconds = time.perf_counter() - start
    holes = masked(test, 10_000 + seed)
    made = model.translate(holes)
    return {
        "made": psnr(made, test),
        "masked": psnr(holes, test),
        "epochs": epochs,
        "fit_seconds": seconds,
        "per_second": model.history_[-1]["samples_per_second"],
        "health": [verdict.name for verdict in model.health_],
        "last": model.history_[-1],
    }


answer(work)
