"""What a model was shown in training, for the page: a few samples, each beside several of its views.

It knows models by their types only: a `ShowsViews`, whose learner is a `MakesViews`.
"""

from itertools import count, islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nolabel.data.dataset import Dataset
from nolabel.data.recipe_columns import column_names
from nolabel.methods._views import ShowsViews
from nolabel.randomness import Draws
from nolabel.report.content import Pictures, Rows
from nolabel.report.decoded import MOST_COLUMNS, resting
from nolabel.report.looks import network_values, pixels, restored_texts, texts

PICTURES, TABLE_ROWS = 10, 5  # samples shown
SEEN_TOGETHER = 64  # rows of which the views are made: a view may take its values from others
VIEWS_OF_PICTURES, VIEWS_OF_ROWS = 4, 2  # of each, at least; one step of a method with many views may show more
MOST_VIEWS = 8


def views_shown(model: ShowsViews, data: Dataset, *, seed: int) -> Pictures | Rows:
    """Some samples drawn at random, each as it is and as a few steps of training showed it."""
    image = data.spec.modality == "image"
    part = data.subset(_drawn(data, PICTURES if image else SEEN_TOGETHER, seed))
    original = network_values(part)
    views = _views(model, original, part.mask, VIEWS_OF_PICTURES if image else VIEWS_OF_ROWS, seed)
    named = [(f"view {number}", view) for number, view in enumerate(views, start=1)]
    if not image:
        return _rows(part, original, named)
    shown = [("original", pixels(original)), *((name, pixels(view)) for name, view in named)]
    return Pictures("Drawn at random, each with views of its own", [str(name) for name in part.ids], shown)


def _drawn(data: Dataset, wanted: int, seed: int) -> "np.ndarray[Any, Any]":
    """Positions of some samples; of those without missing values, if there are enough, for these change in nothing."""
    rows = np.random.default_rng(seed).permutation(len(data))
    if data.mask is not None:
        whole = data.mask.flatten(1).all(1).numpy()[rows]
        rows = np.concatenate([rows[whole], rows[~whole]])
        wanted = min(wanted, max(int(whole.sum()), TABLE_ROWS))
    return rows[:wanted]


@torch.no_grad()
def _views(model: ShowsViews, original: Tensor, mask: Tensor | None, least: int, seed: int) -> list[Tensor]:
    """The views of one step, or of as many as give `least`."""
    learner: Any = model.learner_  # type: ignore[attr-defined]
    device = next(learner.parameters()).device
    x, mask = original.to(device), None if mask is None else mask.to(device)
    with resting(learner):
        steps = (learner.views_of(x, Draws(seed, step, device=device), mask) for step in count())
        first = next(steps)
        wanted = min(MOST_VIEWS, max(least, len(first)))
        following = (view for views in steps for view in views)
        return [view.float().cpu() for view in [*first, *islice(following, max(0, wanted - len(first)))][:wanted]]


def _rows(part: Dataset, original: Tensor, views: list[tuple[str, Tensor]]) -> Rows:
    """Rows as text; an entry that a view left alone reads as the original does, a missing one too."""
    written, plain = (each[:TABLE_ROWS] for each in (texts(part), restored_texts(part.spec, original)))
    versions = [("original", written), *((name, _seen(part, view, written, plain)) for name, view in views)]
    names = column_names(part.spec)
    caption = "Drawn at random; marked is what a view changed"
    if len(names) > MOST_COLUMNS:
        caption += f" (first {MOST_COLUMNS} of {len(names):,} columns)"
    ids = [str(name) for name in part.ids[:TABLE_ROWS]]
    cut = [(name, [row[:MOST_COLUMNS] for row in rows]) for name, rows in versions]
    return Rows(caption, ids, names[:MOST_COLUMNS], cut, marked=True)


def _seen(part: Dataset, view: Tensor, written: list[list[str]], plain: list[list[str]]) -> list[list[str]]:
    seen = restored_texts(part.spec, view)
    return [[own if new == old else new for own, old, new in zip(*row)] for row in zip(written, plain, seen)]
