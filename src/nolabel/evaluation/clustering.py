"""`nolabel.cluster`: from an embedding, an estimator or a run folder to clusters that are described and can predict.

It brings what it is given to codes on one scale, chooses how many clusters (`choosing.py`), finds them (`grouping.py`),
and describes each (`describing.py`). It knows no method of learning by name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from nolabel.data import source
from nolabel.data.dataset import Dataset
from nolabel.data.labels import coded
from nolabel.errors import ArgumentError, DataError, not_a_choice
from nolabel.evaluation import choosing, describing
from nolabel.evaluation.choosing import Candidate
from nolabel.evaluation.clustered import Cluster, Clusters
from nolabel.evaluation.clusters import ari, nmi
from nolabel.evaluation.describing import Moments, Trait, Unit, column_traits, medoids
from nolabel.evaluation.grouping import METHODS, Centres, Densities, Groups, Mixture, Tree, quietly
from nolabel.evaluation.labels import Classes
from nolabel.evaluation.scaling import Scale
from nolabel.evaluation.splits import seed_of, some_rows
from nolabel.methods._base import Embedder
from nolabel.methods._folder import load

EMBEDDINGS = "embeddings.parquet"  # what the command line leaves in a run folder
_TRIED = 2000  # most samples on which the number of clusters is chosen
_SMALLEST = 5  # samples of a cluster that hdbscan finds, where those it looks at are only some
_MEDOIDS, _TRAITS, _WORDS = 5, 4, 8
_WEAK_SILHOUETTE, _WEAK_STABILITY = 0.05, 0.5


def cluster(
    embedding: Any,
    method: str = "kmeans",
    k: int | str = "auto",
    *,
    data: Any = None,
    labels: ArrayLike | torch.Tensor | str | None = None,
    largest: int = 20,
    min_size: int | None = None,
    max_samples: int = 5000,
    random_state: int = 0,
) -> Clusters:
    """Put samples into clusters, describe each, and be able to say where new samples belong.

    Codes are centred and divided by one number, their overall standard deviation, so that no column gains weight.

    Parameters
    ----------
    embedding
        (N, L) numbers, as an array, tensor or DataFrame; or a fitted estimator that can `transform`, with `data`; or a
        run folder, with `data` or with the embeddings that the command line left in it.
    method
        "kmeans", "gmm" (Gaussian mixture), "hdbscan" (density) or "agglomerative" (Ward's tree); what each does with a
        new sample, and what its confidence is, is said in `nolabel.evaluation.grouping`.
    k
        Number of clusters, or "auto" for the one in 2 .. `largest` with the largest silhouette x stability, judged on
        at most 2,000 samples. hdbscan finds the number itself.
    data
        The samples behind the embedding: any source that `nolabel.open` takes, or a `Dataset`. Gives ids, and the
        columns (tables) or words (texts) that set each cluster apart.
    labels
        (N,) classes of any kind, -1 or NaN where unknown, or the name of a table's column: clusters are compared with
        them, never made from them. None takes those that the data have, if any.
    largest
        Largest number of clusters to try.
    min_size
        hdbscan: fewest samples in a cluster; None chooses among 0.5 % to 10 % of the samples as it does k.
    max_samples
        hdbscan and agglomerative, whose cost is quadratic, look at no more than so many samples, drawn at random; the
        others go where the nearest one is. kmeans and gmm begin with so many, then take all.
    random_state
        Seed of every draw and start: the same seed gives the same clusters.

    Returns
    -------
    clusters
        Labels, confidence and noise flag of every sample, a description of every cluster, the curve over k, `predict`
        for new samples, `save` for a table of ids.

    Raises
    ------
    ArgumentError
        An unknown method; a k above the number of different samples; an argument that the method has not; an estimator
        without data.
    DataError
        Fewer than two samples, all the same; NaN or infinite values; labels or data of another length; or all noise.
    """
    _check(method, k, {"largest": (largest, 2), "max_samples": (max_samples, 10)}, min_size)
    given = _given(embedding, data, labels)
    scale = Scale.of(given.codes)
    scaled = scale.applied(given.codes)
    _refuse_hopeless(scaled, k, min_size)
    plan = _planned(method, k, min_size, scaled, largest, max_samples, random_state)
    groups = _found(method, plan, scaled, random_state)
    members = groups.members
    kept = np.where(members.is_noise, -1, members.labels)
    count = int(members.labels.max()) + 1
    return Clusters(
        method=method,
        ids=given.ids,
        labels=members.labels,
        confidence=members.confidence,
        is_noise=members.is_noise,
        descriptions=_described(given, scaled, kept, count, groups),
        curve=plan.curve,
        agreement=_agreement(given.classes, members.labels),
        notes=(*given.notes, *plan.notes, *_fewer(method, plan, count), *_unsettled(groups)),
        _groups=groups,
        _codes_of=lambda new: scale.applied(given.encode(new)),
    )


def _check(method: str, k: int | str, numbers: Mapping[str, tuple[Any, int]], min_size: int | None) -> None:
    if method not in METHODS:
        raise not_a_choice("method", method, METHODS)
    whole = isinstance(k, int | np.integer) and not isinstance(k, bool)
    if not (k == "auto" if isinstance(k, str) else whole and k >= 1):
        raise ArgumentError(f'k must be a whole number of at least 1, or "auto"; got {k!r}')
    if method == "hdbscan" and k != "auto":
        raise ArgumentError(
            f'hdbscan finds the number of clusters itself: leave k="auto" (got {k}) and set min_size, or choose '
            "another method"
        )
    if min_size is not None and method != "hdbscan":
        raise ArgumentError(f"min_size is of method='hdbscan' only; got {min_size!r} for {method}")
    numbers = {**numbers, **({} if min_size is None else {"min_size": (min_size, 2)})}
    for name, (value, least) in numbers.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise ArgumentError(f"{name} must be a whole number of at least {least}; got {value!r}")


# --- what was given --------------------------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class _Given:
    """Codes (N, L), and what is known about the samples. `encode` brings new samples to codes."""

    codes: Float[np.ndarray, "N L"]
    names: tuple[str, ...]  # of the columns of the codes
    ids: Sequence[str | int]
    data: Dataset | None
    classes: Classes | None
    encode: Callable[[Any], Float[np.ndarray, "M L"]]
    notes: tuple[str, ...] = ()


def _given(embedding: Any, data: Any, labels: Any) -> _Given:
    if isinstance(embedding, str | Path):
        model = load(Path(embedding).expanduser())
        if data is None:
            return _from_folder(model, Path(embedding).expanduser(), labels)
        return _from_model(model, data, labels)
    if hasattr(embedding, "transform") and not isinstance(embedding, pd.DataFrame):
        return _from_model(embedding, data, labels)
    return _from_array(embedding, data, labels)


def _from_model(model: Any, data: Any, labels: Any) -> _Given:
    _refuse_others(model)
    if data is None:
        raise ArgumentError(
            f"data is missing: give the samples that {type(model).__name__} shall turn into codes, as in "
            "cluster(model, data=X)"
        )
    opened = source.open(data, spec=model.spec_, labels=labels, **model._later())
    codes = _finite(model.transform(opened), "the model's codes")
    names = _numbered(codes.shape[1])
    return _Given(
        codes, names, opened.ids, opened, _classes(opened), lambda new: _finite(model.transform(new), "codes")
    )


def _refuse_others(model: Any) -> None:
    if not isinstance(model, Embedder):
        raise ArgumentError(
            "embedding must be an array (N, L), a run folder, or a fitted nolabel estimator with `transform`; got "
            f"{type(model).__name__}"
        )
    check_is_fitted(model)


def _from_folder(model: Any, run: Path, labels: Any) -> _Given:
    _refuse_others(model)
    file = run / EMBEDDINGS
    if not file.is_file():
        raise ArgumentError(f"data is missing: {run} holds a model but no {EMBEDDINGS}; give the samples as data=...")
    frame = pd.read_parquet(file)
    columns = [name for name in frame.columns if name[:1] == "z" and name[1:].isdigit()]
    codes = _finite(frame[columns].to_numpy(np.float32), str(file))
    note = f"Described by {file.name} alone; give data=... for ids and columns or words of the samples themselves."
    ids = frame["id"].tolist() if "id" in frame.columns else range(len(codes))
    given = None if labels is None else coded(labels, len(codes))
    classes = None if given is None else Classes(given.codes, given.classes)
    return _Given(
        codes, tuple(columns), ids, None, classes, lambda new: _finite(model.transform(new), "codes"), (note,)
    )


def _from_array(embedding: Any, data: Any, labels: Any) -> _Given:
    codes = _as_codes(embedding)
    framed = isinstance(embedding, pd.DataFrame)
    names = tuple(map(str, embedding.columns)) if framed else _numbered(codes.shape[1])

    def encode(new: Any) -> np.ndarray:
        found = _as_codes(new)
        if found.shape[1] != codes.shape[1]:
            raise DataError(
                f"new samples must have {codes.shape[1]} columns, as those that were clustered; got {found.shape[1]}"
            )
        return found.astype(codes.dtype)

    if data is None:
        given = None if labels is None else coded(labels, len(codes))
        classes = None if given is None else Classes(given.codes, given.classes)
        ids = embedding.index.tolist() if framed else range(len(codes))
        return _Given(codes, names, ids, None, classes, encode)
    opened = source.open(data, labels=labels)
    if len(opened) != len(codes):
        raise DataError(f"data holds {len(opened)} samples and embedding {len(codes)} rows; give the samples behind it")
    return _Given(codes, names, opened.ids, opened, _classes(opened), encode)


def _as_codes(given: Any) -> Float[np.ndarray, "N L"]:
    try:
        array = np.asarray(given.detach().cpu() if isinstance(given, torch.Tensor) else given)
        codes = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"embedding must be numbers (N, L): {error}") from error
    if codes.ndim != 2 or 0 in codes.shape:
        raise DataError(f"embedding must have shape (N, L), a row for each sample; got {codes.shape}")
    return _finite(codes, "embedding")


def _finite(codes: np.ndarray, what: str) -> Float[np.ndarray, "N L"]:
    wrong = ~np.isfinite(codes).all(axis=1)
    if wrong.any():
        raise DataError(
            f"{what}: {int(wrong.sum())} of {len(codes)} rows hold NaN or infinite values, the first is row "
            f"{int(wrong.argmax())}; fill them in or leave those samples out"
        )
    return codes


def _numbered(width: int) -> tuple[str, ...]:
    return tuple(f"z{number}" for number in range(width))


def _classes(data: Dataset) -> Classes | None:
    if data.labels is None:
        return None
    codes = np.asarray(data.labels, dtype=np.int64)
    return Classes(codes, data.classes or tuple(str(code) for code in range(int(codes.max(initial=-1)) + 1)))


def _refuse_hopeless(codes: np.ndarray, k: int | str, min_size: int | None) -> None:
    total = len(codes)
    if total < 2:
        raise DataError(f"found {total} sample; clusters need at least 2")
    if (codes == codes[0]).all():
        raise DataError(f"all {total} samples are the same: there is nothing to tell apart")
    _refuse_too_many(codes, k)
    if min_size is not None and min_size > total:
        raise ArgumentError(
            f"min_size={min_size} asks for clusters larger than all {total} samples; give a smaller one"
        )


def _refuse_too_many(codes: np.ndarray, k: int | str) -> None:
    if isinstance(k, str):
        return
    total, distinct = len(codes), len(np.unique(codes, axis=0))
    if k > distinct:
        those = f"{total} samples" if distinct == total else f"{distinct} different samples (of {total})"
        raise ArgumentError(f"k={k} asks for more clusters than there are {those}; give a smaller k")


# --- how many, and which ---------------------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class _Plan:
    """`value`: k, or hdbscan's fewest of the drawn samples in a cluster; `drawn`: those row numbers."""

    value: int
    drawn: Int[np.ndarray, "n"]
    curve: tuple[Candidate, ...] = ()
    notes: tuple[str, ...] = ()


def _planned(
    method: str, k: int | str, min_size: int | None, codes: np.ndarray, largest: int, most: int, seed: int
) -> _Plan:
    total = len(codes)
    drawn = some_rows(total, most, seed, 50)
    notes = _drawn_notes(method, len(drawn), total)
    if k != "auto":
        return _Plan(_within(int(k), method, drawn), drawn, notes=notes)
    if min_size is not None:
        size = _of_drawn(min_size, len(drawn), total)
        return _Plan(size, drawn, notes=(*notes, *_size_notes(min_size, size, len(drawn), total)))
    part = codes[some_rows(total, min(most, _TRIED), seed, 51)]
    points = choosing.curve(method, part, choosing.candidates(method, part, largest), seed)
    if not points:
        few = f"{total} samples are too few, or too much alike, to choose from: all are in one cluster."
        return _Plan(2 if method == "hdbscan" else 1, drawn, notes=(*notes, few))
    chosen = choosing.best(points)
    value = _of_drawn(chosen.value, len(drawn), len(part)) if method == "hdbscan" else chosen.value
    return _Plan(value, drawn, points, (*notes, *_tried_notes(method, len(part), total), *_weak(chosen)))


def _of_drawn(size: int, drawn: int, total: int) -> int:
    """The same share of the drawn samples as `size` is of all; fewer than 5 would find clusters in chance."""
    return max(min(size, _SMALLEST), round(size * drawn / total))


def _size_notes(asked: int, size: int, drawn: int, total: int) -> tuple[str, ...]:
    if size == asked:
        return ()
    return (f"min_size={asked} of {total:,} samples became {size} of the {drawn:,} that hdbscan looked at.",)


def _within(k: int, method: str, drawn: np.ndarray) -> int:
    if k > len(drawn):
        raise ArgumentError(
            f"k={k} asks {method} for more clusters than the {len(drawn)} samples that it looks at; raise max_samples"
        )
    return k


def _drawn_notes(method: str, drawn: int, total: int) -> tuple[str, ...]:
    if drawn == total or method in ("kmeans", "gmm"):
        return ()
    return (
        f"{method} looked at {drawn:,} of {total:,} samples, drawn at random; each other one is where the nearest of "
        "them is.",
    )


def _tried_notes(method: str, tried: int, total: int) -> tuple[str, ...]:
    what = "the smallest size of a cluster" if method == "hdbscan" else "the number of clusters"
    return () if tried == total else (f"{what.capitalize()} was chosen on {tried:,} of {total:,} samples.",)


def _weak(chosen: Candidate) -> tuple[str, ...]:
    if chosen.silhouette >= _WEAK_SILHOUETTE and chosen.stability >= _WEAK_STABILITY:
        return ()
    return (
        f"These clusters are weak: silhouette {chosen.silhouette:.2f}, stability {chosen.stability:.2f}; the samples "
        "may lie without gaps, and other numbers of clusters do as well.",
    )


def _found(method: str, plan: _Plan, codes: np.ndarray, seed: int) -> Groups:
    with quietly():
        if method == "kmeans":
            return Centres(codes, plan.drawn, plan.value, seed_of(seed, 52))
        if method == "gmm":
            return Mixture(codes, plan.drawn, plan.value, seed_of(seed, 53))
        if method == "agglomerative":
            return Tree(codes, plan.drawn, plan.value, seed_of(seed, 54))
        try:
            return Densities(codes, plan.drawn, plan.value)
        except ValueError:
            raise DataError(
                f"hdbscan found no cluster: with at least {plan.value} samples in each, all {len(plan.drawn):,} are "
                "noise. Give a smaller min_size, or use method='kmeans'"
            ) from None


def _fewer(method: str, plan: _Plan, count: int) -> tuple[str, ...]:
    if method == "hdbscan" or count == plan.value:
        return ()
    return (f"{plan.value} clusters were asked for; {plan.value - count} of them had no sample.",)


def _unsettled(groups: Groups) -> tuple[str, ...]:
    if not isinstance(groups, Mixture) or groups.settled:
        return ()
    return ("The mixture had not settled after 100 rounds of expectation maximisation.",)


# --- describing ------------------------------------------------------------------------------------------------------


def _described(given: _Given, scaled: np.ndarray, kept: np.ndarray, count: int, groups: Groups) -> tuple[Cluster, ...]:
    members = groups.members
    rows = medoids(scaled, kept, count, _MEDOIDS)
    traits = _traits(given, kept, count)
    total = len(scaled)
    described = []
    for number in range(count):
        inside = members.labels == number
        described.append(
            Cluster(
                number,
                int(inside.sum()),
                float(inside.sum() / total),
                int((inside & members.is_noise).sum()),
                float(members.confidence[inside].mean()),
                tuple(given.ids[int(row)] for row in rows[number]),
                traits[number],
                _class_shares(given.classes, inside),
            )
        )
    return tuple(described)


def _traits(given: _Given, kept: np.ndarray, count: int) -> list[tuple[Trait, ...]]:
    if given.data is not None:
        return describing.traits(given.data, kept, count, _WORDS if given.data.spec.modality == "text" else _TRAITS)
    moments = Moments(count, given.codes.shape[1])
    moments.add(kept, given.codes.astype(np.float64))
    return column_traits(moments, given.names, [Unit()] * len(given.names), _TRAITS)


def _class_shares(classes: Classes | None, inside: np.ndarray) -> dict[str, float]:
    if classes is None:
        return {}
    codes = classes.codes[inside & (classes.codes >= 0)]
    sizes = np.bincount(codes, minlength=len(classes.names))
    order = np.argsort(-sizes, kind="stable")
    return {classes.names[code]: float(sizes[code] / len(codes)) for code in order if sizes[code]}


def _agreement(classes: Classes | None, labels: np.ndarray) -> dict[str, float]:
    known = np.flatnonzero(classes.codes >= 0) if classes is not None else np.array([], dtype=np.int64)
    if classes is None or not len(known):
        return {}
    return {"NMI": nmi(classes.codes[known], labels[known]), "ARI": ari(classes.codes[known], labels[known])}
