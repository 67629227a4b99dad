"""`nolabel.judge` for the page, where it costs seconds: few samples, in features that are quickly had.

Tables are judged by their values. Images, where classes are known, by a small classifier that is trained here for a few
seconds; others are left to whoever has the time. It knows models by their types only.
"""

import warnings
from typing import Any

import numpy as np

from nolabel.data.dataset import Dataset
from nolabel.errors import DataError, HealthWarning
from nolabel.evaluation.judging import judge
from nolabel.evaluation.references import sides
from nolabel.evaluation.sample_features import Features, train_features, values
from nolabel.evaluation.splits import some_rows
from nolabel.methods._base import Sampler

FEWEST = 500  # of the data, below which nothing is measured
COUNT = 1000  # samples, and as many of the data
MOST_COLUMNS = 64  # of tables
MOST_VALUES = 64 * 64 * 3  # of an image
_TRAINED, _IMAGES = 10_000, 30_000  # real samples that the classifier learns from, and how many it meets


def judged(model: Any, data: Dataset, seed: int) -> dict[str, Any]:
    """What was found, as `to_dict()` of a `Judgement`; {} if it would take long, or there are too few data."""
    if not isinstance(model, Sampler) or len(data) < FEWEST:
        return {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HealthWarning)  # of the classifier: its accuracy is in the protocol
            features = _features(model, data, seed)
            found = None if features is None else judge(model, data, features=features, n=COUNT, random_state=seed)
    except DataError as error:  # samples that are no numbers, say
        return {"notes": [f"Not judged: {error}."]}
    return {} if found is None else found.to_dict()


def _features(model: Any, data: Dataset, seed: int) -> Features | None:
    if data.spec.modality != "image":
        return values() if data.spec.width <= MOST_COLUMNS else None
    known = 0 if data.labels is None else len(np.unique(data.labels[data.labels >= 0]))
    if known < 2 or data.spec.width > MOST_VALUES:
        return None
    others = sides(data, "auto", None, spec=data.spec, options=model._later(), random_state=seed).others
    some = others.subset(some_rows(len(others), _TRAINED, seed, 34))
    return train_features(some, kind="classifier", images=_IMAGES, random_state=seed)
