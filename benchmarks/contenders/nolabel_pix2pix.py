"""Pix2Pix on MNIST's digits with holes for so many seconds: PSNR of what it makes of the test images."""

import numpy as np

import nolabel
from harness.budget import clock, epochs_in
from harness.contender import Answer, answer
from harness.damaged import masked
from harness.measures import mean_psnr

TRIED = 2_048  # pairs of the short epochs
LEFT = 0.97  # of the time for the epochs


def work(given: Answer) -> Answer:
    """PSNR of what is made, and of the digits with holes themselves; inside the holes alone, too."""
    folder, seed = given["folder"], given["seed"]
    train, test = (np.load(f"{folder}/{name}.npy") for name in ("train", "test"))
    train = train[: given["few"]]
    now = clock(given["threads"])

    def tried(few: nolabel.Dataset) -> nolabel.Pix2Pix:
        whole = np.asarray(few.store)[:, 0]
        return nolabel.Pix2Pix(epochs=2, random_state=seed).fit(masked(whole, 0), whole)

    epochs = given["epochs"] or epochs_in(LEFT * given["seconds"], tried, nolabel.open(train), images=TRIED, clock=now)
    start = now()
    model = nolabel.Pix2Pix(epochs=epochs, random_state=seed).fit(masked(train, seed), train)
    seconds = now() - start
    holes = masked(test, 10_000 + seed)
    made = model.translate(holes)
    return {
        "made": mean_psnr(made, test),
        "masked": mean_psnr(holes, test),
        "epochs": epochs,
        "fit_seconds": seconds,
        "per_second": model.history_[-1]["samples_per_second"],
        "health": [verdict.name for verdict in model.health_],
        "last": model.history_[-1],
    }


answer(work)
