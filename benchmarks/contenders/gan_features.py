"""A GAN's discriminator as a representation of MNIST: linear probes on 100 labels, beside the pixels themselves."""

import numpy as np
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import nolabel
from harness.budget import clock, epochs_in
from harness.contender import Answer, answer

TRIED, LEFT = 4_096, 0.97


def work(given: Answer) -> Answer:
    """Test accuracy of both for every draw of labels, ten of each digit."""
    train, test = nolabel.open("mnist:train"), nolabel.open("mnist:test")
    if given.get("few"):
        train, test = train.subset(np.arange(given["few"])), test.subset(np.arange(given["few"]))
    cls = getattr(nolabel, given["method"])
    epochs = given.get("epochs") or epochs_in(
        LEFT * given["seconds"],
        cls(random_state=given["seed"], epochs=2).fit,
        train,
        images=TRIED,
        clock=clock(given["threads"]),
    )
    model = cls(random_state=given["seed"], epochs=epochs).fit(train)
    codes = [model.transform(one) for one in (train, test)]
    first = [model.untrained().transform(one) for one in (train, test)]
    pixels = [np.concatenate([batch.x.flatten(1).numpy() for batch in one.batches()]) for one in (train, test)]
    y, wanted = train.labels, test.labels
    found: dict[str, list[float]] = {"features": [], "untrained": [], "pixels": []}
    for draw in range(given["draws"]):
        numbers = np.random.default_rng(draw)
        few = np.concatenate([numbers.choice(np.flatnonzero(y == digit), 10, replace=False) for digit in range(10)])
        for name, (seen, unseen) in (("features", codes), ("untrained", first), ("pixels", pixels)):
            found[name].append(_accuracy(seen[few], y[few], unseen, wanted))
    return {**found, "epochs": epochs, "width": codes[0].shape[1]}


def _accuracy(x: np.ndarray, y: np.ndarray, unseen: np.ndarray, wanted: np.ndarray) -> float:
    probe = make_pipeline(StandardScaler(), LogisticRegressionCV(Cs=8, cv=5, max_iter=2_000))
    return float(probe.fit(x, y).score(unseen, wanted))


answer(work)
