"""The contract runs over every method that is found, on a table and on images; on counts of words if it reads texts."""

import copy
import functools
from collections.abc import Iterator
from typing import Any

import pytest

from contract.checks import samples as made
from contract.checks.samples import Samples, fitted
from contract.checks.shapes import shapes_unchecked
from nolabel.methods import all_methods
from nolabel.methods._base import Estimator


@pytest.fixture(params=all_methods().values(), ids=lambda cls: cls.__name__)
def method(request: pytest.FixtureRequest) -> type[Estimator]:
    return request.param  # type: ignore[no-any-return]


@functools.cache
def _samples(kind: str) -> Samples:
    return made.MAKERS[kind]()


@functools.cache
def _fitted(method: type[Estimator], kind: str) -> Any:
    return fitted(method, _samples(kind))


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Samples:
    """Samples in rows and columns: a table, or counts of words."""
    needs = "method" in request.fixturenames
    return _samples(made.kinds(request.getfixturevalue("method"))[0] if needs else "table")


@pytest.fixture(params=["table", "images"])
def samples(request: pytest.FixtureRequest, method: type[Estimator]) -> Samples:
    kinds = made.kinds(method)
    if request.param in kinds:
        return _samples(request.param)
    if request.param == "images":
        pytest.skip(f"{method.__name__} is tried on {kinds[0]}")
    return _samples(kinds[0])


@pytest.fixture
def model(method: type[Estimator], samples: Samples) -> Any:
    """A tiny model fitted to `samples`, for this test alone."""
    return copy.deepcopy(_fitted(method, samples.kind))


@pytest.fixture
def no_shapes() -> Iterator[None]:
    """For tests that train what is trained for `model` too, where shapes are looked at."""
    with shapes_unchecked():
        yield
