"""The pages train what the contract trains, only for longer: no shapes are looked at."""

from collections.abc import Iterator

import pytest

from contract.checks.shapes import shapes_unchecked


@pytest.fixture(autouse=True)
def _no_shapes() -> Iterator[None]:
    with shapes_unchecked():
        yield
