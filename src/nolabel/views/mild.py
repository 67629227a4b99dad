"""Mild views for training with labels: changes that leave a sample what it is, so that its label stays true.

Pre-training wants views that are hard to recognise (`recipes.py`); a classifier that shall know photographs, digits or
scans wants a little less of each. It knows images by their channels alone: colour images are taken for photographs,
whose left and right may be exchanged; grey ones for what may be writing, where they may not.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nolabel.errors import ArgumentError, not_a_choice
from nolabel.types import DataSpec
from nolabel.views.recipes import View, bound, two_views

_LEAST = 16  # pixels: in smaller images a crop takes whole strokes


def mild_views(spec: DataSpec, views: Any = "auto") -> View | None:
    """What changes the training samples, or None when they are left as they are.

    Parameters
    ----------
    spec
        What the samples look like.
    views
        "auto", "none", a mapping of settings that differ from "auto", or what `recipes.two_views` takes for one view.

    Raises
    ------
    ArgumentError
        The views are none of these, or are for other data.
    """
    if isinstance(views, Sequence) and not isinstance(views, str | bytes):
        raise ArgumentError(f"views must be one way to change a sample here, not {len(views)}; got {views!r:.80}")
    if isinstance(views, str):
        if views not in ("auto", "none"):
            raise not_a_choice("views", views, ("auto", "none"))
        if views == "none" or spec.modality != "image" or min(spec.shape[1:]) < _LEAST:
            return None
        views = {}
    if isinstance(views, Mapping) and spec.modality == "image":
        views = {**_settings(spec), **views}
    return bound(spec, two_views(spec, views)[0])


def _settings(spec: DataSpec) -> dict[str, Any]:
    return {"crop": (0.6, 1.0), "flip": 0.5 if spec.shape[0] == 3 else 0.0, "jitter": 0.0, "grey": 0.0, "blur": 0.0}
