"""What is special about SCARF: rows are found again, gaps and categories are respected, the loss is its equation."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from nolabel import SCARF
from nolabel.data import source, toys
from nolabel.errors import ArgumentError, ModalityError
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch, to_network


def begun(**arguments: object) -> SCARF:
    """A model with nearly its first weights."""
    data = toys.blobs(64, 6)
    return SCARF.tiny().set_params(**{"epochs": 1, **arguments}).fit(data)


def test_the_loss_is_its_equation() -> None:
    model, data = begun(corruption=0.5, temperature=0.5), toys.blobs(64, 6)
    learner = model.learner_.eval()
    x = to_network(data.rows(torch.arange(12))[0])
    losses = learner.loss(Batch(x, torch.arange(12)), Step(0, 0.0, Draws(7)))
    x_tilde = learner.corrupt(x, Draws(7))
    z, z_tilde = (F.normalize(learner.head(learner.encode(one)), dim=1).tolist() for one in (x, x_tilde))
    looped = 0.0
    for i in range(12):
        similarities = [sum(a * b for a, b in zip(z[i], z_tilde[k])) / 0.5 for k in range(12)]
        looped += math.log(sum(math.exp(s) for s in similarities)) - similarities[i]
    assert losses.parts["contrast"].item() == pytest.approx(looped / 12, rel=1e-4)
    assert losses.signals["chance"].item() == pytest.approx(math.log(12))


def test_rows_find_themselves_among_others() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(256, 3)) @ rng.normal(size=(3, 12)) + 0.05 * rng.normal(size=(256, 12))
    model = SCARF.tiny().set_params(corruption=0.5, temperature=0.1, epochs=25, batch_size=64, learning_rate=0.003)
    model.fit(X)
    first, last = model.history_[0], model.history_[-1]
    assert last["contrast"] < 0.75 * last["chance"]
    assert last["matched"] > 1.5 * first["matched"] > 1.5 / 64, "a guess is right one time in 64"
    assert last["spread"] > 0.5


def test_views_are_the_row_and_its_corruption_at_the_rate_asked() -> None:
    X = np.arange(400.0).reshape(50, 8)
    row, corrupted = SCARF.tiny().set_params(corruption=0.25, epochs=1).fit(X).make_views(X, random_state=1)
    np.testing.assert_allclose(row, X, atol=1e-3)
    changed = np.abs(corrupted - X) > 0.5
    assert changed.mean() == pytest.approx(0.25, abs=0.02)
    assert (np.abs(corrupted[:, None, :] - X[None]).min(1) < 1e-3).all(), "every value is one of its column"


def test_a_mixed_table_with_gaps_is_no_obstacle() -> None:
    frame, _ = toys.mixed(80)
    model = SCARF.tiny().set_params(epochs=2).fit(frame)
    assert np.isfinite(model.transform(frame)).all()
    views = model.make_views(frame)
    assert all(isinstance(view, pd.DataFrame) and list(view.columns) == list(frame.columns) for view in views)
    data = source.open(frame, spec=model.spec_)
    stored, mask = data.rows(torch.arange(len(data)))
    assert mask is not None
    seen = model.learner_.corrupt(to_network(stored), Draws(0), mask)
    assert torch.equal(seen[~mask], to_network(stored)[~mask])


def test_images_are_refused_in_words() -> None:
    with pytest.raises(
        ModalityError, match="SCARF learns from tables; these are images. For images take SimCLR or MAE"
    ):
        SCARF.tiny().fit(toys.stripes(20, 8))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"corruption": 0.0}, "corruption must be above 0; got 0.0"),
        ({"corruption": 1.5}, "corruption must be at least 0 and at most 1; got 1.5"),
        ({"temperature": 0.0}, "temperature must be above 0; got 0.0"),
        ({"batch_size": 1}, "batch_size must be at least 2, for SCARF learns"),
        ({"projection": ()}, "projection must hold .* of at least 1"),
        ({"backbone": "resnet18"}, "backbone='resnet18' needs images"),
    ],
)
def test_nonsense_is_refused(arguments: dict[str, object], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        begun(**arguments)
