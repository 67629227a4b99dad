"""What is special about SupervisedAutoencoder: few labels, written in any way, and predictions in the user's words."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

import nolabel
from nolabel import Autoencoder, SupervisedAutoencoder
from nolabel.data import toys
from nolabel.errors import ArgumentError, DataError
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch

DATA = toys.blobs(150, 8)
KNOWN = np.arange(150) % 3 == 0
CLASSES: Any = DATA.labels
WORDS = np.array(["ant", "bee", "cat"])[CLASSES]


def _fit(y: Any, **arguments: Any) -> SupervisedAutoencoder:
    given = {"hidden": (16,), "latent": 4, "epochs": 15, "batch_size": 30, "learning_rate": 0.01, "random_state": 0}
    return SupervisedAutoencoder(**{**given, **arguments}).fit(DATA, y)


WRITTEN: dict[str, tuple[Any, list[Any]]] = {
    "-1": (np.where(KNOWN, CLASSES, -1), [0, 1, 2]),
    "NaN": (np.where(KNOWN, CLASSES, np.nan), [0, 1, 2]),
    "None": ([int(one) if known else None for one, known in zip(CLASSES, KNOWN)], [0, 1, 2]),
    "tensor": (torch.from_numpy(np.where(KNOWN, CLASSES, -1)), [0, 1, 2]),
    "text and None": ([str(one) if known else None for one, known in zip(WORDS, KNOWN)], ["ant", "bee", "cat"]),
    "text and NaN": (pd.Series(WORDS).where(KNOWN), ["ant", "bee", "cat"]),
    "text and -1": ([str(one) if known else -1 for one, known in zip(WORDS, KNOWN)], ["ant", "bee", "cat"]),
    "categories": (pd.Categorical(pd.Series(WORDS).where(KNOWN)), ["ant", "bee", "cat"]),
    "other numbers": (np.where(KNOWN, 10 * CLASSES + 5, -1), [5, 15, 25]),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_labels_may_be_written_in_any_way(way: str) -> None:
    y, classes = WRITTEN[way]
    model = _fit(y)
    assert model.classes_.tolist() == classes
    predicted = model.predict(DATA)
    assert (np.asarray(classes)[CLASSES] == predicted).mean() > 0.95, "predictions can be compared with labels"
    plain = _fit(WRITTEN["-1"][0])
    assert np.array_equal(model.predict_proba(DATA), plain.predict_proba(DATA)), "the way of writing changes nothing"


def test_truths_come_back_as_truths() -> None:
    model = _fit(CLASSES == 1)
    assert model.classes_.tolist() == [False, True]
    assert (model.predict(DATA) == (CLASSES == 1)).mean() > 0.95


def test_the_data_sets_own_labels_are_taken_only_when_asked() -> None:
    digits = nolabel.open("digits")
    with pytest.raises(ArgumentError, match=r"SupervisedAutoencoder requires y to be passed.*y='labels'"):
        SupervisedAutoencoder(epochs=1).fit(digits)
    model = SupervisedAutoencoder(epochs=1, random_state=0).fit(digits, "labels")
    assert model.classes_.tolist() == [str(digit) for digit in range(10)]


def test_without_weight_it_is_an_autoencoder() -> None:
    arguments: dict[str, Any] = {"hidden": (16,), "latent": 4, "epochs": 3, "batch_size": 30, "random_state": 0}
    plain = Autoencoder(**arguments).fit(DATA).learner_.state_dict()
    supervised = SupervisedAutoencoder(weight=0.0, **arguments).fit(DATA, CLASSES).learner_.state_dict()
    assert all(torch.equal(value, supervised[name]) for name, value in plain.items())


def test_unknown_labels_have_no_say() -> None:
    """What stands in place of an unknown label changes nothing; what a known one says does."""
    y = np.where(KNOWN, CLASSES, -1)
    swapped = y.copy()
    swapped[KNOWN] = (swapped[KNOWN] + 1) % 3
    assert np.array_equal(_fit(y).transform(DATA), _fit(np.where(KNOWN, CLASSES, np.nan)).transform(DATA))
    assert not np.array_equal(_fit(y).transform(DATA), _fit(swapped).transform(DATA))


def test_the_classifiers_term_is_a_mean_over_labelled_samples() -> None:
    y = torch.from_numpy(np.where(KNOWN, CLASSES, -1))
    model = _fit(y, weight=0.5, epochs=2)
    losses = model.learner_.loss(Batch(DATA.store, torch.arange(150), y), Step(0, 0.0, Draws(0)))
    p = model.predict_proba(DATA).astype(np.float64)
    total = 0.0
    for row in np.flatnonzero(KNOWN):
        total -= np.log(p[row, CLASSES[row]])
    assert losses.parts["classification"].item() == pytest.approx(0.5 * total / KNOWN.sum(), rel=1e-4)
    right = (p.argmax(1) == CLASSES)[KNOWN].mean()
    assert losses.signals["accuracy"].item() == pytest.approx(right, rel=1e-5)


def test_a_batch_without_labels_only_rebuilds() -> None:
    learner = _fit(CLASSES, epochs=1).learner_
    learner.zero_grad()
    losses = learner.loss(Batch(DATA.store, torch.arange(150), torch.full((150,), -1)), Step(0, 0.0, Draws(0)))
    assert losses.parts["classification"].item() == 0
    losses.total.backward()
    assert learner.classifier.weight.grad is None or not learner.classifier.weight.grad.any()


def test_labels_shape_the_code() -> None:
    """Two classes that no direction of large variance tells apart are told apart by the code once labels are given."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 6))
    y = (X[:, 5] > 0).astype(int)
    known = np.arange(400) % 2 == 0
    given: dict[str, Any] = {"hidden": (16,), "latent": 2, "epochs": 60, "learning_rate": 0.01, "random_state": 0}
    model = SupervisedAutoencoder(weight=5.0, **given).fit(X, np.where(known, y, -1))
    plain = Autoencoder(**given).fit(X)
    assert (model.predict(X) == y)[~known].mean() > 0.85
    told_apart = [roughly(one.transform(X), y, known) for one in (model, plain)]
    assert told_apart[0] > told_apart[1] + 0.1


def roughly(codes: Any, y: Any, known: Any) -> float:
    """Accuracy on the rest of a classifier that learned the known labels from codes."""
    neighbours = KNeighborsClassifier(5).fit(codes[known], y[known])
    return float(neighbours.score(codes[~known], y[~known]))


def test_partial_fit_knows_the_classes_of_the_first_part() -> None:
    model = SupervisedAutoencoder(hidden=(16,), latent=4, random_state=0).partial_fit(DATA, WORDS)
    model.partial_fit(DATA.subset(np.arange(40)), ["bee"] * 40)
    assert model.classes_.tolist() == ["ant", "bee", "cat"]
    with pytest.raises(DataError, match=r"y has classes \['dog'\] that the first part had not"):
        model.partial_fit(DATA.subset(np.arange(40)), ["dog"] * 40)


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(ArgumentError, match="weight must be at least 0; got -1"):
        _fit(CLASSES, weight=-1.0)
