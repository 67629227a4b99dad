import base64
import io

import numpy as np
import pytest
from PIL import Image

from nolabel.report.images import data_uri, sheet, shrink, strip


def opened(uri: str) -> Image.Image:
    kind, _, content = uri.partition(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(content)))
    assert kind == f"data:image/{str(image.format).lower()}"
    return image


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3), (5, 9), (1, 1)])
def test_a_small_picture_keeps_every_pixel(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(opened(data_uri(pixels))), pixels)


def test_a_large_picture_is_made_smaller_in_proportion() -> None:
    assert opened(data_uri(np.zeros((400, 200, 3), np.uint8), longest=100)).size == (50, 100)


@pytest.mark.parametrize("count", [1, 3, 8, 50, 101])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_each_thumbnail_is_where_the_sheet_says(count: int, channels: tuple[int, ...]) -> None:
    thumbnails = np.random.default_rng(0).integers(0, 256, (count, 4, 6, *channels), dtype=np.uint8)
    made = sheet(thumbnails)
    whole = np.asarray(opened(made.uri))
    for place in (0, count // 2, count - 1):
        top, left = place // made.columns * made.height, place % made.columns * made.width
        np.testing.assert_array_equal(whole[top : top + made.height, left : left + made.width], thumbnails[place])


def test_a_sheet_keeps_to_its_budget_by_losing_detail_first_and_size_last() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 24, 24, 3), dtype=np.uint8)
    lossless = len(sheet(noise, budget=10**9).uri)
    sizes = {}
    for budget in (lossless, lossless // 3, lossless // 40):
        made = sheet(noise, budget)
        assert len(made.uri) <= budget
        sizes[budget] = (str(opened(made.uri).format), made.width)
    formats, widths = zip(*sizes.values())
    assert formats == ("PNG", "JPEG", "JPEG")
    assert widths[:2] == (24, 24)
    assert widths[2] < 24


def test_a_budget_that_nothing_fits_still_ends() -> None:
    assert sheet(np.full((9, 8, 8), 7, np.uint8), budget=1).width == 4


def test_a_strip_has_its_pictures_apart() -> None:
    image = opened(strip(np.full((3, 5, 4), 200, np.uint8), gap=2))
    assert image.size == (3 * 4 + 2 * 2, 5)
    alpha = np.asarray(image)[0, :, 3]
    assert alpha.tolist() == [255] * 4 + [0] * 2 + [255] * 4 + [0] * 2 + [255] * 4


def test_shrinking_what_fits_changes_nothing() -> None:
    pixels = np.zeros((2, 8, 8), np.uint8)
    assert shrink(pixels, 8) is pixels
    assert shrink(pixels, 3).shape == (2, 3, 3)
