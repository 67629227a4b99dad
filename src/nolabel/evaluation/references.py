"""The real samples that generated ones are judged by: a reference, and others like it, which show what perfection gets.

    reference="test"      the test split of the data; the others are the data themselves
    reference="halves"    one half of the data, drawn at random; the others are the other half
    reference=SOURCE      any samples of the same kind; the others are the data
    reference="auto"      "test" where the data are a named set that has one, else "halves"

It knows no model and no measure. Whether reference and data share samples, it cannot know where both are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from nolabel.data import source
from nolabel.data.dataset import Dataset
from nolabel.data.named import NAMES, split_name
from nolabel.errors import ArgumentError
from nolabel.evaluation.labels import Classes
from nolabel.evaluation.splits import seed_of
from nolabel.types import DataSpec


@final
@dataclass(frozen=True)
class Sides:
    """Real samples: the `reference`, the `others`, what each is called, and whether both are parts of the data."""

    reference: Dataset
    others: Dataset
    reference_told: str
    others_told: str
    halved: bool = False


def sides(
    data: Any, reference: Any, labels: Any, *, spec: DataSpec | None, options: Mapping[str, Any], random_state: int
) -> Sides:
    """The two sides, all by one recipe.

    Parameters
    ----------
    data
        Anything that `nolabel.open` takes, or a `Dataset`.
    reference
        "auto", "test", "halves", or a source of real samples.
    labels
        Of `data`, as `nolabel.open` takes them.
    spec
        The recipe; None to learn it from `data`.
    options
        Other options of `nolabel.open`.
    random_state
        Seed of the halves.

    Raises
    ------
    ArgumentError
        There is no test split.
    DataError
        Samples of another kind than the spec's, or too few to be halved.
    """
    opened = source.open(data, spec=spec, labels=labels, **options)
    wanted = reference
    if isinstance(reference, str) and reference == "auto":
        wanted = "halves" if _named_with_test(data) is None else "test"
    if isinstance(wanted, str) and wanted == "halves":
        return _halves(opened, random_state)
    if isinstance(wanted, str) and wanted == "test":
        test = _test_split(data, opened.spec, options)
        return Sides(test, opened, f"the test split of {_called(opened)}", _called(opened))
    given = source.open(wanted, spec=opened.spec, **options)
    return Sides(given, opened, _called(given), _called(opened))


def _named_with_test(data: Any) -> str | None:
    """The name of a set with a test split, if the data are one and not that split."""
    name = data.name if isinstance(data, Dataset) else data
    if not isinstance(name, str):
        return None
    known, split = split_name(name)
    return known if split in (None, "train") and known in NAMES and "test" in NAMES[known].samples else None


def _test_split(data: Any, spec: DataSpec, options: Mapping[str, Any]) -> Dataset:
    named = _named_with_test(data)
    if named is None and not isinstance(data, str):
        raise ArgumentError(
            "reference='test' needs data with a test split: the name of a data set, or a source that has one. Give the "
            "test samples themselves as reference, or say reference='halves'"
        )
    return source.open(data if named is None else named, split="test", spec=spec, **options)


def _halves(data: Dataset, random_state: int) -> Sides:
    order = np.random.default_rng(seed_of(random_state, 11)).permutation(len(data))
    first, second = np.sort(order[: len(data) // 2]), np.sort(order[len(data) // 2 :])
    name = _called(data)
    told = f"one half of {name}", f"the other half of {name}"
    return Sides(data.subset(first), data.subset(second), *told, halved=True)


def _called(data: Dataset) -> str:
    return data.name or f"the given {data.spec.modality} data"


def classes_of(data: Dataset, names: tuple[str, ...]) -> Classes:
    """The class of each sample, by codes that stand for `names`; -1 where unknown or not among them."""
    code_of = {name: code for code, name in enumerate(names)}
    own = np.array([*(code_of.get(name, -1) for name in data.classes), -1], dtype=np.int64)  # the last is of code -1
    given = np.full(len(data), -1) if data.labels is None else np.asarray(data.labels)
    return Classes(own[given], names)
