"""A method infers cleanly: a sample's code depends on the sample and the weights, and on nothing else.

Each check takes a fitted model and raises AssertionError with a sentence that says what is wrong.
"""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from numpy.testing import assert_allclose

from contract.checks.reproducing import differing, weights
from contract.checks.samples import Samples
from nolabel.errors import NolabelError
from nolabel.methods._base import Embedder, LabelPredictor, Reconstructor, Sampler
from nolabel.methods._translator import Translator

TOLERANCE = 1e-5


def per_sample(model: Any) -> dict[str, Callable[[Any], Any]]:
    """What a model says of each sample, by the name of the door."""
    doors: dict[str, Callable[[Any], Any]] = {}
    if isinstance(model, Embedder):
        doors["transform"] = model.transform
    if isinstance(model, Reconstructor):
        doors["reconstruct"] = lambda X: np.asarray(model.reconstruct(X), dtype=np.float64)
        doors["score_samples"] = model.score_samples
    if isinstance(model, LabelPredictor):
        doors["predict_proba"] = model.predict_proba
    if isinstance(model, Translator):
        doors["translate"] = lambda X: np.asarray(model.translate(X), dtype=np.float64)
    return doors


def _scale(door: str, samples: Samples) -> float:
    """Rounding of whole grey values is allowed to differ by one."""
    return 1.0 if door in ("reconstruct", "translate") and samples.X.dtype == np.uint8 else 0.0


def one_by_one_equals_all_at_once(model: Any, samples: Samples) -> None:
    """A sample alone is treated as it is among others."""
    X = samples.X[:12]
    for door, ask in per_sample(model).items():
        together = ask(X)
        alone = np.concatenate([ask(X[row : row + 1]) for row in range(len(X))])
        atol = max(TOLERANCE, _scale(door, samples))
        message = f"{type(model).__name__}.{door}: one by one differs from all at once"
        assert_allclose(alone, together, rtol=TOLERANCE, atol=atol, err_msg=message)


def order_does_not_matter(model: Any, samples: Samples) -> None:
    """Samples in another order have the same answers, in that order."""
    order = np.random.default_rng(0).permutation(len(samples.X))
    for door, ask in per_sample(model).items():
        atol = max(TOLERANCE, _scale(door, samples))
        message = f"{type(model).__name__}.{door}: the order of samples matters"
        assert_allclose(ask(samples.X[order]), ask(samples.X)[order], rtol=TOLERANCE, atol=atol, err_msg=message)


def mode_does_not_matter(model: Any, samples: Samples) -> None:
    """A learner that was left in training mode gives the same answers, and its mode is as it was afterwards."""
    name = type(model).__name__
    before = {door: ask(samples.X) for door, ask in per_sample(model).items()}
    assert not any(module.training for module in model.learner_.modules()), f"{name}: fit leaves training mode on"
    model.learner_.train()
    for door, ask in per_sample(model).items():
        again = ask(samples.X)
        same = np.array_equal(again, before[door])
        assert same, f"{name}.{door} depends on whether the learner is in training mode"
        kept = all(module.training for module in model.learner_.modules())
        assert kept, f"{name}.{door} does not put the learner's mode back"


def asking_twice_is_the_same(model: Any, samples: Samples) -> None:
    """To the bit, also with other samples in between."""
    for door, ask in per_sample(model).items():
        first = ask(samples.X)
        again = ask(samples.X)
        assert np.array_equal(first, again), (
            f"{type(model).__name__}.{door} is random: twice the same gives two answers"
        )
        ask(samples.X[:7][::-1].copy())
        after = ask(samples.X)
        assert np.array_equal(first, after), f"{type(model).__name__}.{door} remembers what it was asked before"


def asking_changes_nothing(model: Any, samples: Samples) -> None:
    """Neither the estimator's attributes nor the learner's weights, buffers, gradients; no graph is kept."""
    name = type(model).__name__
    held, before = dict(vars(model)), weights(model)
    content = pickle.dumps({key: value for key, value in held.items() if key != "learner_"})
    inside = {key: set(vars(module)) for key, module in model.learner_.named_modules()}
    for door, ask in per_sample(model).items():
        ask(samples.X)
        now = vars(model)
        changed = sorted(key for key in {*held, *now} if key not in held or now.get(key) is not held[key])
        assert not changed, f"{name}.{door} sets {', '.join(changed)}"
        assert pickle.dumps({key: value for key, value in now.items() if key != "learner_"}) == content, (
            f"{name}.{door} changes what an attribute holds"
        )
        moved = differing(before, weights(model))
        assert not moved, f"{name}.{door} changes {', '.join(moved)}"
        grown = [key for key, module in model.learner_.named_modules() if set(vars(module)) != inside[key]]
        assert not grown, f"{name}.{door} leaves something behind in the learner's {grown}"
    graded = [key for key, value in model.learner_.named_parameters() if value.grad is not None and value.grad.grad_fn]
    assert not graded, f"{name} keeps a graph for {graded}"


