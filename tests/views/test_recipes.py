"""What `views` may be, what "auto" stands for, and a user's own callable."""

import importlib.util
import random
import warnings
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from torch import Tensor

from nolabel.errors import ArgumentError
from nolabel.randomness import Draws
from nolabel.types import DataSpec
from nolabel.views.images import ImageViews
from nolabel.views.recipes import Foreign, two_views
from nolabel.views.roles import Identity, MultiCrop, Pair
from nolabel.views.tables import TableViews

small = DataSpec("image", (3, 32, 32), "unit")
large = DataSpec("image", (3, 96, 96), "unit")
grey = DataSpec("image", (1, 28, 28), "unit")
table = DataSpec("table", (6,), "real")
x = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def darker(x: Tensor) -> Tensor:
    return x * torch.rand(len(x), 1, 1, 1)


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Without the checker of types, which only tests have and which would speak first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


# --- what is guessed -------------------------------------------------------------------------------------------------


def test_auto_by_kind_and_size() -> None:
    assert two_views(small) == (ImageViews(), ImageViews())
    assert two_views(large)[0] == ImageViews(blur=0.5)
    assert two_views(grey)[0] == ImageViews(saturation=0.0, hue=0.0, grey=0.0)
    assert two_views(table) == (TableViews(0.3), TableViews(0.3)), (
        "of each, so that half of the columns are left to both"
    )


def test_crops_of_a_long_image_reach_all_of_it() -> None:
    """Of ratios near 1 no box fits, and the same few pixels in the middle would be all that is ever seen."""
    ramp = torch.linspace(0, 1, 60).expand(200, 1, 3, 60).contiguous()
    view, _ = two_views(DataSpec("image", (1, 3, 60), "unit"), {"jitter": 0.0})
    seen = view(ramp, Draws(1))  # type: ignore[operator, call-arg]
    assert seen.amin() < 0.02
    assert seen.amax() > 0.98
    assert (seen.amax((1, 2, 3)) - seen.amin((1, 2, 3))).std() > 0.05


def test_auto_of_two_different_views_is_byols() -> None:
    first, second = two_views(large, asymmetric=True)
    assert (first.blur, first.solarize, second.blur, second.solarize) == (1.0, 0.0, 0.1, 0.2)
    first, second = two_views(small, asymmetric=True)
    assert (first.blur, first.solarize, second.blur, second.solarize) == (0.0, 0.0, 0.0, 0.2)


# --- what is said ----------------------------------------------------------------------------------------------------


def test_settings_differ_from_auto_in_what_they_say() -> None:
    first, second = two_views(small, {"crop": (0.3, 1.0), "blur": 0.5}, asymmetric=True)
    assert first == ImageViews(crop=(0.3, 1.0), blur=0.5, saturation=0.2)
    assert second == ImageViews(crop=(0.3, 1.0), blur=0.5, saturation=0.2, solarize=0.2)


def test_views_of_ones_own_and_one_for_each() -> None:
    own = ImageViews(grey=1.0)
    assert two_views(small, own) == (own, own)
    first, second = two_views(small, [own, darker])
    assert first == own
    assert second == Foreign(darker)
    assert two_views(small, ("auto", {"flip": 0.0})) == (ImageViews(), ImageViews(flip=0.0))


