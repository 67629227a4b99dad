"""Views of images: the stated distributions, any shape, the same bits, and compiled loops that equal torch's."""

import math
from collections.abc import Iterator
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from nolabel.errors import ArgumentError
from nolabel.randomness import Draws
from nolabel.views import colour, geometry, image_kernels, tones
from nolabel.views.images import ImageViews

PLAIN: dict[str, Any] = {"crop": None, "flip": 0.0, "jitter": 0.0, "grey": 0.0}
EVERYTHING: dict[str, Any] = {
    "flop": 0.3, "blur": 0.5, "posterize": 0.5, "solarize": 0.5, "noise": 0.1, "erase": 0.5,
}  # fmt: skip
MANY = 4000


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def in_bounds(hits: int, trials: int, rate: float) -> bool:
    """Whether a count is one that a coin of this rate would give in all but one of 10,000 experiments."""
    low, high = stats.binom.interval(0.9999, trials, rate)
    return bool(low <= hits <= high)


def changed(views: ImageViews, x: Tensor) -> Tensor:
    """Which samples are not what they were."""
    return (views(x, Draws(1)) != x).flatten(1).any(1)


# --- distributions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("name", ["flip", "flop", "jitter", "grey", "blur", "posterize", "solarize", "erase"])
def test_a_change_comes_as_often_as_was_asked(name: str, rate: float) -> None:
    x = noise(MANY, 3, 6, 6)
    assert in_bounds(int(changed(ImageViews(**{**PLAIN, "sigma": (1.0, 2.0), name: rate}), x).sum()), MANY, rate)


def test_changes_come_independently() -> None:
    x = noise(MANY, 3, 6, 5)
    both = ImageViews(**{**PLAIN, "flip": 0.5, "flop": 0.5})(x, Draws(1))
    for flipped in (x, x.flip(3), x.flip(2), x.flip(2, 3)):
        assert in_bounds(int((both == flipped).flatten(1).all(1).sum()), MANY, 0.25)


def test_boxes_have_the_stated_areas_ratios_and_places() -> None:
    """Of a large image, where hardly a proposal has to be refused."""
    u = noise(MANY, geometry.BOX_DRAWS)
    top, left, height, width = geometry.draw_boxes(u, (4000, 4000), (0.1, 0.5), (0.5, 2.0)).unbind(1)
    area = height * width / 4000**2
    assert stats.kstest(area, stats.uniform(0.1, 0.4).cdf).pvalue > 1e-3
    assert stats.kstest((width / height).log(), stats.uniform(-math.log(2), 2 * math.log(2)).cdf).pvalue > 1e-3
    assert stats.kstest(top / (4000 - height), "uniform").pvalue > 1e-3
    assert stats.kstest(left / (4000 - width), "uniform").pvalue > 1e-3


def test_places_of_small_boxes_are_even() -> None:
    boxes = geometry.draw_boxes(noise(MANY, geometry.BOX_DRAWS), (6, 6), (9 / 36, 9 / 36), (1.0, 1.0))
    assert set(boxes[:, 2:].flatten().tolist()) == {3.0}
    for start in boxes[:, :2].unbind(1):
        counts = torch.bincount(start.long(), minlength=4)
        assert stats.chisquare(counts).pvalue > 1e-3


