"""Features in which generated samples are judged: where they come from, and the words that say so.

A distance of samples is a distance in some features, and no number outlives a change of them. `Features` therefore
carries its sentence with it. It can be made of

    "classifier"    a small classifier trained here, on labelled samples like those to be judged
    "ssl"           an encoder trained here without labels (SimCLR)
    "values"        the network values themselves, for tables of a few columns
    an embedder     any fitted nolabel estimator that can `transform`, or its folder
    a callable      any module or function of network values (B, *shape) that gives (B, F): an Inception, say

Nothing is downloaded. Inception's weights, and the libraries that hold them, are the user's to bring as a callable:
with torch-fidelity at hand, `lambda x: extractor((255 * x).round().byte().expand(-1, 3, -1, -1))[0]`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
import torch
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from nolabel.data import source
from nolabel.data.dataset import Dataset
from nolabel.errors import ArgumentError, not_a_choice
from nolabel.evaluation.feature_rows import checked
from nolabel.methods import _folder
from nolabel.methods._base import Embedder, LabelPredictor, share_right
from nolabel.methods.classifier import Classifier
from nolabel.methods.simclr import SimCLR
from nolabel.nets.conv import conv_encoder, possible_stages
from nolabel.randomness import mix, seeded
from nolabel.training import engine
from nolabel.types import DataSpec, to_network

Kind = Literal["auto", "classifier", "ssl", "values"]
KINDS = ("auto", "classifier", "ssl", "values")
Ask = Callable[[Dataset], Float[np.ndarray, "N F"]]
_BATCH = 256
_SMALL_MAP = 8  # pixels of the longer side to which convolutions shrink an image
_CHANNELS = (32, 64, 128, 128, 128, 128)
_NO_INCEPTION = (
    "features='inception': its weights do not come with nolabel. Give an extractor that you have as a callable from "
    "network values (B, *shape) to (B, F); how, is said at the head of nolabel.evaluation.sample_features"
)


@final
@dataclass(frozen=True)
class Features:
    """What turns samples into features.

    Parameters
    ----------
    told
        What they are, for the protocol of every number that rests on them.
    estimator
        The nolabel estimator behind them, if one is.
    """

    told: str
    ask: Ask
    estimator: Any = None

    def __repr__(self) -> str:
        return f"Features({self.told})"

    def __call__(self, data: Dataset) -> Float[np.ndarray, "N F"]:
        """Features of all samples, in their order.

        Raises
        ------
        DataError
            They are not finite, or not one row of numbers for each sample.
        """
        rows = checked(self.ask(data), f"features by {self.told}")
        if len(rows) != len(data):
            raise ArgumentError(f"features must give one row a sample; {len(data)} samples gave {len(rows)} rows")
        return rows


def values() -> Features:
    """Network values, flat."""
    return Features("the samples' own network values", _values)


def _values(data: Dataset) -> np.ndarray:
    return torch.cat([batch.x.flatten(1) for batch in data.as_dense().batches()]).numpy()


def of_estimator(model: Embedder) -> Features:
    """The codes of a fitted estimator."""
    check_is_fitted(model)
    kind = type(model).__name__

    def ask(data: Dataset) -> np.ndarray:
        same = data.spec == model.spec_ or (data.spec.modality == "image" and data.spec.shape == model.spec_.shape)
        return np.asarray(model.transform(data if same else _restored(data)))

    return Features(f"codes of {kind} ({_trained(model)})", ask, model)


def _trained(model: Embedder) -> str:
    epochs = len(model.history_)
    return f"fitted, {epochs} epochs, seed {model.seed_}"


def _restored(data: Dataset) -> Any:
    """Samples in the user's own form, for a model with a recipe of its own."""
    stored, _ = data.as_dense().rows(torch.arange(len(data)))
    return source.restore(data.spec, to_network(stored))


def of_callable(function: Callable[[Tensor], Any]) -> Features:
    """Whatever a module or function makes of network values (B, *shape), on the device of the module."""
    name = getattr(function, "__qualname__", type(function).__name__)
    return Features(f"the caller's own {name!r}", lambda data: _asked(function, data))


def _asked(function: Callable[[Tensor], Any], data: Dataset) -> np.ndarray:
    if not isinstance(function, nn.Module):
        return _each_batch(function, data, torch.device("cpu"))
    device = next((weight.device for weight in function.parameters()), torch.device("cpu"))
    with engine.evaluating(function):
        return _each_batch(function, data, device)


@torch.no_grad()
def _each_batch(function: Callable[[Tensor], Any], data: Dataset, device: torch.device) -> np.ndarray:
    found = []
    for batch in data.as_dense().batches(_BATCH):
        told = function(batch.x.to(device))
        if not isinstance(told, Tensor | np.ndarray) or told.ndim != 2 or len(told) != len(batch):
            got = tuple(told.shape) if isinstance(told, Tensor | np.ndarray) else type(told).__name__
            raise ArgumentError(
                f"features must turn samples {tuple(batch.x.shape)} into a tensor or array (B, F); got {got}. Flatten "
                "it, or take the right one of several outputs"
            )
        found.append(_array(told) if isinstance(told, Tensor) else told)
    return np.concatenate(found)


