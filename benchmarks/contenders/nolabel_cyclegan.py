"""CycleGAN from MNIST's digits to inverted, thickened ones, without pairs, for so many seconds: do digits stay digits?

The first half of the training images is given as it is, the second inverted and thickened. A classifier that was
trained on thickened digits with labels, which the translator never sees, names what is made of the test images.
"""

import numpy as np

import nolabel
from harness.budget import clock, epochs_in
from harness.contender import Answer, answer
from harness.damaged import thick
from harness.measures import mean_psnr

TRIED = 1_024  # images of the short epochs
LEFT = 0.97  # of the time for the epochs


def work(given: Answer) -> Answer:
    """Share of the translated test digits that are named right; of the true thickened ones; there and back in dB."""
    folder, seed = given["folder"], given["seed"]
    train, labels, test, truth = (
        np.load(f"{folder}/{name}.npy") for name in ("train", "train-labels", "test", "test-labels")
    )
    train, labels = train[: given["few"]], labels[: given["few"]]
    half = len(train) // 2
    X, Y = train[:half], thick(train[half:])
    now = clock(given["threads"])

    def tried(few: nolabel.Dataset) -> nolabel.CycleGAN:
        images = np.asarray(few.store)[:, 0]
        return nolabel.CycleGAN(epochs=2, random_state=seed).fit(images, thick(images))

    epochs = given["epochs"] or epochs_in(LEFT * given["seconds"], tried, nolabel.open(X), images=TRIED, clock=now)
    start = now()
    model = nolabel.CycleGAN(epochs=epochs, random_state=seed).fit(X, Y)
    seconds = now() - start
    made = model.translate(test)
    named = nolabel.Classifier(epochs=given["judge_epochs"], random_state=0).fit(thick(train), labels)
    return {
        "agreement": named.score(made, truth),
        "ceiling": named.score(thick(test), truth),
        "psnr": mean_psnr(made, thick(test)),
        "there_and_back": mean_psnr(model.translate(made, back=True), test),
        "epochs": epochs,
        "fit_seconds": seconds,
        "per_second": model.history_[-1]["samples_per_second"],
        "health": [verdict.name for verdict in model.health_],
        "last": model.history_[-1],
    }


answer(work)
