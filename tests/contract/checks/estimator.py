"""A method is an estimator in scikit-learn's sense, and refuses bad input in our words.

Each check takes a class (or a fitted model) and raises AssertionError with a sentence that says what is wrong.
"""

import inspect
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from contract.checks.samples import Samples, fitted, kinds, tiny
from nolabel.errors import ArgumentError, DataError, ModalityError, NolabelError
from nolabel.methods._base import Embedder, Estimator, LabelPredictor, Reconstructor, Sampler
from nolabel.methods._translator import Translator

Class = type[Estimator]


def arguments_of(cls: Class) -> dict[str, inspect.Parameter]:
    """The constructor's arguments."""
    found = dict(inspect.signature(cls.__init__).parameters)
    del found["self"]
    return found


# --- construction ----------------------------------------------------------------------------------------------------


def constructor_only_stores(cls: Class) -> None:
    """Every argument is kept as the very object that was given, and nothing else is set."""
    names = arguments_of(cls)
    extra = sorted(set(vars(cls())) - set(names))
    assert not extra, f"{cls.__name__}.__init__ sets {', '.join(extra)}, which is no argument: derive it in build"
    given = {name: object() for name in names}
    model = cls(**given)
    lost = [name for name in names if getattr(model, name, None) is not given[name]]
    assert not lost, f"{cls.__name__}.__init__ does not store {', '.join(lost)} as given"


def arguments_are_named(cls: Class) -> None:
    """No *args, no **kwargs, everything by keyword and with a default."""
    for name, parameter in arguments_of(cls).items():
        assert parameter.kind is parameter.KEYWORD_ONLY, f"{cls.__name__}({name}=...) must be given by keyword"
        assert parameter.default is not parameter.empty, f"{cls.__name__}({name}=...) has no default"


def survives_clone(cls: Class, samples: Samples) -> None:
    """A clone of a fitted model has the same arguments, and is not fitted."""
    model = fitted(cls, samples, epochs=1)
    copy = clone(model)
    assert copy.get_params() == model.get_params(), f"clone changes the arguments of {cls.__name__}"
    assert not _is_fitted(copy), f"a clone of a fitted {cls.__name__} is fitted"
    for name, value in model.get_params().items():
        assert copy.set_params(**{name: value}) is copy, f"set_params({name}=...) does not return self"


def _is_fitted(model: Any) -> bool:
    try:
        check_is_fitted(model)
    except NotFittedError:
        return False
    return True


# --- fit -------------------------------------------------------------------------------------------------------------


def fit_returns_self(cls: Class, samples: Samples) -> None:
    """And its learned names end in _ or begin with it."""
    model = tiny(cls, samples, epochs=1)
    before = set(vars(model))
    returned = model.fit(samples.X.copy(), samples.labels_for(cls))
    assert returned is model, f"{cls.__name__}.fit returns {type(returned).__name__}, not self"
    learned = set(vars(model)) - before
    wrong = sorted(name for name in learned if not (name.endswith("_") or name.startswith("_")))
    assert not wrong, f"{cls.__name__}.fit sets {', '.join(wrong)}: what is learned ends in _"


def fit_leaves_arguments_alone(cls: Class, samples: Samples) -> None:
    """Lists that were given stay as they are; no argument is replaced by what was chosen for it."""
    model = tiny(cls, samples, epochs=1)
    lists = {name: list(value) for name, value in model.get_params().items() if isinstance(value, tuple)}
    model.set_params(**lists)
    before = model.get_params(deep=False)
    content = pickle.dumps(before)
    model.fit(samples.X.copy(), samples.labels_for(cls))
    after = model.get_params(deep=False)
    replaced = [name for name in before if after[name] is not before[name]]
    assert not replaced, f"{cls.__name__}.fit replaces {', '.join(replaced)}"
    assert pickle.dumps(before) == content, f"{cls.__name__}.fit changes the contents of an argument"


