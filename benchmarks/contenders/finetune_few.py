"""A few labels spent three ways: fine-tuning an encoder, the same network from scratch, a linear probe on its codes."""

from typing import Any

import numpy as np

import nolabel
from harness.cifar import cifar
from harness.contender import Answer, answer


def work(given: Answer) -> Answer:
    """Test accuracies."""
    encoder, seed = nolabel.load(given["encoder"]), given["seed"]
    train, test = cifar("train", given["samples"]), cifar("test", given["samples"])
    chosen = train.subset(stratified(train.labels, given["labels"], seed))
    settings = {"epochs": given["epochs"], "learning_rate": given["learning_rate"], "random_state": seed}
    own: dict[str, Any] = {**settings, "calibration": "none"}
    tuned = nolabel.Classifier(pretrained=encoder, layer_decay=given["layer_decay"], **own).fit(chosen, "labels")
    scratch = nolabel.Classifier(**own).fit(chosen, "labels")
    probe = nolabel.probe(encoder, chosen, "labels")
    truth = np.asarray(test.classes)[test.labels]
    seconds = sum(record["seconds"] for record in tuned.history_)
    return {
        "tuned": tuned.score(test, truth),
        "scratch": scratch.score(test, truth),
        "probe": probe.score(test, truth),
        "fit_seconds": seconds,
    }


def stratified(labels: Any, count: int, seed: int) -> np.ndarray:
    """Row numbers of `count` samples, as many of each class."""
    rng = np.random.default_rng(seed)
    classes = np.unique(labels)
    each = count // len(classes)
    return np.concatenate([rng.choice(np.flatnonzero(labels == one), each, replace=False) for one in classes])


answer(work)
