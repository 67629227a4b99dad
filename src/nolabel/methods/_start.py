"""The model that another one begins with: its recipe, its network and its weights, from wherever the user has it.

    a fitted estimator, a run folder, a saved model  →  description (JSON, no weights)  →  recipe, network
                                                     →  weights, which come from the first three only

A description is kept in the model that was made of it, which so needs the first no more. It knows no method by name.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from nolabel.errors import ArgumentError
from nolabel.training.learner import CountingLearner, Learner
from nolabel.types import DataSpec

_HERE = Path("model.json")


def describe(source: Any) -> dict[str, Any]:
    """What a model is, and a digest of its weights.

    Parameters
    ----------
    source
        A fitted estimator, the path of a run folder or saved model, or a description, which is returned as it is.

    Raises
    ------
    ArgumentError
        It is none of these, or no embedder that learns by gradients.
    SavedModelError
        The folder holds no model that can be read.
    """
    if isinstance(source, Mapping):
        return dict(source)
    from nolabel.methods._folder import description

    model = _model(source)
    return {**description(model), "weights": _digest(model.learner_.state_dict())}


def spec_of(description: Mapping[str, Any]) -> DataSpec:
    """The recipe by which the model's samples were opened."""
    return DataSpec.from_json(json.dumps(description["spec"]))


def learner_like(source: Any, description: Mapping[str, Any]) -> Learner:
    """The learner of a model and its description, with weights from torch's generator."""
    from nolabel.methods._folder import described

    by_words = isinstance(source, str | Path | Mapping)  # a fitted estimator may hold what no description can
    model = described(description, _HERE) if by_words else _model(source)
    learner: Learner = model.build(model.spec_)
    return learner


def weights_of(source: Any) -> dict[str, Tensor]:
    """The model's own weights, on the CPU.

    Raises
    ------
    ArgumentError
        All that is left is a description.
    """
    if isinstance(source, Mapping):
        raise ArgumentError(
            f"pretrained must be a fitted model or its folder; got the description of a {source.get('method')} whose "
            "weights a saved model does not keep (it was trained on from there). Give pretrained=... again to fit anew"
        )
    return {name: value.detach().cpu().clone() for name, value in _model(source).learner_.state_dict().items()}


def _model(source: Any) -> Any:
    from nolabel.methods._base import Embedder
    from nolabel.methods._folder import load

    model = load(Path(source).expanduser()) if isinstance(source, str | Path) else source
    if not isinstance(model, Embedder):
        raise ArgumentError(
            "pretrained must be a fitted model, the folder of one, or None to begin with random weights; "
            f"got {source!r:.80}"
        )
    try:
        check_is_fitted(model)
    except NotFittedError as error:
        raise ArgumentError(
            f"pretrained must be fitted; got {model!r:.80}, which is not: call its fit first"
        ) from error
    if isinstance(model.learner_, CountingLearner):
        raise ArgumentError(
            f"pretrained must be a model that learns by gradients; got a {type(model).__name__}, which counts. "
            "nolabel.probe puts a classifier on the codes of any model"
        )
    return model


def _digest(weights: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