def data_are_left_alone(cls: Class, samples: Samples) -> None:
    """`fit`, `partial_fit` and all that comes after do not write to the user's arrays, and need not."""
    X, y = samples.X.copy(), samples.labels_for(cls)
    model = tiny(cls, samples, epochs=1)
    model.fit(X, y)
    model.partial_fit(X, y)
    for _, call in _calls(model, X):
        call()
    assert_array_equal(X, samples.X, err_msg=f"{cls.__name__} changes the user's data")
    assert_array_equal(y, samples.labels_for(cls), err_msg=f"{cls.__name__} changes the user's labels")
    X.flags.writeable = False
    tiny(cls, samples, epochs=1).fit(X, y).transform(X)


def is_fitted_only_after_fit(cls: Class, samples: Samples) -> None:
    """Before `fit` every door says NotFittedError; after it scikit-learn agrees that the model is fitted."""
    model = cls.tiny()
    assert not _is_fitted(model), f"{cls.__name__} is fitted before fit"
    for name, call in _calls(model, samples.X):
        try:
            call()
        except NotFittedError as error:
            said = str(error)
        else:
            raise AssertionError(f"{cls.__name__}.{name} works before fit")
        assert cls.__name__ in said, f"{name}: the message does not name {cls.__name__}: {said}"
    assert _is_fitted(fitted(cls, samples, epochs=1)), f"{cls.__name__} is not fitted after fit"


