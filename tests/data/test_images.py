"""Images in arrays: layouts, dtypes, what is refused, and the way back."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nolabel.data.source import open as open_source
from nolabel.data.source import restore
from nolabel.errors import ArgumentError, DataError, ModalityError
from nolabel.types import DataSpec, to_network

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (6, 5, 4), dtype=np.uint8)
GREY[0, 0, :2] = 0, 255
COLOUR = RNG.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("array", "layout", "shape"),
    [
        (GREY, "HW", (1, 5, 4)),
        (COLOUR, "HWC", (3, 5, 4)),
        (COLOUR.transpose(0, 3, 1, 2), "CHW", (3, 5, 4)),
        (GREY[..., None], "HWC", (1, 5, 4)),
        (GREY[:, None], "CHW", (1, 5, 4)),
    ],
)
def test_layouts_are_told_from_the_shape_and_come_back(array: Any, layout: str, shape: tuple[int, ...]) -> None:
    data = open_source(array)
    assert (data.spec.shape, data.spec.recipe["layout"]) == (shape, layout)
    back = restore(data.spec, to_network(data.store))
    assert back.dtype == np.uint8
    assert np.array_equal(back, array)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "bool", "float32", "float64", "float16"])
def test_dtypes_come_back(dtype: str) -> None:
    array = (GREY > 127) if dtype == "bool" else GREY.astype(dtype)
    if dtype == "uint16":
        array = array * np.uint16(257) + np.uint16(3) * (array < 255)
    if dtype.startswith("float"):
        array = (GREY / 255).astype(dtype)
    data = open_source(array)
    assert data.spec.values == "unit"
    network = to_network(data.store)
    assert network.dtype == torch.float32
    assert 0 <= network.min() <= network.max() <= 1
    back = restore(data.spec, network)
    assert back.dtype == ("float32" if dtype.startswith("float") else dtype)
    assert np.allclose(back, array, atol=0 if dtype in ("uint8", "uint16", "bool") else 1e-6)


@settings(max_examples=30, deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(*[st.integers(1, 5)] * 3)))
def test_any_grey_images_survive_the_way_to_the_network_and_back(array: Any) -> None:
    data = open_source(array)
    assert np.array_equal(restore(data.spec, to_network(data.store)), array)


def test_restored_values_are_clipped_and_rounded() -> None:
    spec = open_source(GREY).spec
    values = torch.tensor([-1.0, 0.4999 / 255, 0.5001 / 255, 2.0]).reshape(4, 1, 1, 1).expand(4, 1, 5, 4)
    assert restore(spec, values)[:, 0, 0].tolist() == [0, 0, 1, 255]


def test_a_spec_survives_json() -> None:
    spec = open_source(COLOUR).spec
    assert DataSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (GREY.astype(np.float64), r"min 0, max 255: divide by 255 \(or pass X.astype\('uint8'\)"),
        (GREY / 16.0 * 0.9, r"max 14\.3438: divide by the largest value"),
        (GREY / 127.5 - 1, r"min -1, max 1: pass \(X \+ 1\) / 2"),
        (GREY.astype(np.int64), "dtype int64 have no stated range"),
        (GREY.astype(np.float32) * 1000, "divide by the largest value"),
        (np.zeros((6, 5, 4, 4)), r"1 or 3 channels.*drop alpha with X\[\.\.\., :3\]"),
        (np.zeros((6, 4, 9, 9)), r"drop alpha with X\[:, :3\]"),
        (np.zeros((6, 5, 4, 7)), r"1 or 3 channels, as \(N, H, W, C\)"),
        (np.zeros((40, 50, 3)), r"looks like one colour image.*image\[None\]"),
    ],
)
def test_what_has_no_meaning_is_refused_with_the_fix(array: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        open_source(array)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_name_their_rows(bad: float) -> None:
    array = GREY / 255
    array[2, 1, 1] = array[5, 0, 0] = bad
    with pytest.raises(DataError, match=r"found in 2 of 6 samples, row 2, 5"):
        open_source(array)


def test_a_hair_outside_the_unit_interval_is_clipped() -> None:
    array = (GREY / 255).astype(np.float32)
    array[0, 0, 0] = 1 + 5e-7
    data = open_source(array)
    assert data.store.max() == 1
    assert array.max() > 1  # the user's own is left alone


def test_new_images_in_another_layout_and_dtype_fit_the_spec() -> None:
    spec = open_source(COLOUR).spec
    for same in (COLOUR.transpose(0, 3, 1, 2), COLOUR / 255, torch.from_numpy(COLOUR)):
        data = open_source(same, spec=spec)
        assert data.spec == spec
        assert torch.allclose(to_network(data.store), to_network(open_source(COLOUR).store), atol=1e-6)


def test_a_shape_that_could_be_both_is_what_the_model_knows() -> None:
    array = np.zeros((2, 3, 8, 3), np.uint8)
    assert open_source(array).spec.shape == (3, 3, 8)
    first = open_source(torch.from_numpy(array)).spec
    assert first.shape == (3, 8, 3)
    assert open_source(array, spec=first).spec == first


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (COLOUR, r"fitted to images of 1 channel, 5 x 4 pixels; got 3 channels, 5 x 4 pixels: make them grey"),
        (GREY[:, :4], r"got 1 channel, 4 x 4 pixels: resize them to 5 x 4"),
    ],
)
def test_images_that_do_not_fit_the_model(array: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        open_source(array, spec=open_source(GREY).spec)


def test_tables_and_images_are_not_mixed_up() -> None:
    flat = GREY.reshape(6, 20).astype(float)
    with pytest.raises(ModalityError, match=r"reshape the flat rows: X\.reshape\(-1, 1, 5, 4\)"):
        open_source(flat, spec=open_source(GREY).spec)
    with pytest.raises(ModalityError, match=r"table with 20 columns; .*: flatten the images"):
        open_source(GREY, spec=open_source(flat).spec)
    with pytest.raises(ModalityError, match=r"pass a table with the columns"):
        open_source(COLOUR, spec=open_source(flat).spec)


def test_arrays_are_not_resized() -> None:
    assert open_source(GREY, size=(5, 4), channels=1).spec.shape == (1, 5, 4)
    with pytest.raises(ArgumentError, match="size is for image files; this array holds 5 x 4 pixels"):
        open_source(GREY, size=8)
    with pytest.raises(ArgumentError, match="channels is for image files; this array has 1"):
        open_source(GREY, channels=3)


@pytest.mark.parametrize("shape", [(5, 3, 3, 3), (5, 1, 1, 1), (5, 3, 7, 3), (5, 1, 4, 3), (5, 3, 4, 1)])
def test_an_array_of_either_layout_has_its_channels_last_and_a_tensor_first(shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    for source, planes in ((array, array.transpose(0, 3, 1, 2)), (torch.from_numpy(array), array)):
        data = open_source(source)
        assert np.array_equal(data.store, planes)
        assert np.array_equal(restore(data.spec, to_network(data.store)), array)
        assert np.array_equal(open_source(source, spec=data.spec).store, planes)


def test_the_message_says_how_a_shape_was_understood() -> None:
    spec = open_source(np.zeros((2, 8, 8, 3), np.uint8)).spec
    with pytest.raises(DataError, match=r"Shape \(2, 3, 5, 3\) may be .* last for an array, first for a tensor"):
        open_source(np.zeros((2, 3, 5, 3), np.uint8), spec=spec)
    with pytest.raises(DataError, match=r"if both could be, the channels are last in an array and first in a tensor"):
        open_source(np.zeros((2, 5, 5, 2), np.uint8))
