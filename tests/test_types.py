"""The types that every room shares."""

import dataclasses
import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nolabel.types import Batch, DataSpec, Losses, to_network

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    shape=st.lists(st.integers(1, 50), min_size=1, max_size=3).map(tuple),
    modality=st.sampled_from(["image", "table"]),
    values=st.sampled_from(["unit", "real"]),
    recipe=st.dictionaries(st.text(max_size=5), plain, max_size=4),
)
def test_a_spec_survives_its_json(
    shape: tuple[int, ...], modality: str, values: str, recipe: dict[str, object]
) -> None:
    spec = DataSpec(modality, shape, values, recipe)  # type: ignore[arg-type]
    assert DataSpec.from_json(spec.to_json()) == spec
    json.loads(spec.to_json())


@pytest.mark.parametrize(("shape", "width"), [((7,), 7), ((3, 28, 28), 2352), ((1, 17, 9), 153), ((1,), 1)])
def test_width_is_the_number_of_values(shape: tuple[int, ...], width: int) -> None:
    assert DataSpec("image", shape, "unit").width == width


def test_a_spec_is_a_value() -> None:
    spec = DataSpec("table", (3,), "real")
    assert spec == DataSpec("table", (3,), "real", {})
    assert spec != DataSpec("table", (3,), "unit")
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.shape = (4,)  # type: ignore[misc]


def test_the_objective_is_the_sum_of_the_parts_and_of_nothing_else() -> None:
    a, b = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    losses = Losses({"a": a, "b": 2 * b}, {"signal": torch.tensor(1e9)})
    losses.total.backward()
    assert losses.total.item() == 8
    assert a.grad is not None
    assert b.grad is not None
    assert (a.grad.item(), b.grad.item()) == (1, 2)
    assert Losses({"a": a}).total is a


def test_a_batch_is_as_long_as_its_samples() -> None:
    batch = Batch(torch.zeros(5, 2), torch.arange(5))
    assert len(batch) == 5
    assert batch.y is None
    assert batch.mask is None


def test_the_road_to_network_values() -> None:
    pixels = torch.arange(256, dtype=torch.uint8)
    values = to_network(pixels)
    assert values.dtype == torch.float32
    torch.testing.assert_close(values, torch.arange(256) / 255)
    assert (values[0].item(), values[-1].item()) == (0, 1)
    assert torch.equal((values * 255).round().to(torch.uint8), pixels)
    assert pixels[255] == 255  # left as it was
    for dtype in (torch.float64, torch.float16, torch.float32):
        assert to_network(torch.tensor([1.5], dtype=dtype)).dtype == torch.float32
