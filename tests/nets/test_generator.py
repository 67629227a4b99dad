"""Generators and discriminators: any size, the right values, first weights that neither swell nor fade."""

import pytest
import torch
from torch import Tensor, nn

from nolabel.errors import ArgumentError
from nolabel.nets.defaults import latent_width, make_discriminator, make_generator
from nolabel.nets.discriminator import conv_discriminator, flat_discriminator, halvings
from nolabel.nets.generator import conv_generator, flat_generator
from nolabel.nets.norm import BatchNorm
from nolabel.nets.spectral import Spectral
from nolabel.types import DataSpec

SIZES = [(1, 28, 28), (3, 17, 23), (3, 64, 64), (1, 8, 9), (2, 31, 8)]
CHANNELS = {(1, 28, 28): (4, 8), (3, 17, 23): (4, 8), (3, 64, 64): (8, 8, 8, 8), (1, 8, 9): (4,), (2, 31, 8): (4,)}


def latents(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def image(shape: tuple[int, ...], values: str = "unit") -> DataSpec:
    return DataSpec("image" if len(shape) == 3 else "table", shape, values)  # type: ignore[arg-type]


# --- sizes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("shape", SIZES)
def test_images_come_out_in_their_very_size(shape: tuple[int, int, int], norm: str) -> None:
    net = conv_generator(shape, 5, CHANNELS[shape], norm, unit=True)  # type: ignore[arg-type]
    made = net(latents(3, 5))
    assert made.shape == (3, *shape)
    assert made.min() >= 0
    assert made.max() <= 1
    real = conv_generator(shape, 5, CHANNELS[shape], norm, unit=False)(latents(64, 5))  # type: ignore[arg-type]
    assert real.min() < 0
    assert real.flatten(1).std(0).min() > 0, "a pixel, at the edge perhaps, that no latent reaches"


@pytest.mark.parametrize("norm", ["batch", "none", "spectral"])
@pytest.mark.parametrize("shape", SIZES)
def test_images_of_any_size_are_judged(shape: tuple[int, int, int], norm: str) -> None:
    net = conv_discriminator(shape, CHANNELS[shape], norm, unit=True)  # type: ignore[arg-type]
    x = torch.rand(3, *shape)
    assert net(x).shape == (3,)
    features = net.features(x)
    at = [(shape[1], shape[2])]
    for _ in CHANNELS[shape]:
        at.append((at[-1][0] // 2, at[-1][1] // 2))
    wanted = sum(c * min(4, h) * min(4, w) for c, (h, w) in zip(CHANNELS[shape], at[1:]))
    assert features.shape == (3, wanted)
    assert net.summary(x).shape == (3, CHANNELS[shape][-1] * at[-1][0] * at[-1][1])


def test_every_pixel_is_looked_at() -> None:
    for shape in SIZES:
        net = conv_discriminator(shape, CHANNELS[shape], "none", unit=True)
        x = torch.rand(2, *shape, requires_grad=True)
        net(x).sum().backward()
        assert x.grad is not None
        seen = (x.grad.abs().sum((0, 1)) > 0).float()
        assert seen[: shape[1] // 2 * 2, : shape[2] // 2 * 2].min() > 0, (
            shape
        )  # of an odd side the last may be left out


@pytest.mark.parametrize(
    ("size", "count"),
    [((28, 28), 3), ((32, 32), 3), ((64, 64), 4), ((17, 23), 2), ((8, 100), 2), ((20, 20), 3), ((7, 64), 0)],
)
def test_images_are_halved_until_the_smaller_side_is_2_to_4(size: tuple[int, int], count: int) -> None:
    assert halvings(*size) == count


@pytest.mark.parametrize("make", [conv_discriminator, lambda *a, **k: conv_generator(a[0], 4, *a[1:], **k)])
def test_strips_are_refused_in_words(make: object) -> None:
    words = r"images of 1 x 100 pixels are too small for 2 convolutions .* both sides must have at least 8\."
    with pytest.raises(ArgumentError, match=words):
        make((1, 1, 100), (4, 8), "none", unit=True)  # type: ignore[operator]
    with pytest.raises(ArgumentError, match=r"images of 8 x 8 pixels .* for 3 convolutions .* at least 20"):
        make((1, 8, 8), (4, 8, 8), "none", unit=True)  # type: ignore[operator]


def test_perceptrons_take_any_shape() -> None:
    made = flat_generator((2, 3), 5, (7, 8), unit=True)(latents(4, 5))
    assert made.shape == (4, 2, 3)
    assert flat_generator((6,), 5, (), unit=False)(latents(4, 5)).shape == (4, 6)
    judge = flat_discriminator(6, (7, 8), unit=True)
    assert judge(made).shape == (4,)
    assert judge.features(made).shape == (4, 15)


def test_the_kinks_of_a_perceptron_do_not_meet_in_one_point() -> None:
    """Where each of the first rectifiers begins to bend, as a distance from 0."""
    torch.manual_seed(0)
    first = flat_discriminator(2, (64,), unit=False).stages[0][1]  # type: ignore[index]
    apart = first.bias.abs() / first.weight.norm(dim=1)
    assert (apart > 0.1).float().mean() > 0.8


# --- layers ------------------------------------------------------------------------------------------------------------


def count(net: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(part, kind) for part in net.modules())


def test_norms_are_where_the_paper_has_them() -> None:
    """None where the image is made, and none where it is first looked at (Radford et al. 2016, section 3)."""
    shape, channels = (3, 32, 32), (4, 8, 16)
    generator = conv_generator(shape, 5, channels, "batch", unit=True)
    assert count(generator, BatchNorm) == 3
    assert not any(isinstance(part, BatchNorm) for part in generator.stages[-1].modules())
    judge = conv_discriminator(shape, channels, "batch", unit=True)
    assert judge.by_batch
    assert count(judge, BatchNorm) == 2
    assert not any(isinstance(part, BatchNorm) for part in judge.stages[0].modules())
    assert count(conv_discriminator(shape, channels, "spectral", unit=True), Spectral) == 4
    plain = conv_discriminator(shape, channels, "none", unit=True)
    assert not plain.by_batch
    assert not count(plain, BatchNorm) + count(plain, Spectral)


def test_a_layer_before_a_norm_has_no_bias_and_the_last_one_has_if_it_is_wanted() -> None:
    names = [name for name, _ in conv_generator((1, 8, 8), 3, (4,), "batch", unit=True).named_parameters()]
    assert [name for name in names if "bias" in name] == ["stages.0.2.bias", "stages.1.0.bias"]
    for given in ({}, {"spectral": True}, {"sharp": False}):
        for wanted in (True, False):
            judge = flat_discriminator(4, (3,), unit=False, last_bias=wanted, **given)
            last = [name for name, _ in judge.head.named_parameters() if "bias" in name]
            assert bool(last) == wanted


def test_values_in_nought_to_one_are_looked_at_about_nought() -> None:
    unit, real = (flat_discriminator(3, (4,), unit=unit) for unit in (True, False))
    real.load_state_dict(unit.state_dict())
    x = torch.rand(5, 3)
    torch.testing.assert_close(unit(x), real(2 * x - 1))


@pytest.mark.parametrize("norm", ["none", "spectral"])
def test_first_weights_neither_swell_nor_fade(norm: str) -> None:
    torch.manual_seed(0)
    shape, channels = (3, 64, 64), (8, 16, 32, 64)
    made = conv_generator(shape, 32, channels, "none", unit=False)(latents(64, 32))
    assert 0.3 < made.std() < 3
    judged = conv_discriminator(shape, channels, norm, unit=True)(torch.rand(64, *shape))  # type: ignore[arg-type]
    assert 1e-4 < judged.std() < 3


# --- what is guessed -----------------------------------------------------------------------------------------------------


def widths_of(net: nn.Module) -> list[int]:
    return [part.out_channels for part in net.modules() if isinstance(part, nn.Conv2d)]


def test_what_is_guessed_of_images_and_of_tables() -> None:
    assert widths_of(make_discriminator(image((1, 28, 28)), "auto", "none")) == [16, 32, 64]
    assert widths_of(make_discriminator(image((3, 256, 256)), 2, "none")) == [2, 4, 8, 16, 16, 16]
    assert make_generator(image((1, 28, 28)), 6, 4, "batch")(latents(2, 6)).shape == (2, 1, 28, 28)
    for shape in ((5,), (1, 7, 30)):
        spec = image(shape, "unit" if len(shape) == 3 else "real")
        generator, judge = make_generator(spec, 6, "auto", "batch"), make_discriminator(spec, "auto", "spectral")
        made = generator(latents(2, 6))
        assert made.shape == (2, *shape)
        assert judge.features(made).shape == (2, 3 * 128)
        assert not count(generator, BatchNorm)
        assert count(judge, Spectral) == 4
        assert not make_discriminator(spec, 8, "batch").by_batch


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"channels must be 'auto' or a whole number of at least 1; got 0"):
        make_discriminator(image((1, 28, 28)), 0, "none")
    with pytest.raises(ArgumentError, match=r"latent must be 'auto' or a whole number of at least 1; got 0"):
        latent_width(image((1, 28, 28)), 0)


def test_latents_are_as_wide_as_narrow_data_unless_they_are_given() -> None:
    assert latent_width(image((2,), "real"), "auto") == 2
    assert latent_width(image((200,), "real"), "auto") == latent_width(image((1, 28, 28)), "auto") == 64
    assert latent_width(image((2,), "real"), 5) == 5