@given(
    st.integers(1, 40), st.integers(1, 40), st.floats(0.01, 1), st.floats(0.01, 1), st.floats(0.1, 10), st.integers(0, 99)
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_boxes_lie_in_the_image(height: int, width: int, a: float, b: float, ratio: float, seed: int) -> None:
    u = torch.rand(30, geometry.BOX_DRAWS, generator=torch.Generator().manual_seed(seed))
    boxes = geometry.draw_boxes(u, (height, width), (min(a, b), max(a, b)), (ratio, ratio * 1.5))
    top, left, h, w = boxes.unbind(1)
    assert (boxes == boxes.round()).all()
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (h >= 1).all()
    assert (w >= 1).all()
    assert (top + h <= height).all()
    assert (left + w <= width).all()


def test_the_largest_box_in_the_middle_is_taken_when_nothing_fits() -> None:
    boxes = geometry.draw_boxes(noise(50, geometry.BOX_DRAWS), (10, 100), (1.0, 1.0), (3 / 4, 4 / 3))
    assert boxes.unique(dim=0).tolist() == [[0.0, 43.0, 10.0, 13.0]]


def test_factors_are_uniform_in_their_ranges_and_the_order_is_any() -> None:
    views = ImageViews(jitter=0.75, brightness=0.3, contrast=(0.5, 2.0), saturation=2.0, hue=(0.0, 0.2))
    u = noise(MANY, 4)
    chosen = torch.arange(MANY) % 4 > 0
    factors = views._factors(u, chosen)
    ranges = ((0.7, 0.6), (0.5, 1.5), (0.0, 3.0), (0.0, 0.2))  # beginning and length
    for drawn, (low, length) in zip(factors[chosen].unbind(1), ranges):
        assert stats.kstest(drawn, stats.uniform(low, length).cdf).pvalue > 1e-3
    assert factors[~chosen].unique(dim=0).tolist() == [[1.0, 1.0, 1.0, 0.0]]


def test_angles_are_uniform_to_either_side() -> None:
    """The centre of mass of a spot beside the middle tells the angle; up and down counts from the top."""
    x = torch.zeros(400, 1, 33, 33)
    x[:, :, 16, 26] = 1
    seen = ImageViews(**{**PLAIN, "rotate": 60.0})(x, Draws(1))[:, 0]
    y, across = torch.meshgrid(torch.arange(33.0) - 16, torch.arange(33.0) - 16, indexing="ij")
    angle = torch.rad2deg(torch.atan2(-(seen * y).sum((1, 2)), (seen * across).sum((1, 2))))
    assert stats.kstest(angle / 60, stats.uniform(-1, 2).cdf).pvalue > 1e-3


def test_noise_has_the_stated_deviation_and_stays_in_bounds() -> None:
    x = torch.full((20, 3, 20, 20), 0.5)
    seen = ImageViews(**{**PLAIN, "noise": 0.05})(x, Draws(1))
    assert (seen - 0.5).std().item() == pytest.approx(0.05, rel=0.02)
    assert ImageViews(**{**PLAIN, "noise": 5.0})(x, Draws(1)).unique().numel() > 2
    assert ImageViews(**{**PLAIN, "noise": 5.0})(x, Draws(1)).min() >= 0


def test_erased_areas_are_as_stated() -> None:
    boxes, found = tones.draw_erased(noise(MANY, 22), (2000, 2000), (0.1, 0.3), (0.3, 3.3))
    assert found.all()
    assert stats.kstest(boxes[:, 2] * boxes[:, 3] / 2000**2, stats.uniform(0.1, 0.2).cdf).pvalue > 1e-3


# --- shapes, bits, processes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rotate", [0.0, 30.0])
@pytest.mark.parametrize(
    ("shape", "size"),
    [((1, 3, 32, 32), None), ((5, 1, 28, 28), 8), ((3, 4, 9, 31), (40, 2)), ((4, 3, 1, 1), None), ((2, 2, 70, 3), 5)],
)
def test_any_size_and_number_of_channels(shape: tuple[int, ...], size: Any, rotate: float) -> None:
    seen = ImageViews(**EVERYTHING, size=size, rotate=rotate)(noise(*shape), Draws(1))
    height, width = shape[2:] if size is None else (size, size) if isinstance(size, int) else size
    assert seen.shape == (*shape[:2], height, width)
    assert torch.isfinite(seen).all()
    assert seen.min() >= -1e-6
    assert seen.max() <= 1 + 1e-6


def test_nothing_asked_is_nothing_done() -> None:
    x = noise(7, 3, 12, 11)
    assert torch.equal(ImageViews(**PLAIN)(x, Draws(1)), x)


def test_every_sample_has_a_view_of_its_own() -> None:
    x = noise(1, 3, 16, 16).expand(40, -1, -1, -1)
    assert len(ImageViews()(x, Draws(1)).flatten(1).unique(dim=0)) == 40


def test_the_same_draws_give_the_same_bits_with_any_number_of_threads() -> None:
    x, views, before = noise(33, 3, 16, 16), ImageViews(**EVERYTHING), torch.get_rng_state()
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = views(x, Draws(3, 4))
        torch.set_num_threads(3)
        assert torch.equal(one, views(x, Draws(3, 4)))
    finally:
        torch.set_num_threads(threads)
    assert not torch.equal(one, views(x, Draws(3, 5)))
    assert torch.equal(before, torch.get_rng_state())


def test_processes_see_what_one_would_see() -> None:
    x, views = noise(20, 3, 16, 16), ImageViews(**EVERYTHING)
    whole = views(x, Draws(3))
    parts = [views(x[rows], Draws(3, total=20, rows=rows)) for rows in (slice(0, 9), slice(9, 20))]
    assert torch.equal(torch.cat(parts), whole)


@pytest.mark.parametrize("shape", [(64, 3, 32, 32), (30, 1, 28, 28), (30, 3, 50, 37), (9, 5, 20, 20)])
@pytest.mark.parametrize("size", [None, 12, (60, 41)])
def test_compiled_loops_equal_torch(shape: tuple[int, ...], size: Any) -> None:
    x, views = (
        noise(*shape),
        ImageViews(flop=0.5, saturation=0.9, brightness=0.9, contrast=(0.0, 2.0), hue=0.5, size=size),
    )
    assert (views(x, Draws(7)) - in_torch(views, x)).abs().max() < 2e-5


def in_torch(views: ImageViews, x: Tensor) -> Tensor:
    u = Draws(7).uniform(x.new_empty(len(x), 13 + geometry.BOX_DRAWS))
    boxes = geometry.draw_boxes(u[:, 13:], (x.shape[2], x.shape[3]), views.crop or (1, 1), views.ratio)
    seen = geometry.resample(
        x, boxes, u[:, 0] < views.flip, u[:, 1] < views.flop, views.size_of((x.shape[2], x.shape[3]))
    )
    seen = colour.jitter(seen, views._factors(u[:, 5:9], u[:, 3] < views.jitter), u[:, 9:13].argsort(1))
    return colour.to_grey(seen, u[:, 4] < views.grey) if x.shape[1] == 3 else seen


def test_double_precision_is_kept() -> None:
    seen = ImageViews(**EVERYTHING)(noise(6, 3, 16, 16).double(), Draws(1))
    assert seen.dtype == torch.float64


def test_any_layout_in_memory_will_do() -> None:
    x = noise(6, 3, 16, 16)
    assert torch.equal(ImageViews()(x.to(memory_format=torch.channels_last), Draws(1)), ImageViews()(x, Draws(1)))


def test_mixed_precision_does_not_reach_the_views() -> None:
    x, views = noise(6, 3, 16, 16), ImageViews(blur=1.0, rotate=10.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = views(x, Draws(1))
    assert torch.equal(mixed, views(x, Draws(1)))


def test_a_shrunk_rotated_view_is_a_mean_and_not_a_sample() -> None:
    """A fine chequerboard becomes grey, whatever the angle."""
    x = (torch.arange(64)[:, None] + torch.arange(64)[None]).remainder(2).float().expand(8, 1, 64, 64)
    seen = ImageViews(**{**PLAIN, "rotate": 5.0, "size": 16})(x, Draws(1))
    assert (seen[:, :, 2:-2, 2:-2] - 0.5).abs().max() < 0.2


def test_a_blur_is_the_convolution_that_it_says() -> None:
    x = torch.zeros(1, 1, 31, 31)
    x[..., 15, 15] = 1
    seen = tones.blur(x, torch.tensor([1.5]), (9, 9), torch.tensor([True]))[0, 0]
    bell = torch.exp(-0.5 * ((torch.arange(31) - 15) / 1.5) ** 2) * ((torch.arange(31) - 15).abs() <= 9)
    assert torch.allclose(seen, torch.outer(bell, bell) / bell.sum() ** 2, atol=1e-6)


# --- nonsense --------------------------------------------------------------------------------------------------------


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Without the checker of types, which only tests have and which would speak first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("said", "says"),
    [
        (
            {"crop": (0.0, 1.0)},
            r"crop must be two numbers \(least, greatest\), above 0 and at most 1; got \(0.0, 1.0\)",
        ),
        ({"crop": (0.5, 0.2)}, r"crop must be two numbers \(least, greatest\)"),
        ({"crop": 0.5}, "crop must be two numbers"),
        ({"ratio": (1.0, float("nan"))}, "ratio must be two numbers"),
        ({"flip": 1.5}, "flip must be a number of 0 to 1; got 1.5"),
        ({"jitter": "0.8"}, "jitter must be a number of 0 to 1; got '0.8'"),
        ({"grey": True}, "grey must be a number of 0 to 1; got True"),
        ({"hue": 0.6}, "hue must be a number of 0 to 0.5; got 0.6"),
        ({"hue": (-0.6, 0.1)}, "hue must be two numbers"),
        ({"brightness": -0.1}, "brightness must be a number at least 0; got -0.1"),
        ({"brightness": None}, "brightness must be two numbers"),
        ({"rotate": 181.0}, "rotate must be a number of 0 to 180; got 181.0"),
        ({"noise": float("inf")}, "noise must be a number at least 0; got inf"),
        ({"bits": 0}, "bits must be a whole number of 1 to 8; got 0"),
        ({"bits": 2.5}, "bits must be a whole number of 1 to 8; got 2.5"),
        ({"sigma": (0.0, 1.0)}, "sigma must be two numbers"),
        ({"size": 0}, r"size must be a positive whole number of pixels, or \(height, width\); got 0"),
        ({"size": (3, 4, 5)}, "size must be a positive whole number"),
    ],
)
def test_nonsense_is_refused(said: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        ImageViews(**said)


@pytest.mark.usefixtures("unchecked")
def test_numbers_of_numpy_are_numbers() -> None:
    views = ImageViews(size=np.int64(8), crop=(np.float32(0.3), 1), flip=np.float64(0.5))  # type: ignore[arg-type]
    assert views(torch.rand(2, 3, 12, 12), Draws(0)).shape == (2, 3, 8, 8)
    assert ImageViews(size=(np.int64(4), 6))(torch.rand(2, 3, 12, 12), Draws(0)).shape == (2, 3, 4, 6)  # type: ignore[arg-type]


def test_views_of_what_has_a_gradient_have_none() -> None:
    assert not ImageViews()(torch.rand(2, 3, 12, 12, requires_grad=True), Draws(0)).requires_grad


def test_compiled_loops_hold_nothing_of_the_checker_of_types() -> None:
    """Which cannot be kept on disk: then a fresh machine could not run them under the checker."""
    loops = [loop.py_func for loop in vars(image_kernels).values() if hasattr(loop, "py_func")]
    assert len(loops) > 10
    assert not [loop.__name__ for loop in loops if hasattr(loop, "__wrapped__")]
