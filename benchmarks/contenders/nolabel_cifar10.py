"""One method of nolabel on CIFAR-10 for so many minutes, without labels, judged by its neighbours' votes.

As many epochs as fit into the time are asked for, by the rate of two short ones; then `fit` is timed as a whole. The
accuracy is that of test images named by their 200 nearest training images (cosine of the codes at the last epoch,
temperature 0.1), the same for raw pixels and for the method's untrained network.
"""

import numpy as np

import nolabel
from harness.budget import clock, epochs_in
from harness.cifar import by_neighbours, cifar
from harness.contender import Answer, answer

TRIED = 8_192  # images of the short epochs
LEFT = 0.95  # of the time for the epochs: `fit` reads the data and judges its codes, too


def work(given: Answer) -> Answer:
    """Epochs, seconds and accuracies; the model is saved in `model` if that is given."""
    train, test = cifar("train", given.get("samples")), cifar("test")
    cls = getattr(nolabel, given["method"])
    arguments = {**given.get("arguments", {}), "random_state": given.get("seed", 0)}
    labels = ("labels",) if cls.uses_labels else ()
    now = clock(given["threads"])
    epochs = given.get("epochs")
    if not epochs:
        batch = arguments.get("batch_size") or 256  # what the default would be for the whole
        tried = cls(**{**arguments, "batch_size": batch}, epochs=2)
        seconds = LEFT * 60 * given["minutes"]
        epochs = epochs_in(seconds, lambda few: tried.fit(few, *labels), train, images=TRIED, clock=now)
    model = cls(**arguments, epochs=epochs)
    start = now()
    model.fit(train, *labels)
    seconds = now() - start
    if given.get("model"):
        model.save(given["model"])
    found: Answer = {"epochs": epochs, "fit_seconds": seconds, "accuracy": by_neighbours(model.transform, train, test)}
    found |= {"health": [verdict.name for verdict in model.health_], "last": model.history_[-1]}
    if given.get("baselines"):
        found["untrained"] = by_neighbours(model.untrained().transform, train, test)
        found["pixels"] = by_neighbours(_pixels, train, test)
    return found


def _pixels(data: nolabel.Dataset) -> np.ndarray:
    return np.concatenate([batch.x.flatten(1).numpy() for batch in data.batches()])


answer(work)
