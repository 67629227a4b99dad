"""The role `Corrupt`: it picks the corruption, knows what black and white are, and refuses nonsense in words."""

from collections.abc import Iterator

import jaxtyping
import pytest
import torch

from nolabel.errors import ArgumentError
from nolabel.randomness import Draws
from nolabel.types import DataSpec
from nolabel.views.roles import Corrupt

image = DataSpec("image", (1, 8, 8), "unit")
table = DataSpec("table", (6,), "real")
x = torch.full((50, 1, 8, 8), 0.4)


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Without the checker of types, which only tests have and which would speak first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.parametrize("noise", ["gaussian", "masking", "salt_and_pepper", "blocks"])
def test_every_kind_keeps_the_shape_and_does_its_own_thing(noise: str) -> None:
    seen = Corrupt(noise, 0.3, image)(x, Draws(1))
    assert seen.shape == x.shape
    changed = set(seen[seen != x].tolist())
    expected = {"masking": {0.0}, "salt_and_pepper": {0.0, 1.0}, "blocks": {0.0}}.get(noise)
    assert changed == expected if expected else len(changed) > 1000


def test_salt_and_pepper_of_a_standardised_table_are_two_deviations() -> None:
    seen = Corrupt("salt_and_pepper", 0.5, table)(torch.zeros(99, 6), Draws(1))
    assert set(seen.unique().tolist()) == {-2.0, 0.0, 2.0}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("noise", "amount", "spec", "says"),
    [
        ("gausian", 0.1, image, r"noise must be one of .* got 'gausian'; did you mean 'gaussian'\?"),
        ("blocks", 0.1, table, "noise='blocks' erases parts of images; use 'masking' for tables"),
        ("masking", -0.1, image, "amount must be a number at least 0 and at most 1; got -0.1"),
        ("masking", 1.1, image, "amount must be a number at least 0 and at most 1; got 1.1"),
        ("gaussian", -1.0, image, "amount must be a number at least 0; got -1.0"),
        ("gaussian", float("nan"), image, "amount must be a number at least 0; got nan"),
        ("gaussian", float("inf"), image, "amount must be a number at least 0; got inf"),
        ("masking", "0.1", image, "amount must be a number at least 0 and at most 1; got '0.1'"),
        ("masking", None, image, "amount must be a number at least 0 and at most 1; got None"),
        ("masking", True, image, "amount must be a number at least 0 and at most 1; got True"),
    ],
)
def test_nonsense_is_refused(noise: str, amount: object, spec: DataSpec, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        Corrupt(noise, amount, spec)
