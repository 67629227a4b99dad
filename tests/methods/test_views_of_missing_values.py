"""Every method that compares views of rows tells its views what is missing: that stays missing, in training and shown."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from contract.checks.samples import kinds, table
from nolabel.methods import all_methods
from nolabel.methods._base import Estimator
from nolabel.methods._views import ShowsViews
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch

SAMPLES = table()
METHODS = [cls for cls in all_methods().values() if issubclass(cls, ShowsViews) and "table" in kinds(cls)]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_views_leave_missing_values_alone(method: type[Estimator]) -> None:
    """Of rows of which nothing was observed, nothing can be changed: both views are the row."""
    model: Any = method.tiny().set_params(epochs=1).fit(SAMPLES.X, SAMPLES.labels_for(method))
    x = torch.randn(20, SAMPLES.X.shape[1])
    nothing, draws = torch.zeros(x.shape, dtype=torch.bool), Draws(0)
    losses = model.learner_.loss(Batch(x, torch.arange(20), mask=nothing), Step(0, 0.5, draws))
    if "change" not in losses.signals:
        pytest.skip("it does not compare views, but predicts what it hides")
    assert losses.signals["change"] == 0


def test_views_are_shown_as_training_makes_them() -> None:
    frame = pd.DataFrame(SAMPLES.X, columns=list("abcdef"))
    frame.loc[::3, "b"] = np.nan
    for method in METHODS:
        model: Any = method.tiny().set_params(epochs=1).fit(frame, SAMPLES.labels_for(method))
        views = model.make_views(frame)
        assert all(view["b"][::3].nunique() == 1 for view in views), f"{method.__name__} fills in what is missing"
