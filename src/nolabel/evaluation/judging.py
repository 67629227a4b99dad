"""`nolabel.judge`: how good generated samples are, by a stated protocol, between a floor and a ceiling.

It draws the samples, opens the real ones (`references.py`), makes features of all (`sample_features.py`) and has them
measured (`sample_measures.py`). It alone knows estimators that sample.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted

from nolabel.data import clips, source
from nolabel.data.dataset import Dataset
from nolabel.errors import ArgumentError, DataError
from nolabel.evaluation.judgement import ClassShare, Judged, Judgement, Protocol
from nolabel.evaluation.labels import Classes
from nolabel.evaluation.references import Sides, classes_of, sides
from nolabel.evaluation.sample_features import Features, accuracy, features_from
from nolabel.evaluation.sample_measures import Balance, Found, Sets, balance, measured, no_better_than_noise
from nolabel.evaluation.splits import seed_of, some_rows
from nolabel.methods import _folder
from nolabel.methods._base import Estimator, Sampler
from nolabel.types import DataSpec

__all__ = ["Features", "Judged", "Judgement", "Protocol", "judge"]

_PIECE = 500  # samples drawn at a time: a generator of images holds many values for each
_FEWEST = 10  # real samples: fewer have no neighbourhoods to speak of
_MET_BEFORE = (
    "The reference is a half of the data: if the model was fitted to them, copies of it count as good. Give reference= "
    "samples that the model has not met."
)


def judge(
    model: Any,
    data: Any,
    *,
    features: Any = "auto",
    n: int = 10_000,
    reference: Any = "auto",
    labels: Any = None,
    random_state: int = 0,
) -> Judgement:
    """How good a model's samples are: FID, KID, precision, recall, density, coverage, authenticity, balance of classes.

    Beside each number stand the floor, which other real samples get in the samples' place, and the ceiling, which noise
    gets; and every form in which it is printed says by what protocol it was taken.

    Parameters
    ----------
    model
        A fitted estimator that can `sample`, or its folder; or samples that are made already, in any form that
        `nolabel.open` takes.
    data
        Anything that `nolabel.open` takes, or a `Dataset`: the real samples that the model was fitted to, by its own
        recipe.
    features
        In what samples are compared: "classifier", "ssl" (both trained here, on real samples that are not the
        reference), "values", "auto" (for images a classifier where labels are known, else "ssl"; for all else
        "values"), a fitted estimator that can `transform` or its folder, a module or function of network values
        (B, *shape) that gives (B, F), or `Judgement.features` of another judgement: models compare in the same
        features only.
    n
        Samples to judge, and real ones to hold against them; fewer where there are fewer.
    reference
        Real samples: "test" (the data's test split), "halves" (half of the data; the floor is the other half), a source
        of others, or "auto": "test" where the data are a named set that has one, else "halves".
    labels
        (N,) classes of `data`, -1 or NaN where unknown; or the name of a table's column. None takes those that they
        have.
    random_state
        Seed of samples, subsets, halves, noise and the training of features.

    Returns
    -------
    Judgement
        Rows with floor and ceiling, class shares, notes and the protocol.

    Raises
    ------
    ArgumentError
        The model does not sample, there is no test split, or another argument cannot be used.
    DataError
        Fewer than 10 samples on a side, samples of another kind than the data, or features that are not finite.
    """
    _check(n, random_state)
    n, random_state = int(n), int(random_state)
    subject = _subject(model)
    spec = subject.spec_ if isinstance(subject, Estimator) else None
    options = subject._later() if isinstance(subject, Estimator) else {}
    real = sides(data, reference, labels, spec=spec, options=options, random_state=random_state)
    drawn = _drawn(subject, real, n, random_state)
    by = features_from(features, real.others, random_state)
    sets = Sets(*(by(part) for part in (drawn.reference, drawn.samples, drawn.real, drawn.noise)))
    return _judgement(drawn, sets, by, random_state)


def _check(n: Any, random_state: Any) -> None:
    for name, number, least in (("n", n, _FEWEST), ("random_state", random_state, 0)):
        if not isinstance(number, int | np.integer) or isinstance(number, bool) or number < least:
            raise ArgumentError(f"{name} must be a whole number of at least {least}; got {number!r}")


def _subject(model: Any) -> Any:
    """The estimator that is meant, or the samples as they were given."""
    if isinstance(model, str | Path):
        folder = Path(model).expanduser()
        if any((folder / place).is_file() for place in ("model.json", "model/model.json")):
            model = _folder.load(folder)
    if isinstance(model, Estimator):
        if not isinstance(model, Sampler):
            raise ArgumentError(
                f"model must be able to `sample`, as VAE is; {type(model).__name__} is not. Samples of your own making "
                "can be given in its place"
            )
        check_is_fitted(model)
    return model


@final
@dataclass(frozen=True)
class _Drawn:
    """All that is compared, and what is to be said of it."""

    samples: Dataset
    reference: Dataset
    real: Dataset
    noise: Dataset
    samples_told: str
    sides: Sides
    notes: tuple[str, ...]


def _drawn(subject: Any, real: Sides, n: int, random_state: int) -> _Drawn:
    """As many of each as there can be, drawn by the seed."""
    spec = real.others.spec
    given = None if isinstance(subject, Estimator) else source.open(subject, spec=spec)
    available = {real.reference_told: len(real.reference), real.others_told: len(real.others)}
    if given is not None:
        available["the given samples"] = len(given)
    for name, count in available.items():
        if count < _FEWEST:
            raise DataError(f"judging needs {_FEWEST} samples or more on every side; {name}: {count}. Give more data")
    count = min(n, len(real.reference), n if given is None else len(given))
    others = _part(real.others, count, random_state, 13)
    samples = _sampled(subject, count, random_state, spec) if given is None else _part(given, count, random_state, 12)
    told = _told(subject) if given is None else f"given samples ({given.name or 'an array'})"
    return _Drawn(
        samples,
        _part(real.reference, count, random_state, 14),
        others,
        _noise(real.reference, count, random_state),
        f"{count:,} {told}",
        real,
        (*_small_counts(n, count, len(others)), *(_unseen(real, len(others)) if given is None else [])),
    )


def _small_counts(n: int, count: int, others: int) -> list[str]:
    notes = []
    if count < n:
        notes.append(f"{count:,} samples were judged, not n={n:,}: there are no more on some side.")
    if others < count:
        notes.append(f"The floor is that of {others:,} real samples, all there are; by FID it is the higher for it.")
    return notes


def _unseen(real: Sides, known: int) -> list[str]:
    """What the reference and the others cannot tell of a model that was fitted to the data."""
    notes = [_MET_BEFORE] if real.halved else []
    if known < len(real.others):
        notes.append(
            f"Authenticity goes by {known:,} of {len(real.others):,} samples: copies of the others are taken for new."
        )
    return notes


def _part(data: Dataset, count: int, random_state: int, purpose: int) -> Dataset:
    rows = some_rows(len(data), count, random_state, purpose)
    return data if len(rows) == len(data) else data.subset(rows)


def _sampled(model: Any, count: int, random_state: int, spec: DataSpec) -> Dataset:
    """Samples in the user's form, as they would be saved, opened again by the model's recipe."""
    parts = [
        model.sample(min(_PIECE, count - start), random_state=seed_of(random_state, 15, start))
        for start in range(0, count, _PIECE)
    ]
    whole = pd.concat(parts, ignore_index=True) if isinstance(parts[0], pd.DataFrame) else np.concatenate(parts)
    return source.open(whole, spec=spec, **model._later())


def _told(model: Any) -> str:
    return f"samples of {type(model).__name__} ({len(model.history_)} epochs, seed {model.seed_})"


def _noise(like: Dataset, count: int, random_state: int) -> Dataset:
    """Network values drawn evenly from the range of each: [0, 1] where values are such, else that of real ones."""
    generator = torch.Generator().manual_seed(seed_of(random_state, 16))
    values = torch.rand((count, *like.spec.shape), generator=generator)
    if like.spec.values != "unit":
        low, high = _range(like)
        values = low + (high - low) * values
    return Dataset(like.spec, values, range(count), name="noise")


def _range(data: Dataset) -> tuple[torch.Tensor, torch.Tensor]:
    parts = [batch.x for batch in data.as_dense().batches()]
    low = torch.stack([part.amin(0) for part in parts]).amin(0)
    return low, torch.stack([part.amax(0) for part in parts]).amax(0)


def _judgement(drawn: _Drawn, sets: Sets, by: Features, random_state: int) -> Judgement:
    rows, refused = measured(sets, random_state)
    balanced = _balanced(drawn, sets)
    protocol = _protocol(drawn, sets, by, random_state)
    found = [*rows, *([balanced.found] if balanced is not None else [])]
    judged = tuple(_judged(row, protocol) for row in found)
    shares = () if balanced is None else tuple(_shares(balanced))
    return Judgement(judged, shares, (*refused, *drawn.notes, *no_better_than_noise(rows)), protocol, by)


def _balanced(drawn: _Drawn, sets: Sets) -> Balance | None:
    if drawn.real.labels is None:
        return None
    names = drawn.real.classes or tuple(map(str, range(int(drawn.real.labels.max()) + 1)))
    real = Classes(np.asarray(drawn.real.labels, dtype=np.int64), names)
    return balance(sets, real, classes_of(drawn.reference, names))


def _shares(balanced: Balance) -> list[ClassShare]:
    columns = zip(balanced.names, balanced.samples.tolist(), balanced.reference.tolist())
    return [ClassShare(name, own, reference) for name, own, reference in columns]


def _judged(row: Found, protocol: Protocol) -> Judged:
    value, floor, ceiling = row.values
    assert value is not None
    return Judged(row.measure, value, row.sd, floor, ceiling, row.higher_is_better, row.how, protocol)


def _protocol(drawn: _Drawn, sets: Sets, by: Features, random_state: int) -> Protocol:
    real, spec = drawn.sides, drawn.reference.spec
    right = accuracy(by, drawn.reference)
    told = f"{sets.reference.shape[1]:,}, {by.told}"
    even = "[0, 1]" if spec.values == "unit" else "the range of each value"
    return Protocol(
        samples=drawn.samples_told,
        reference=f"{len(drawn.reference):,} of {len(real.reference):,} samples of {real.reference_told}",
        floor=f"{len(drawn.real):,} of {len(real.others):,} samples of {real.others_told}",
        ceiling=f"{len(drawn.noise):,} samples of noise, even over {even}",
        features=told if right is None else f"{told}, {right:.2%} right on the reference",
        sizes=_sizes(spec),
        seed=random_state,
    )


def _sizes(spec: DataSpec) -> str:
    if spec.modality not in ("image", "video"):
        return f"{spec.width:,} values a sample, scaled by the recipe of the data"
    rule = (
        "files cut at the centre and shrunk by Pillow's bicubic with antialiasing"
        if spec.recipe.get("source") == "files"
        else "as they came, not resized"
    )
    if spec.modality == "video":
        return f"{clips.size(spec.shape)}, {rule}"
    channels, height, width = spec.shape
    return f"{height} x {width} pixels, {channels} channel{'s' if channels > 1 else ''}, {rule}"
