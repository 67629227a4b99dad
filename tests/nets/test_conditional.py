"""Players who are told a class: scaled and moved channel by channel, and the projection, against loops."""

import pytest
import torch
from torch import nn

from nolabel.nets.conditional import ConditionalGenerator, ProjectionDiscriminator
from nolabel.nets.discriminator import Discriminator, conv_discriminator, flat_discriminator
from nolabel.nets.generator import conv_generator, flat_generator
from nolabel.nets.norm import BatchNorm
from nolabel.nets.spectral import Spectral
from nolabel.nets.stack import Stack


def plain(shape: tuple[int, ...], norm: str = "batch") -> Stack:
    torch.manual_seed(0)
    if len(shape) == 3:
        return conv_generator(shape, 5, (3, 6), norm, unit=True)  # type: ignore[arg-type]
    return flat_generator(shape, 5, (7, 9), unit=False)


def _judge(shape: tuple[int, ...]) -> Discriminator:
    if len(shape) == 3:
        return conv_discriminator(shape, (3, 4), "spectral", unit=True)  # type: ignore[arg-type]
    return flat_discriminator(4, (5, 6), spectral=True, unit=False)


def shares(*classes: int, count: int = 3) -> torch.Tensor:
    return nn.functional.one_hot(torch.tensor(classes), count).float()


@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("shape", [(4,), (1, 8, 8), (3, 13, 9), (1, 28, 28)])
def test_samples_of_any_shape_are_made_for_classes(shape: tuple[int, ...], norm: str) -> None:
    net = ConditionalGenerator(plain(shape, norm), 5, 3)
    z = torch.randn(4, 5)
    made = net(torch.cat([z, shares(0, 1, 2, 0)], 1))
    assert made.shape == (4, *shape)
    net.eval()
    same = torch.cat([z[:1].expand(3, -1), shares(0, 1, 2)], 1)
    a, b, c = net(same)
    assert not torch.allclose(a, b, atol=1e-4), "classes differ from the first step on"
    assert not torch.allclose(b, c, atol=1e-4)
    assert torch.allclose(net(same[:1])[0], a, atol=1e-6)


def test_without_shares_it_is_the_plain_generator() -> None:
    given = plain((1, 8, 8)).eval()
    z = torch.randn(4, 5)
    wanted = given(z)
    net = ConditionalGenerator(given, 5, 3).eval()
    torch.testing.assert_close(net(torch.cat([z, torch.zeros(4, 3)], 1)), wanted)


@pytest.mark.parametrize("shape", [(4,), (2, 8, 8)])
def test_channels_are_scaled_and_moved_by_the_class_before_every_activation(shape: tuple[int, ...]) -> None:
    net = ConditionalGenerator(plain(shape), 5, 3).eval()
    for gain in net.gains:
        nn.init.normal_(gain)
    z, y = torch.randn(4, 5), [2, 0, 1, 1]
    h = z
    for number, (stage, activation) in enumerate(zip(net.stages, net.activations)):
        h = stage(h)
        rows = []
        for row, code in enumerate(y):
            channels = [
                h[row, channel] * (1 + net.gains[number][code, channel]) + net.shifts[number][code, channel]
                for channel in range(h.shape[1])
            ]
            rows.append(torch.stack(channels))
        h = activation(torch.stack(rows))
    torch.testing.assert_close(net(torch.cat([z, shares(*y)], 1)), net.last(h))


def test_mixtures_of_classes_have_mixed_gains_and_shifts() -> None:
    net = ConditionalGenerator(plain((4,)), 5, 3)
    half = torch.tensor([[0.5, 0.5, 0.0]])
    z = torch.randn(1, 5)
    mixed = net(torch.cat([z, half], 1))
    with torch.no_grad():
        for table in [*net.gains, *net.shifts]:
            table[2] = (table[0] + table[1]) / 2
    torch.testing.assert_close(net(torch.cat([z, shares(2)], 1)), mixed)


def test_making_it_leaves_statistics_and_mode_as_they_are() -> None:
    given = plain((1, 8, 8))
    ConditionalGenerator(given, 5, 3)
    assert given.training
    norms = [part for part in given.modules() if isinstance(part, BatchNorm)]
    assert norms
    assert all((part.running_mean == 0).all() for part in norms)


@pytest.mark.parametrize("shape", [(4,), (2, 9, 8)])
def test_logits_are_the_projection_and_what_the_head_says(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    judge = _judge(shape)
    net = ProjectionDiscriminator(judge, 3)
    x, y = torch.rand(5, *shape), [1, -1, 0, 2, -1]
    phi, head = judge.summary(x), judge(x)
    layer = net.by_class
    assert isinstance(layer, Spectral)
    v = (layer.layer.weight / layer.sigma).tolist()
    wanted = []
    for row, code in enumerate(y):
        own = sum(a * b for a, b in zip(v[code], phi[row].tolist())) if code >= 0 else 0.0
        wanted.append(head[row].item() + own)
    assert net(x, torch.tensor(y)).tolist() == pytest.approx(wanted, rel=1e-4, abs=1e-5)
    assert torch.equal(net.features(x), judge.features(x))


def test_of_an_unknown_class_no_row_of_v_learns() -> None:
    net = ProjectionDiscriminator(flat_discriminator(4, (5, 6), unit=False), 3)
    net(torch.randn(6, 4), torch.full((6,), -1)).sum().backward()
    assert not net.by_class.layer.weight.grad.any()
    assert net.plain.head.weight.grad.any()
