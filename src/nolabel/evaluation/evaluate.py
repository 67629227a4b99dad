"""`evaluate`: how good a representation is, beside raw values, PCA of the same width and the untrained network.

It opens the data with the model's own recipe, computes the four representations, and has them weighed. The only file
of this room that knows estimators and sources.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from nolabel.data import source
from nolabel.data.dataset import Dataset
from nolabel.errors import ArgumentError, DataError, whole
from nolabel.evaluation.baselines import Components, principal_components, raw_values
from nolabel.evaluation.evidence import Cell, Evidence, Row, comparisons
from nolabel.evaluation.labels import Classes
from nolabel.evaluation.reconstruction import Rebuild, measure, ssim_window
from nolabel.evaluation.repeats import Repeats
from nolabel.evaluation.splits import seed_of, some_rows
from nolabel.evaluation.topography import rows_of_maps
from nolabel.evaluation.weigh import Measured, weigh
from nolabel.methods._base import Embedder, Reconstructor
from nolabel.methods._map import Map
from nolabel.training.learner import codes_of
from nolabel.types import Batch

__all__ = ["Cell", "Evidence", "Row", "evaluate"]

_FEWEST = 10  # samples: fewer leave nothing to learn from once a fifth is set aside


@contextmanager
def _resting(learner: nn.Module) -> Iterator[None]:
    """Evaluation mode inside the block, every module's training flag as it was after it."""
    was = [(module, module.training) for module in learner.modules()]
    learner.eval()
    try:
        yield
    finally:
        for module, training in was:
            module.training = training


def _codes(model: Embedder, data: Dataset, name: str) -> np.ndarray:
    codes = np.asarray(model.transform(data), dtype=np.float32)
    bad = int((~np.isfinite(codes).all(axis=1)).sum())
    if bad:
        raise DataError(
            f"the {name} gives codes with NaN or infinite values for {bad:,} of {len(codes):,} samples, so nothing can "
            "be measured. If training diverged, fit again with a smaller learning rate"
        )
    return codes


def _reconstruction(learner: Any, data: Dataset) -> dict[str, np.ndarray]:
    """Scores of decode(encode(x)), computed where the learner lives."""
    device = next((parameter.device for parameter in learner.parameters()), torch.device("cpu"))
    data = data.as_dense()

    def rebuild(batch: Batch) -> Tensor:
        seen = None if batch.mask is None else batch.mask.to(device)
        rebuilt: Tensor = learner.decode(codes_of(learner, replace(batch, x=batch.x.to(device), mask=seen)))
        return rebuilt.cpu()

    with _resting(learner):
        return measure(data, rebuild)


def _rebuild_of(components: Components, data: Dataset) -> Rebuild:
    """PCA's reconstruction, kept inside [0, 1] where the values are, as any user of PCA would do."""
    if data.spec.values != "unit":
        return lambda batch: components.rebuild(batch.x)
    return lambda batch: components.rebuild(batch.x).clamp(0, 1)


def _floor(data: Dataset) -> float | None:
    if data.spec.values != "unit":
        return None
    return float(measure(data, lambda batch: batch.x, names=("BCE",))["BCE"].mean())


def _narrower(width: int, code: int) -> list[str]:
    if width == code:
        return []
    return [f"PCA has {width} columns, as many as the data allow; the code has {code}."]


def _representations(model: Embedder, data: Dataset, random_state: int) -> Measured:
    untrained = model.untrained(random_state)
    code = _codes(model, data, "model")
    raw, shrunk = raw_values(data)
    components = principal_components(raw, code.shape[1], seed=seed_of(random_state, 8))
    codes = {
        "model": code,
        "raw": raw,
        "PCA": components.encode(raw),
        "untrained": _codes(untrained, data, "untrained network"),
    }
    notes = [*([shrunk] if shrunk else []), *_narrower(codes["PCA"].shape[1], code.shape[1])]
    if not isinstance(model, Reconstructor):
        return Measured(codes, notes=tuple(notes))
    scores = {"model": _reconstruction(model.learner_, data)}
    if not shrunk:
        scores["PCA"] = measure(data.as_dense(), _rebuild_of(components, data))
    scores["untrained"] = _reconstruction(untrained.learner_, data)
    window = ssim_window(*data.spec.shape[1:]) if data.spec.modality == "image" else None
    return Measured(codes, scores, _floor(data), window, tuple(notes))


