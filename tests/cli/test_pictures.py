"""Images of every layout and dtype become eight-bit pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nolabel.cli import pictures
from nolabel.types import DataSpec

PIXELS = np.arange(2 * 3 * 4 * 3).reshape(2, 3, 4, 3).astype(np.uint8) * 3


def _spec(layout: str, shape: tuple[int, ...]) -> DataSpec:
    return DataSpec("image", shape, "unit", {"layout": layout, "dtype": "uint8"})


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_dtypes(dtype: str) -> None:
    scale = {"uint8": 1, "uint16": 257, "float32": 1 / 255}[dtype]
    images = (PIXELS * np.float64(scale)).astype(dtype)
    np.testing.assert_array_equal(pictures.pixels(images, _spec("HWC", (3, 3, 4))), PIXELS)


def test_truths() -> None:
    found = pictures.pixels(np.array([[[True, False]]]), _spec("HW", (1, 1, 2)))
    assert found.tolist() == [[[255, 0]]]


def test_layouts() -> None:
    np.testing.assert_array_equal(pictures.pixels(PIXELS.transpose(0, 3, 1, 2), _spec("CHW", (3, 3, 4))), PIXELS)
    grey = PIXELS[..., :1]
    np.testing.assert_array_equal(pictures.pixels(grey.transpose(0, 3, 1, 2), _spec("CHW", (1, 3, 4))), grey[..., 0])
    np.testing.assert_array_equal(pictures.pixels(grey, _spec("HWC", (1, 3, 4))), grey[..., 0])


def test_values_outside_are_clipped() -> None:
    found = pictures.pixels(np.array([[[-0.5, 1.5]]], dtype=np.float32), _spec("HW", (1, 1, 2)))
    assert found.tolist() == [[[0, 255]]]


@pytest.mark.parametrize("shape", [(5, 3, 4), (5, 3, 4, 3)])
def test_a_sheet_holds_every_picture_once(shape: tuple[int, ...]) -> None:
    numbered = np.broadcast_to(np.arange(1, 6).reshape(5, *[1] * (len(shape) - 1)), shape).astype(np.uint8)
    sheet = pictures.sheet(numbered)
    assert sheet.shape == (2 * 48 + 2, 3 * 64 + 2 * 2, *shape[3:]), "16 times as large"
    per_picture = 16**2 * np.prod(shape[1:])
    assert {value: int((sheet == value).sum()) for value in range(1, 6)} == dict.fromkeys(range(1, 6), per_picture)


@pytest.mark.parametrize(
    ("count", "side", "sheet_side"), [(4, 28, 114), (4, 64, 130), (4, 200, 402), (1024, 28, 1854), (10_000, 8, 1798)]
)
def test_small_pictures_are_enlarged_while_the_sheet_stays_small(count: int, side: int, sheet_side: int) -> None:
    sheet = pictures.sheet(np.zeros((count, side, side), np.uint8))
    assert sheet.shape == (sheet_side, sheet_side)


def test_png(tmp_path: Path) -> None:
    pictures.write_png(tmp_path / "x.png", PIXELS[0])
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "x.png")), PIXELS[0])
