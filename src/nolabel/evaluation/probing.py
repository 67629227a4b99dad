"""`nolabel.probe`: a small classifier on the codes of a model that stays as it is, in seconds and with few labels.

    logistic   p = softmax(W z' + b), L2-penalised, z' = codes centred and divided by one number (`scaling.py`)
    knn        p_c = share of the votes of the k most similar labelled samples, each weighing exp(cos / 0.07)

Saved as PROBE/probe.json, probe.safetensors and the model itself in PROBE/embedder, so it stands alone. Nothing is
pickled. It knows no method of learning by name.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from nolabel.data.label_files import as_given, opened, refuse_too_few_classes
from nolabel.errors import ArgumentError, OutputError, SavedModelError, not_a_choice
from nolabel.evaluation.neighbours import nearest, shares
from nolabel.evaluation.scaling import Scale
from nolabel.methods import _folder
from nolabel.methods._base import Embedder, class_values, share_right
from nolabel.objectives.linear_head import linear_head
from nolabel.training.checkpoint import write_whole

Kind = Literal["logistic", "knn"]
KINDS = ("logistic", "knn")
FILE, WEIGHTS, EMBEDDER = "probe.json", "probe.safetensors", "embedder"
FORMAT = 1
Arrays = Mapping[str, NDArray[Any]]


def probe(
    model: Any, data: Any, labels: Any = None, *, kind: Kind = "logistic", k: int = 20, c: float = 1.0
) -> "Probe":
    """A classifier on a model's codes, from the samples that have a label.

    Parameters
    ----------
    model
        A fitted estimator that can `transform`, or the folder of one.
    data
        Anything that `nolabel.open` takes, or a `Dataset`; treated by the model's own recipe. Samples without a label
        help to scale the codes.
    labels
        A file of `id,label`, a mapping from ids, one label for each sample (-1, NaN or None where unknown), the name of
        a table's column; None takes those that the data have.
    kind
        "logistic" (a linear classifier) or "knn" (the vote of the most similar labelled samples).
    k
        knn: neighbours that vote.
    c
        logistic: inverse strength of the penalty on W.

    Returns
    -------
    Probe
        With `predict`, `predict_proba`, `score`, `save`; `Probe.load` reads it back.

    Raises
    ------
    ArgumentError
        The model is no embedder, the kind is not known, a number is out of bounds, or there are no labels.
    DataError
        Labels of ids that do not exist, of one class only, or not one for each sample.
    """
    _check(kind, k, c)
    fitted = embedder(model)
    codes, known, y, names = _labelled_codes(fitted, data, labels)
    return _made(fitted, kind, names, codes, known, y, k, c)


def accuracy_by_folds(
    model: Any, data: Any, labels: Any = None, *, kind: Kind = "logistic", k: int = 20, c: float = 1.0, folds: int = 5
) -> list[float]:
    """Accuracy of such a probe on each of at most `folds` parts of the labelled samples, made from the others.

    Arguments are those of `probe`. A class with one label allows no parts: the list is then empty.
    """
    _check(kind, k, c)
    fitted = embedder(model)
    codes, known, y, names = _labelled_codes(fitted, data, labels)
    count = min(folds, int(np.bincount(y).min()))
    if count < 2:
        return []
    scores = []
    for train, asked in StratifiedKFold(count, shuffle=True, random_state=0).split(known, y):
        judged = _made(fitted, kind, names, codes, known[train], y[train], k, c)
        scores.append(float((judged.of_codes(codes[known[asked]]).argmax(1) == y[asked]).mean()))
    return scores


def embedder(model: Any) -> Embedder:
    """The fitted embedder that a user means: itself, or the one in a folder.

    Raises
    ------
    ArgumentError
        It is none.
    """
    found = _folder.load(Path(model).expanduser()) if isinstance(model, str | Path) else model
    if not isinstance(found, Embedder):
        raise ArgumentError(
            "model must be a fitted nolabel estimator with `transform`, such as SimCLR().fit(X), or its folder; got "
            f"{type(found).__name__}"
        )
    check_is_fitted(found)
    return found


def _check(kind: Any, k: Any, c: Any) -> None:
    if kind not in KINDS:
        raise not_a_choice("kind", kind, KINDS)
    if not isinstance(k, int | np.integer) or isinstance(k, bool) or k < 1:
        raise ArgumentError(f"k must be a whole number of at least 1; got {k!r}")
    if isinstance(c, bool) or not isinstance(c, int | float) or not 0 < c < float("inf"):
        raise ArgumentError(f"c must be a number above 0; got {c!r}")


def _labelled_codes(
    fitted: Embedder, data: Any, labels: Any
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
    """Codes of all samples, rows of those with a label, their classes 0..K-1, and the names of these."""
    found = opened(data, labels, spec=fitted.spec_, **fitted._later())
    refuse_too_few_classes(found)
    assert found.labels is not None
    known = np.flatnonzero(found.labels >= 0)
    used, y = np.unique(found.labels[known], return_inverse=True)
    names = np.asarray(class_values(found.classes, as_given(labels)))[used]
    return np.asarray(fitted.transform(found), dtype=np.float32), known, y, names


def _made(
    fitted: Embedder,
    kind: str,
    names: NDArray[Any],
    codes: NDArray[np.float32],
    rows: NDArray[np.int64],
    y: NDArray[np.int64],
    k: int,
    c: float,
) -> "Probe":
    """The probe made from the classes `y` of some rows; the codes of all scale it."""
    arrays: Arrays = {"bank": codes[rows], "y": y} if kind == "knn" else _logistic(codes, rows, y, c)
    return Probe(fitted, kind, names, arrays, int(k))


def _logistic(codes: NDArray[Any], known: NDArray[Any], y: NDArray[Any], c: float) -> dict[str, NDArray[Any]]:
    scale = Scale.of(codes)
    weights, biases = linear_head(scale.applied(codes[known]), y, int(y.max()) + 1, c=c)
    return {
        "mean": scale.mean.astype(np.float64),
        "spread": np.array([scale.spread]),
        "weights": weights,
        "biases": biases,
    }


@final
class Probe:
    """A fitted classifier on a model's codes; made by `probe`.

    Attributes
    ----------
    model : Embedder
        Whose codes are classified.
    kind : {"logistic", "knn"}
        What classifies them.
    classes_ : ndarray
        Names of the classes, in the order of the columns of `predict_proba`.
    """

    def __init__(self, model: Embedder, kind: str, classes: NDArray[Any], arrays: Arrays, k: int) -> None:
        self.model = model
        self.kind = kind
        self.classes_ = classes
        self.k = k
        self._arrays = arrays

    def __repr__(self) -> str:
        return f"Probe({type(self.model).__name__}, kind={self.kind!r}, {len(self.classes_)} classes)"

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of the classes (N, K), in the order of `classes_`; for "knn" shares of the votes."""
        return self.of_codes(np.asarray(self.model.transform(X), dtype=np.float32))

    def of_codes(self, codes: NDArray[np.float32]) -> NDArray[np.float64]:
        """The same from codes (N, L) of the model."""
        if self.kind == "knn":
            similarity, index = nearest(codes, self._arrays["bank"], self.k)
            return shares(similarity, self._arrays["y"][index], len(self.classes_))
        scaled = Scale(self._arrays["mean"], float(self._arrays["spread"][0])).applied(codes)
        scores = scaled.astype(np.float64) @ self._arrays["weights"].T + self._arrays["biases"]
        odds = np.exp(scores - scores.max(1, keepdims=True))
        return np.asarray(odds / odds.sum(1, keepdims=True))

    def predict(self, X: Any) -> NDArray[Any]:
        """Name of the likeliest class of each sample (N,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(1)])

    def score(self, X: Any, y: Any) -> float:
        """Accuracy of `predict` against the classes `y` (N,); numbers and names of them are told alike."""
        return share_right(self.predict(X), y)

    def save(self, path: str | Path) -> Path:
        """Write it to a folder, with the model; one that is there is replaced. Returns the folder.

        Raises
        ------
        OutputError
            The folder holds something that is no probe, or cannot be written.
        """
        folder = _folder.named_folder("path", path)
        _refuse_no_probe(folder)
        weights = save_arrays({name: np.ascontiguousarray(value) for name, value in self._arrays.items()})
        self.model.save(folder / EMBEDDER)
        write_whole(folder / WEIGHTS, weights)
        facts = {
            "format": FORMAT,
            "kind": self.kind,
            "k": self.k,
            "classes": self.classes_.tolist(),
            "versions": _folder.versions(),
            "sha256": hashlib.sha256(weights).hexdigest(),
        }
        write_whole(folder / FILE, json.dumps(_folder.sealed(facts), indent=1).encode())
        return folder

    @classmethod
    def load(cls, path: str | Path, **given: Any) -> Self:
        """A probe that `save` wrote; `given` are the model's objects, as for `nolabel.load`.

        Raises
        ------
        SavedModelError
            The folder holds none, or one that is damaged or written by a newer nolabel.
        """
        folder = _folder.named_folder("path", path)
        facts = _facts(folder)
        arrays = _arrays(folder / WEIGHTS, str(facts["sha256"]))
        model = embedder(_folder.load(folder / EMBEDDER, **given))
        return cls(model, str(facts["kind"]), np.asarray(facts["classes"]), arrays, int(facts["k"]))


def is_probe(path: str | Path) -> bool:
    """Whether a folder holds a saved probe."""
    return (Path(path).expanduser() / FILE).is_file()


def _refuse_no_probe(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; name a folder for the probe")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / FILE).is_file():
        raise OutputError(f"{folder} holds something that is no probe; name a folder of its own")


def _facts(folder: Path) -> dict[str, Any]:
    file = folder / FILE
    if not file.is_file():
        raise SavedModelError(f"{folder} holds no probe of nolabel (there is no {FILE} in it)")
    try:
        facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        version = int(facts["format"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise SavedModelError(f"{file} is damaged: {type(error).__name__}: {error}") from error
    if version > FORMAT:
        raise SavedModelError(f"{folder} was written by a newer nolabel. Upgrade with: pip install -U nolabel")
    if _folder.sealed({name: value for name, value in facts.items() if name != "digest"}) != facts:
        raise SavedModelError(f"{file} is damaged: it was changed after it was saved. Copy the folder anew")
    return facts


def _arrays(file: Path, digest: str) -> dict[str, NDArray[Any]]:
    try:
        content = file.read_bytes()
        if hashlib.sha256(content).hexdigest() == digest:
            return dict(load_arrays(content))
    except (OSError, SafetensorError) as error:
        raise SavedModelError(f"cannot read {file}: {error}") from error
    raise SavedModelError(f"{file} is damaged: its contents are not those that were saved. Copy the folder anew")