def _classes(data: Dataset) -> Classes | None:
    if data.labels is None:
        return None
    codes = np.asarray(data.labels, dtype=np.int64)
    return Classes(codes, data.classes or tuple(str(code) for code in range(codes.max() + 1)))


def _behind(maps: list[Row]) -> list[str]:
    """What a map's own rows say of its baselines."""
    return [f"As a map: {note}" for note in comparisons(maps)]


def _told_labels(model: Embedder, classes: Classes | None) -> list[str]:
    if classes is None or not model.uses_labels:
        return []
    return ["The model learned from labels: measures with labels are too kind on samples whose labels it was given."]


def _drawn(used: int, total: int, random_state: int) -> list[str]:
    if used == total:
        return []
    return [f"{used:,} of {total:,} samples were drawn at random, with random_state={random_state}."]


def _check(model: object) -> None:
    if not isinstance(model, Embedder):
        raise ArgumentError(
            f"model must be a fitted nolabel estimator with `transform`, such as Autoencoder().fit(X); got {model!r}"
        )
    check_is_fitted(model)


def evaluate(
    model: Any,
    data: Any,
    labels: ArrayLike | Tensor | str | None = None,
    *,
    seeds: int = 5,
    max_samples: int = 10_000,
    k: int = 20,
    random_state: int = 0,
) -> Evidence:
    """How good a model's representation is, always beside raw values, PCA of the same width and the untrained network.

    Label-free measures always: reconstruction (BCE, MSE, PSNR, SSIM, where they have a meaning), effective rank, active
    units, stability of clusters, silhouette. With labels also k-nearest-neighbour accuracy, a linear probe, accuracy
    against the number of labels, and agreement of k-means, Gaussian mixture and HDBSCAN with the classes.

    Parameters
    ----------
    model
        A fitted estimator that can `transform`.
    data
        Anything that `nolabel.open` takes, or a `Dataset`; encoded with the model's own recipe. Samples that the
        model was not fitted to give the fairer answer.
    labels
        (N,) classes of any kind, -1 or NaN where unknown; or the name of a table's column. None takes those that the
        data have, if any.
    seeds
        Repeats of every measure; the spread is over them.
    max_samples
        Larger data are sub-sampled to that many, the same ones for the same `random_state`.
    k
        Neighbours that vote.
    random_state
        Seed of every split, draw and start.

    Returns
    -------
    evidence
        Rows with their protocol, and notes on where the model does not beat a baseline.

    Raises
    ------
    ArgumentError
        When the model is not an estimator, or a number is below 1.
    DataError
        When the data are fewer than 10 samples, the labels are not one for each sample, or a code is not finite.
    """
    _check(model)
    seeds, max_samples, k = whole("seeds", seeds, 1), whole("max_samples", max_samples, 1), whole("k", k, 1)
    opened = source.open(data, spec=model.spec_, labels=labels, **model._later())
    if len(opened) < _FEWEST:
        raise DataError(f"evaluate needs {_FEWEST} samples or more; got {len(opened)}: give more data")
    if max_samples < _FEWEST:
        raise ArgumentError(f"max_samples must be at least {_FEWEST}, for evaluate needs so many; got {max_samples}")
    classes = _classes(opened)
    rows = some_rows(len(opened), max_samples, random_state, 0)
    part = opened if len(rows) == len(opened) else opened.subset(rows)
    measured = _representations(model, part, random_state)
    evidence = weigh(measured, None if classes is None else classes.take(rows), Repeats(seeds, random_state), k)
    untrained = model.untrained  # a Map is no Estimator by its type alone
    maps = rows_of_maps(model, untrained(random_state), part, random_state) if isinstance(model, Map) else []
    told = (*_told_labels(model, classes), *_drawn(len(rows), len(opened), random_state))
    return Evidence((*evidence.rows, *maps), (*evidence.notes, *_behind(maps), *told), evidence.samples)