def test_colours_of_one_channel_are_skipped_and_said_where_they_were_asked_for() -> None:
    with pytest.warns(UserWarning, match="views: hue, grey need three channels; images of 1 channel are left as they"):
        first, _ = two_views(grey, ["auto", {"hue": 0.2, "grey": 0.1, "saturation": 0.0}])[::-1]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert two_views(grey, ImageViews())[0] == two_views(grey)[0]
    assert len(said) == 1, "once, not for each view"
    assert (first.hue, first.grey, first.brightness) == (0.0, 0.0, 0.4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        two_views(grey)
        two_views(grey, {"hue": 0.0, "brightness": 0.1})


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("spec", "views", "says"),
    [
        (small, {"crp": (0.3, 1.0)}, r"views has no argument 'crp'; did you mean 'crop'\? It has: crop, ratio,"),
        (table, {"crop": (0.3, 1.0)}, "views has no argument 'crop'.* It has: corrupt,"),
        (small, "none", "views must be 'auto', a mapping of settings such as .* got 'none'"),
        (small, 3, "views must be 'auto'.* got 3"),
        (small, ["auto"], "got a sequence of 1"),
        (small, TableViews(), "views=TableViews are for other data than these; give ImageViews or 'auto'"),
        (table, ImageViews(), "views=ImageViews are for other data than these; give TableViews or 'auto'"),
        (small, lambda x: x[:1], r"must return as many samples and channels as it is given; \(2, 3, 32, 32\) became"),
        (small, lambda x: x.numpy(), "must return a tensor of real numbers; got ndarray"),
        (small, lambda x: (255 * x).byte(), "must return a tensor of real numbers; got one of torch.uint8"),
        (small, ImageViews, "got the class ImageViews: make one of it"),
        (small, lambda x: x / 0, "made NaN or infinite values"),
        (small, lambda x: x.no_such_thing, "failed on a batch of shape .*: AttributeError"),
    ],
)
def test_nonsense_is_refused_when_the_role_is_made(spec: DataSpec, views: Any, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        Pair(spec, views)


# --- a user's own ----------------------------------------------------------------------------------------------------


def test_a_callable_draws_from_the_steps_seed_and_leaves_the_global_generator() -> None:
    before = torch.get_rng_state()
    pair = Pair(small, darker)
    a, b = pair(x, Draws(1, 2))
    again, _ = pair(x, Draws(1, 2))
    assert torch.equal(a, again)
    assert not torch.equal(a, b)
    assert not torch.equal(a, pair(x, Draws(1, 3))[0])
    assert torch.equal(before, torch.get_rng_state())


def test_a_callable_that_draws_from_other_generators_is_reproducible_too() -> None:
    def shaken(x: Tensor) -> Tensor:
        return x * random.random() * float(np.random.rand())  # noqa: NPY002

    assert torch.equal(Pair(small, shaken)(x, Draws(1))[1], Pair(small, shaken)(x, Draws(1))[1])
    assert not torch.equal(*Pair(small, shaken)(x, Draws(1)))


def test_a_callable_may_change_what_it_is_given() -> None:
    before = x.clone()
    first, second = Pair(small, lambda x: x.mul_(0.5))(x, Draws(1))
    assert torch.equal(x, before)
    assert torch.equal(first, second)
    assert torch.equal(first, x / 2)


def test_mixed_precision_does_not_reach_a_callable() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        first, _ = Pair(small, lambda x: x @ torch.eye(32))(x, Draws(1))
    assert torch.equal(first, x)


def test_what_a_callable_breaks_later_is_its_fault_in_words() -> None:
    pair = Pair(small, lambda x: x / 0 if len(x) > 2 else x)
    with pytest.raises(ArgumentError, match="views=.* made NaN or infinite values"):
        pair(x, Draws(1))


def test_a_callable_in_another_process_draws_something_else() -> None:
    parts = [Pair(small, darker)(x, Draws(1, total=10, rows=rows))[0] for rows in (slice(0, 5), slice(5, 10))]
    assert not torch.equal(*parts)


def test_a_kornia_pipeline_is_a_view() -> None:
    if importlib.util.find_spec("kornia") is None:
        pytest.skip("kornia is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import kornia.augmentation as K

        pipeline = K.AugmentationSequential(K.RandomResizedCrop((32, 32)), K.ColorJitter(0.4, 0.4, 0.4, 0.1))
        first, second = Pair(small, pipeline)(x, Draws(1))
    assert first.shape == second.shape == x.shape
    assert not torch.equal(first, second)


# --- roles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "values"),
    [(small, x), (grey, x[:, :1, :28, :28]), (table, torch.randn(5, 6))],
    ids=["rgb", "grey", "table"],
)
def test_a_pair_is_two_views_drawn_apart(spec: DataSpec, values: Tensor) -> None:
    first, second = Pair(spec)(values, Draws(1))
    assert first.shape == second.shape == values.shape
    assert not torch.equal(first, second)
    again = Pair(spec)(values, Draws(1))
    assert torch.equal(first, again[0])
    assert torch.equal(second, again[1])


@pytest.mark.parametrize("views", [({"size": 16}, "auto"), ("auto", lambda x: x[..., :16])])
def test_two_views_of_different_sizes_are_refused(views: Any) -> None:
    with pytest.raises(ArgumentError, match=r"must have one size; got \(3, .*Give views of the same size"):
        Pair(small, views)(x, Draws(1))


@pytest.mark.parametrize(("height", "expected"), [(32, 16), (224, 96), (64, 24), (96, 40), (8, 8), (5, 5)])
def test_small_views_have_three_sevenths_of_the_side(height: int, expected: int) -> None:
    values = torch.rand(2, 3, height, height)
    large_views, small_views = MultiCrop(DataSpec("image", (3, height, height), "unit"))(values, Draws(1))
    assert [view.shape for view in large_views] == [values.shape] * 2
    assert [view.shape for view in small_views] == [(2, 3, expected, expected)] * 4


def test_large_views_show_more_than_small_ones() -> None:
    """Of a ramp: how much of it a view spans."""
    ramp = torch.linspace(0, 1, 32).expand(200, 3, 32, 32)
    plain = {"jitter": 0.0, "grey": 0.0, "solarize": 0.0}
    large_views, small_views = MultiCrop(small, plain, large=1, small=1)(ramp, Draws(1))
    spans = [(view.amax((1, 2, 3)) - view.amin((1, 2, 3))) for view in (*large_views, *small_views)]
    assert spans[0].min() > 0.4
    assert spans[1].max() < 0.75
    assert spans[1].mean() < 0.55 < spans[0].mean()


def test_a_said_crop_is_that_of_the_large_views() -> None:
    for said in ({"crop": (0.9, 1.0)}, MappingProxyType({"crop": (0.9, 1.0)})):
        first, _, few = MultiCrop(small, said).made
        assert (first.crop, few.crop) == ((0.9, 1.0), (0.05, 0.4))  # type: ignore[union-attr]


def test_views_said_one_by_one_are_for_the_large_and_the_small() -> None:
    own = ImageViews(size=10)
    large_views, small_views = MultiCrop(small, [darker, own], large=3, small=2)(x, Draws(1))
    assert [view.shape[2] for view in (*large_views, *small_views)] == [32, 32, 32, 10, 10]


def test_small_views_of_a_table_hide_more() -> None:
    large_views, small_views = MultiCrop(table, large=1, small=1)(torch.ones(500, 6), Draws(1))
    assert (large_views[0] == 0).float().mean() == 0
    assert (small_views[0] == 0).float().mean().item() == pytest.approx(0.5, abs=0.05)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"large": 0}, "large must be a whole number of at least 1; got 0"),
        ({"small": -1}, "small must be a whole number of at least 0; got -1"),
        ({"small": 2.0}, "small must be a whole number of at least 0; got 2.0"),
        ({"small_size": 0}, "size must be a positive whole number"),
        ({"small_crop": (0.0, 0.4)}, "crop must be two numbers"),
    ],
)
def test_nonsense_of_crops_is_refused(said: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        MultiCrop(small, **said)


def test_a_sample_as_it_is() -> None:
    assert torch.equal(Identity(small)(x, Draws(1)), x)


def test_what_a_method_sees_can_be_shown() -> None:
    from nolabel import SimCLR

    pictures = (np.random.default_rng(0).random((20, 12, 12, 3)) * 255).astype("uint8")
    model = SimCLR(epochs=1, batch_size=10, random_state=0).fit(pictures)
    views = model.make_views(pictures[:4], random_state=1)
    assert [view.shape for view in views] == [(4, 12, 12, 3)] * 2
    assert all(view.dtype == np.uint8 for view in views)
    assert not np.array_equal(*views)
    assert np.array_equal(views[0], model.make_views(pictures[:4], random_state=1)[0])