def _calls(model: Any, X: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What can be asked of a model: the inherited doors, and the method's own that take samples."""
    if isinstance(model, Embedder):
        yield "transform", lambda: model.transform(X)
    if isinstance(model, Reconstructor):
        yield "reconstruct", lambda: model.reconstruct(X)
        yield "inverse_transform", lambda: model.inverse_transform(model.transform(X))
        yield "score_samples", lambda: model.score_samples(X)
        yield "interpolate", lambda: model.interpolate(X[:2], X[2:4])
    if isinstance(model, Sampler):
        yield "sample", lambda: model.sample(2)
    if isinstance(model, LabelPredictor):
        yield "predict", lambda: model.predict(X)
        yield "predict_proba", lambda: model.predict_proba(X)
    for name, function in vars(type(model)).items():
        if not name.startswith("_") and inspect.isfunction(function) and "X" in inspect.signature(function).parameters:
            yield name, lambda name=name: getattr(model, name)(X)
    yield "untrained", model.untrained


def partial_fit_goes_on(cls: Class, samples: Samples) -> None:
    """`partial_fit` begins as `fit` does, returns self, and every call is one more record of the history."""
    model = cls.tiny()
    for part in np.array_split(np.arange(len(samples.X)), 3):
        y = samples.labels_for(cls)
        before = model.learner_.state_dict() if _is_fitted(model) else {}
        before = {name: value.clone() for name, value in before.items()}
        assert model.partial_fit(samples.X[part], None if y is None else y[part]) is model
        for name, value in before.items():
            if value.is_floating_point() and value.numel() > 1:
                moved = not torch.equal(value, model.learner_.state_dict()[name])
                assert moved, f"{cls.__name__}.partial_fit leaves {name} where it was"
    assert len(model.history_) == 3, f"{cls.__name__}.history_ has {len(model.history_)} records after 3 parts"
    assert model.transform(samples.X).shape[0] == len(samples.X)


# --- sources ---------------------------------------------------------------------------------------------------------


def sources_agree(cls: Class, samples: Samples) -> None:
    """Array, tensor, DataFrame and list of lists give the same codes to the bit; a DataFrame's names are kept."""
    names = [f"column {number}" for number in range(samples.X.shape[1])]
    forms: dict[str, Any] = {
        "tensor": torch.from_numpy(samples.X.copy()),
    }
    if samples.X.ndim == 2:  # a DataFrame holds no images, and lists do not say which number is white
        forms["DataFrame"] = pd.DataFrame(samples.X, columns=names)
        forms["list of lists"] = samples.X.tolist()
    y = samples.labels_for(cls)
    model = cls.tiny().set_params(epochs=1).fit(samples.X, y)
    assert not hasattr(model, "feature_names_in_"), "an array has no names of columns"
    codes = model.transform(samples.X)
    for form, X in forms.items():
        other = cls.tiny().set_params(epochs=1).fit(X, y)
        assert_array_equal(other.transform(X), codes, err_msg=f"{cls.__name__}: {form} and array give different codes")
        assert other.n_features_in_ == samples.X[0].size
        if form == "DataFrame":
            assert other.feature_names_in_.tolist() == names, "the names of the columns are lost"
            mixed = X[list(reversed(names))]
            assert_array_equal(other.transform(mixed), codes, err_msg="columns in another order give other codes")


# --- bad input -------------------------------------------------------------------------------------------------------

Refusal = tuple[type[NolabelError], tuple[str, ...]]


def _with(X: Any, value: float) -> Any:
    spoilt = X.astype(np.float64)
    spoilt[3, 1] = value
    return spoilt


BAD_TABLES: dict[str, tuple[Callable[[Any], Any], Refusal]] = {
    "NaN": (lambda X: _with(X, np.nan), (DataError, ("NaN", "column 1", "row 3"))),
    "inf": (lambda X: _with(X, np.inf), (DataError, ("infin", "column 1", "row 3"))),
    "no rows": (lambda X: X[:0], (DataError, ("0 sample", "minimum of 1"))),
    "no columns": (lambda X: X[:, :0], (DataError, ("0 feature", "minimum of 1"))),
    "text": (lambda X: [["a", "b"], ["c", "d"]], (DataError, ("numeric", "text", "DataFrame"))),
    "one axis": (lambda X: X[:, 0], (DataError, ("1D array", "(N, D)"))),
    "six axes": (lambda X: X[:, :, None, None, None, None], (DataError, ("6 axes", "images 3 or 4, clips 5"))),
    "clips": (lambda X: np.random.default_rng(0).random((len(X), 3, 8, 8, 1)), (ModalityError, ("clips",))),
    "complex": (lambda X: X.astype(complex), (DataError, ("omplex", "real numbers"))),
    "ragged": (lambda X: [[1.0, 2.0], [3.0]], (DataError, ("shape", "numbers"))),
    "not data": (lambda X: object(), (DataError, ("cannot open", "array", "DataFrame"))),
    "no such file": (lambda X: "no/such/file.csv", (DataError, ("no such file", "no/such/file.csv"))),
}

# What is said otherwise of counts of words.
BAD_COUNTS: dict[str, tuple[Callable[[Any], Any], Refusal]] = {
    "NaN": (lambda X: _with(X, np.nan), (DataError, ("NaN", "column 1", "row 3", "count 0"))),
    "inf": (lambda X: _with(X, np.inf), (DataError, ("infin", "column 1", "row 3"))),
}


# And of images, by methods that take nothing else.
BAD_IMAGES: dict[str, tuple[Callable[[Any], Any], Refusal]] = {
    "NaN": (lambda X: _with(X, np.nan), (DataError, ("NaN", "1 of 96", "row 3"))),
    "inf": (lambda X: _with(X, np.inf), (DataError, ("infin", "1 of 96", "row 3"))),
    "no rows": (lambda X: X[:0], (DataError, ("0 x 8 x 8", "holds nothing"))),
    "no columns": (lambda X: X[:, :0], (DataError, ("96 x 0 x 8", "holds nothing"))),
    "one axis": (lambda X: X[:, 0], (ModalityError, ("images", "table"))),
    "six axes": (lambda X: X[:, :, None, None, None], (DataError, ("6 axes", "images 3 or 4, clips 5"))),
}

# And of clips.
BAD_CLIPS: dict[str, tuple[Callable[[Any], Any], Refusal]] = {
    "NaN": (lambda X: _with(X, np.nan), (DataError, ("NaN", "1 of 96", "row 3"))),
    "inf": (lambda X: _with(X, np.inf), (DataError, ("infin", "1 of 96", "row 3"))),
    "no rows": (lambda X: X[:0], (DataError, ("0 x 4 x 8 x 8", "holds nothing"))),
    "no columns": (lambda X: X[:, :0], (DataError, ("96 x 0 x 8 x 8", "holds nothing"))),
    "one axis": (lambda X: X[:, 0], (ModalityError, ("clips", "image"))),
    "six axes": (lambda X: X[:, :, None, None], (DataError, ("6 axes", "images 3 or 4, clips 5"))),
    "clips": (lambda X: np.stack([X, X], -1), (DataError, ("clips must have 1 or 3 channels", "(96, 4, 8, 8, 2)"))),
}


def bad_tables(cls: Class) -> dict[str, tuple[Callable[[Any], Any], Refusal]]:
    """Bad input by name: how good input is spoilt, and what is said of it."""
    return {**BAD_TABLES, **{"counts": BAD_COUNTS, "upright": BAD_IMAGES, "clips": BAD_CLIPS}.get(kinds(cls)[0], {})}


UNLEARNABLE: dict[str, tuple[Callable[[Any], Any], Refusal]] = {
    "one sample": (lambda X: X[:1], (DataError, ("1 sample", "at least 2"))),
    "constant": (lambda X: X[:1].repeat(20, 0), (DataError, ("all 20 samples are identical",))),
}


def fit_refuses(cls: Class, X: Any, y: Any, refusal: Refusal) -> None:
    """Bad data stop `fit` with an error of ours that has the words wanted, and leave the model unfitted."""
    model = cls.tiny()
    _refused(lambda: model.fit(X, y), f"{cls.__name__}.fit", refusal)
    assert not _is_fitted(model), f"{cls.__name__} is fitted after fit refused the data"


def transform_refuses(model: Any, X: Any, refusal: Refusal) -> None:
    """The same after `fit`."""
    _refused(lambda: model.transform(X), f"{type(model).__name__}.transform", refusal)


def _refused(call: Callable[[], Any], where: str, refusal: Refusal) -> None:
    kind, words = refusal
    try:
        call()
    except NolabelError as error:
        raised: NolabelError = error
    except Exception as error:
        raise AssertionError(f"{where} lets {type(error).__name__} through, which is not ours: {error}") from error
    else:
        raise AssertionError(f"{where} takes what it should refuse")
    assert isinstance(raised, kind), f"{where} raises {type(raised).__name__}, expected {kind.__name__}: {raised}"
    missing = [word for word in words if word not in str(raised)]
    assert not missing, f"{where}: the message does not say {missing}: {raised}"


def refuses_other_samples(model: Any, samples: Samples) -> None:
    """After `fit`: samples of another width, size or kind."""
    if samples.kind == "table":
        transform_refuses(model, samples.X[:, :-1], (DataError, ("5", "6")))
        transform_refuses(model, np.zeros((4, 8, 8), np.uint8), (ModalityError, ("table", "6 columns", "images")))
    elif samples.kind == "counts":
        transform_refuses(model, samples.X[:, :-1], (DataError, ("29", "30")))
        transform_refuses(model, np.zeros((4, 8, 8), np.uint8), (ModalityError, ("texts", "images")))
    elif samples.kind == "clips":
        transform_refuses(model, samples.X[:, :-1], (DataError, ("3 frames", "4 frames")))
        transform_refuses(model, samples.X[:, :, :-1], (DataError, ("7 x 8", "8 x 8")))
        transform_refuses(model, np.zeros((4, 6)), (ModalityError, ("clips", "4 frames", "table")))
        transform_refuses(model, np.zeros((4, 8, 8), np.uint8), (ModalityError, ("clips", "images")))
    else:
        transform_refuses(model, samples.X[:, :-1], (DataError, ("7 x 8", "8 x 8")))
        transform_refuses(model, np.zeros((4, 6)), (ModalityError, ("images", "(1, 8, 8)", "table")))


def refuses_bad_codes(model: Any) -> None:
    """`inverse_transform` takes codes of the right width, finite ones."""
    width = model.transform(np.zeros((2, *_shape(model)), _dtype(model))).shape[1]
    bad = {
        "another width": np.zeros((3, width + 1)),
        "one axis": np.zeros(width),
        "NaN": np.full((1, width), np.nan),
        "text": [["a"] * width],
    }
    for name, Z in bad.items():
        _refused(
            lambda Z=Z: model.inverse_transform(Z),
            f"{type(model).__name__}.inverse_transform({name})",
            (DataError, ("codes",)),
        )


def _shape(model: Any) -> tuple[int, ...]:
    return tuple(model.spec_.shape) if model.spec_.modality == "table" else tuple(model.spec_.shape[1:])


def _dtype(model: Any) -> Any:
    return np.float64 if model.spec_.modality == "table" else np.uint8


def refuses_bad_labels(cls: Class, samples: Samples) -> None:
    """Methods that learn from labels: too few, none known, real numbers, none at all. Others do not look."""
    known = samples.y
    if issubclass(cls, Translator):
        _refuses_bad_targets(cls, samples)
        return
    if not cls.uses_labels:
        cls.tiny().set_params(epochs=1).fit(samples.X, known[:-1])
        return
    fit_refuses(cls, samples.X, known[:-1], (DataError, ("95", "96")))
    fit_refuses(cls, samples.X, np.full(len(known), -1), (DataError, ("known label",)))
    fit_refuses(cls, samples.X, known + 0.5, (DataError, ("real numbers",)))
    fit_refuses(cls, samples.X, None, (ArgumentError, (cls.__name__, "requires y", "-1 or NaN", "y='labels'")))
    fit_refuses(cls, samples.X, "labels", (ArgumentError, (cls.__name__, "this data set has none", "give y")))


def _refuses_bad_targets(cls: Class, samples: Samples) -> None:
    targets = samples.labels_for(cls)
    fit_refuses(cls, samples.X, None, (ArgumentError, (cls.__name__, "fit(X, Y)")))
    fit_refuses(cls, samples.X, samples.y, (DataError, ("the targets in y", "1D array")))
    fit_refuses(cls, samples.X, targets[:, :-1], (DataError, ("7 x 8", "8 x 8", "same height and width")))
    fit_refuses(cls, samples.X, np.zeros((96, 3)), (ModalityError, ("y must be images", "table")))


def refuses_bad_arguments(cls: Class, name: str, samples: Samples) -> None:
    """An argument of a senseless type or value is named, with what came, before training begins."""
    values = {"object": object()}
    if arguments_of(cls)[name].annotation is float:
        values["nan"] = float("nan")
    for word, value in values.items():
        model = cls.tiny().set_params(**{name: value})
        _refused(
            lambda model=model: model.fit(samples.X, samples.labels_for(cls)),
            f"{cls.__name__}({name}={value!r}).fit",
            (ArgumentError, (name, "must be", "got", word)),
        )


def takes_numbers_of_numpy(cls: Class, samples: Samples) -> None:
    """As a search over a grid made by NumPy gives them; they train the same and are saved as plain numbers."""
    plain = tiny(cls, samples, epochs=1)
    given = plain.get_params(deep=False)
    numpys = {name: _numpys(value) for name, value in given.items()}
    y = samples.labels_for(cls)
    try:
        model = cls(**numpys).fit(samples.X, y)
    except NolabelError as error:
        raise AssertionError(f"{cls.__name__} refuses NumPy's numbers: {error}") from error
    same = np.array_equal(model.transform(samples.X), plain.fit(samples.X, y).transform(samples.X))
    assert same, f"{cls.__name__} learns something else from NumPy's numbers"


def _numpys(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, tuple):
        return tuple(_numpys(one) for one in value)
    kinds = {int: np.int64, float: np.float64}
    return kinds[type(value)](value) if type(value) in kinds else value


def trains_on_fewer_samples_than_a_batch(cls: Class, samples: Samples) -> None:
    """Five samples are a batch of five."""
    y = samples.labels_for(cls)
    own = y[:5] if issubclass(cls, Translator) else np.array([0, 1, 0, 1, -1])
    few = tiny(cls, samples, epochs=2).fit(samples.X[:5], None if y is None else own)
    codes = few.transform(samples.X[:5])
    assert codes.shape[0] == 5
    assert np.isfinite(codes).all(), f"{cls.__name__} on five samples gives codes that are not finite"


def scales_do_not_matter(cls: Class, samples: Samples) -> None:
    """Columns in other units give the same codes: tables are standardised."""
    y = samples.labels_for(cls)
    units = 2.0 ** np.arange(samples.X.shape[1])  # powers of two: exact
    one = cls.tiny().set_params(epochs=1).fit(samples.X, y).transform(samples.X)
    other = cls.tiny().set_params(epochs=1).fit(samples.X * units, y).transform(samples.X * units)
    assert_allclose(other, one, atol=1e-5, err_msg=f"{cls.__name__} sees the units of the columns")