def _array(told: Tensor) -> np.ndarray:
    widened = told.float() if told.dtype == torch.bfloat16 else told  # NumPy has no such numbers
    return np.asarray(widened.cpu())


def train_features(
    data: Any,
    labels: Any = None,
    *,
    kind: Kind = "auto",
    width: int = 64,
    images: int = 300_000,
    random_state: int = 0,
) -> Features:
    """Features learned from samples like those that will be judged. Make them once, and judge all models in them.

    Parameters
    ----------
    data
        Anything that `nolabel.open` takes, or a `Dataset`: real samples, best none that are the reference later.
    labels
        One label for each sample, -1, NaN or None where unknown; None takes those that the data have.
    kind
        "classifier" (needs labels), "ssl" (does not), "values" (nothing is trained), or "auto": for images a classifier
        where two classes are known, else an encoder without labels; for all else the values.
    width
        F of networks for images; the Fréchet distance will need more samples than that.
    images
        About so many samples are met in training, however many there are.
    random_state
        Seed of the training.

    Returns
    -------
    Features
        A callable of a `Dataset`; `told` says what they are, `estimator` is the trained model.

    Raises
    ------
    ArgumentError
        There is no such kind, or there are no labels for a classifier.
    """
    if kind not in KINDS:
        raise not_a_choice("kind", kind, KINDS)
    opened = source.open(data, labels=labels)
    chosen = _kind_for(opened) if kind == "auto" else kind
    if chosen == "values":
        return values()
    epochs = max(2, min(200, round(images / len(opened))))
    if chosen == "ssl":
        model: Any = SimCLR(backbone=_net(opened.spec, width, random_state), epochs=epochs, random_state=random_state)
        model.fit(opened)
        return _said(model, f"SimCLR encoder, trained without labels on {len(opened):,} samples")
    if _class_count(opened) < 2:
        raise ArgumentError(
            f"kind='classifier' needs labels of two classes or more; {opened!r} has {_class_count(opened)}. Give "
            "labels, or say kind='ssl'"
        )
    net = _net(opened.spec, width, random_state)
    model = Classifier(backbone=net, calibration="none", epochs=epochs, random_state=random_state)
    model.fit(opened, "labels")
    known = int((np.asarray(opened.labels) >= 0).sum())
    return _said(model, f"classifier trained on {known:,} labelled samples")


def _said(model: Embedder, what: str) -> Features:
    told = f"{what}, {len(model.history_)} epochs, seed {model.seed_}"
    return Features(told, of_estimator(model).ask, model)


def _class_count(data: Dataset) -> int:
    return 0 if data.labels is None else len(np.unique(data.labels[data.labels >= 0]))


def _kind_for(data: Dataset) -> str:
    if data.spec.modality != "image":
        return "values"
    return "classifier" if _class_count(data) >= 2 else "ssl"


def _net(spec: DataSpec, width: int, seed: int) -> "nn.Module | str":
    """Strided convolutions, quick on a CPU, and narrow features; a perceptron where they do not suit."""
    stages = possible_stages(*spec.shape[1:]) if len(spec.shape) == 3 else 0
    if not stages:
        return "mlp"
    channels, height, side = spec.shape
    wanted = max(1, int(np.ceil(np.log2(max(height, side) / _SMALL_MAP))))
    with seeded(mix(seed, 7)):
        return conv_encoder((channels, height, side), _CHANNELS[: min(stages, wanted)], width)


def features_from(given: Any, data: Dataset, random_state: int) -> Features:
    """Features from what a user says; those that must be trained are trained on `data`.

    Raises
    ------
    ArgumentError
        It is no name, estimator, folder, module or function.
    """
    if isinstance(given, Features):
        return given
    if isinstance(given, str) and given in KINDS:
        return train_features(data, kind=given, random_state=random_state)  # type: ignore[arg-type]
    if isinstance(given, str) and not Path(given).expanduser().is_dir():
        if "inception" in given.lower():
            raise ArgumentError(_NO_INCEPTION)
        raise not_a_choice("features", given, (*KINDS, "the folder of a fitted model"))
    model = _folder.load(Path(given).expanduser()) if isinstance(given, str | Path) else given
    if isinstance(model, Embedder):
        return of_estimator(model)
    if callable(model):
        return of_callable(model)
    names = ", ".join(map(repr, KINDS))
    raise ArgumentError(
        f"features must be one of {names}, a fitted estimator that can `transform` or its folder, or a callable from "
        f"(B, *shape) to (B, F); got {given!r:.80}"
    )


def accuracy(features: Features, data: Dataset) -> float | None:
    """How often the classifier behind the features names labelled samples right; None if there is none, or no label."""
    model = features.estimator
    if not isinstance(model, LabelPredictor) or data.labels is None or not (data.labels >= 0).any():
        return None
    part = data.subset(np.flatnonzero(data.labels >= 0))
    assert part.labels is not None
    return share_right(model.predict(part), np.asarray(part.classes)[part.labels])