def shapes_are_as_documented(model: Any, samples: Samples) -> None:
    """Codes (N, L) float32; data in the form in which they came; scores (N,) float64; names for the columns."""
    name, X = type(model).__name__, samples.X
    codes = model.transform(X)
    assert codes.ndim == 2, f"{name}.transform gives shape {codes.shape}"
    assert codes.shape[0] == len(X), f"{name}.transform gives shape {codes.shape}"
    assert codes.dtype == np.float32, f"{name}.transform gives {codes.dtype}"
    assert len(model.get_feature_names_out()) == codes.shape[1], f"{name}.get_feature_names_out has another length"
    if isinstance(model, Reconstructor):
        _reconstructs(model, X, codes)
    if isinstance(model, Sampler):
        drawn = model.sample(5, random_state=3)
        assert drawn.shape == (5, *X.shape[1:]), f"{name}.sample gives shape {drawn.shape}"
        assert drawn.dtype == X.dtype, f"{name}.sample gives {drawn.dtype}"
        assert np.array_equal(drawn, model.sample(5, random_state=3)), (
            f"{name}.sample(random_state=3) differs from itself"
        )
        assert not np.array_equal(drawn, model.sample(5, random_state=4)), f"{name}.sample ignores random_state"
    if isinstance(model, LabelPredictor):
        p = model.predict_proba(X)
        assert p.shape == (len(X), len(model.classes_)), f"{name}.predict_proba gives shape {p.shape}"
        assert_allclose(p.sum(1), 1, rtol=1e-5)
        assert np.array_equal(model.predict(X), model.classes_[p.argmax(1)])


def _reconstructs(model: Any, X: Any, codes: Any) -> None:
    name = type(model).__name__
    rebuilt = model.reconstruct(X)
    assert rebuilt.shape == X.shape, f"{name}.reconstruct gives shape {rebuilt.shape}, the data have {X.shape}"
    assert rebuilt.dtype == X.dtype, f"{name}.reconstruct gives {rebuilt.dtype}, the data are {X.dtype}"
    assert_allclose(model.inverse_transform(codes), rebuilt, rtol=1e-4, atol=1e-4 + (X.dtype == np.uint8), err_msg=name)
    scores = model.score_samples(X)
    assert scores.shape == (len(X),), f"{name}.score_samples gives shape {scores.shape}"
    assert scores.dtype == np.float64, f"{name}.score_samples gives {scores.dtype}"
    assert np.isfinite(scores).all(), f"{name}.score_samples gives values that are not finite"
    if X.dtype != np.uint8:  # the cross-entropy of pixels depends on how grey they are, more than on the model
        strange = model.score_samples(X + 50 * X.std(0))
        assert strange.max() < scores.min(), f"{name}.score_samples finds samples usual that are far from all others"
    between = model.interpolate(X[:2], X[2:4], steps=3)
    assert between.shape == (6, *X.shape[1:]), f"{name}.interpolate gives shape {between.shape}"
    ends = between.reshape(2, 3, *X.shape[1:])[:, [0, -1]]
    wanted = np.stack([rebuilt[:2], rebuilt[2:4]], axis=1)
    atol = 1e-3 + (X.dtype == np.uint8)
    assert_allclose(
        ends, wanted, rtol=1e-3, atol=atol, err_msg=f"{name}.interpolate does not begin and end at the samples"
    )


def copies_are_equal(model: Any, samples: Samples) -> None:
    """A model that went through pickle or joblib gives the same bits."""
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    for way, copy in {"pickle": pickle.loads(pickle.dumps(model)), "joblib": joblib.load(file)}.items():
        for door, ask in per_sample(model).items():
            same = np.array_equal(per_sample(copy)[door](samples.X), ask(samples.X))
            assert same, f"{type(model).__name__}.{door} differs after a trip through {way}"
        again = copy.partial_fit(samples.X, samples.labels_for(type(model)))
        assert again is copy, f"{type(model).__name__}: after {way} partial_fit does not work"


def saving_keeps_everything(model: Any, samples: Samples, folder: Path, load: Callable[[Path], Any]) -> None:
    """What `load` brings back has the same weights to the bit, the same arguments and the same answers."""
    name = type(model).__name__
    model.save(folder)
    kept = sorted(path.name for path in folder.iterdir())
    assert kept == ["model.json", "model.safetensors"], f"{name}.save leaves {kept}"
    try:
        copy = load(folder)
    except NolabelError as error:
        raise AssertionError(f"{name} cannot be loaded again: {error}") from error
    assert copy.get_params() == model.get_params(), f"{name}: arguments change when saved and loaded"
    assert copy.spec_ == model.spec_, f"{name}: the DataSpec changes when saved and loaded"
    assert copy.history_ == model.history_, f"{name}: the history changes when saved and loaded"
    assert copy.health_ == model.health_, f"{name}: the verdicts change when saved and loaded"
    for door, ask in per_sample(model).items():
        same = np.array_equal(per_sample(copy)[door](samples.X), ask(samples.X))
        assert same, f"{name}.{door} differs after save and load"
    if isinstance(model, Sampler):
        same = np.array_equal(copy.sample(3, random_state=1), model.sample(3, random_state=1))
        assert same, f"{name}.sample differs after save and load"
    own = copy.learner_.state_dict()
    assert all(torch.equal(value, own[key]) for key, value in weights(model).items()), f"{name}: weights change"
