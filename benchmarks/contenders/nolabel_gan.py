"""One of nolabel's GANs on MNIST for so many seconds; its samples, its speed and what its health says.

As many epochs as fit into the time are asked for, by the rate of two short ones; then `fit` is timed as a whole.
"""

import numpy as np

import nolabel
from harness.budget import clock, epochs_in, some, with_rate
from harness.contender import Answer, answer

TRIED = 4_096  # images of the short epochs
LEFT = 0.97  # of the time for the epochs: `fit` reads the data and looks at its samples, too


def work(given: Answer) -> Answer:
    """Train, then write samples (N, 28, 28) uint8 to `out`."""
    train = nolabel.open("mnist:train")
    if given.get("few"):
        train = some(train, given["few"], given["seed"])
    cls = getattr(nolabel, given["method"])
    arguments = {**given.get("arguments", {}), "random_state": given["seed"]}
    now = clock(given["threads"])
    epochs = given.get("epochs")
    if not epochs:
        tried = cls(**arguments, epochs=1 + max(1, TRIED // len(train)))  # of a few images, as many more epochs
        epochs = epochs_in(LEFT * given["seconds"], tried.fit, train, images=TRIED, clock=now)
    start = now()
    model, rate = with_rate(lambda: cls(**arguments, epochs=epochs).fit(train), now)
    seconds = now() - start
    if given.get("out"):
        samples = model.sample(given["samples"], random_state=given["seed"])
        np.save(given["out"], np.asarray(samples).reshape(given["samples"], 28, 28))
    if given.get("model"):
        model.save(given["model"])
    return {
        "per_second": rate,
        "epochs": epochs,
        "fit_seconds": seconds,
        "health": [verdict.name for verdict in model.health_],
        "bad": [verdict.name for verdict in model.health_ if verdict.level == "bad"],
        "last": model.history_[-1],
        "parameters": sum(p.numel() for p in model.learner_.parameters()),
    }


answer(work)
