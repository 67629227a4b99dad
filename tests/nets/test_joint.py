"""Players who know both ways: shapes, what each sees, and slopes that stay bounded."""

import pytest
import torch

from nolabel.nets.defaults import make_discriminator, make_generator
from nolabel.nets.discriminator import Discriminator
from nolabel.nets.joint import LEAST_WIDTH, JointDiscriminator, TwoWay
from nolabel.types import DataSpec

SPECS = {
    "table": DataSpec("table", (5,), "real"),
    "image": DataSpec("image", (1, 28, 28), "unit"),
    "odd": DataSpec("image", (3, 13, 9), "unit"),
    "strip": DataSpec("image", (1, 3, 20), "unit"),
}


@pytest.mark.parametrize("latent", [1, 6])
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_both_ways_have_their_shapes(spec: DataSpec, latent: int) -> None:
    both = TwoWay(make_generator(spec, latent, 4, "batch"), make_discriminator(spec, 4, "batch"), latent)
    judge = JointDiscriminator(make_discriminator(spec, 4, "spectral"), latent)
    z = torch.randn(3, latent)
    x = both(z)
    assert x.shape == (3, *spec.shape)
    assert both.inverse(x).shape == (3, latent)
    assert judge(x, z).shape == (3,)


def test_the_discriminator_looks_at_samples_and_at_latents() -> None:
    torch.manual_seed(0)
    judge = JointDiscriminator(make_discriminator(SPECS["odd"], 4, "spectral"), 6)
    x, z = torch.rand(4, 3, 13, 9, requires_grad=True), torch.randn(4, 6, requires_grad=True)
    of_x, of_z = torch.autograd.grad(judge(x, z).sum(), [x, z])
    assert (of_x.abs().sum((0, 1)) > 0).any()
    assert (of_z.abs() > 0).all()
    swapped = judge(x, z.flip(0))
    assert not torch.allclose(swapped, judge(x, z)), "pairs are what it judges"


def test_no_slope_exceeds_1() -> None:
    """Of layers of slope 1 each, side by side and one after the other; for tables, whose stages are perceptrons."""
    torch.manual_seed(0)
    judge = JointDiscriminator(make_discriminator(SPECS["table"], 16, "spectral"), 6)
    x, z = torch.randn(200, 5, requires_grad=True), torch.randn(200, 6, requires_grad=True)
    slopes = torch.cat(torch.autograd.grad(judge(x, z).sum(), [x, z]), 1).norm(dim=1)
    assert slopes.max() < 1.02


def test_heads_that_are_not_used_are_no_parameters() -> None:
    given = make_discriminator(SPECS["table"], 16, "spectral")
    own = {id(parameter) for parameter in given.head.parameters()}
    for net in (JointDiscriminator(given, 6), TwoWay(make_generator(SPECS["table"], 6, 4, "none"), given, 6)):
        assert not own & {id(parameter) for parameter in net.parameters()}


def test_layers_grow_with_what_the_stages_put_out() -> None:
    for channels in (4, 64):
        given: Discriminator = make_discriminator(SPECS["image"], channels, "spectral")
        judge = JointDiscriminator(given, 6)
        assert judge.of_latents[0].layer.out_features == max(LEAST_WIDTH, given.width // 4)


def test_the_two_ways_share_nothing() -> None:
    both = TwoWay(make_generator(SPECS["table"], 6, 4, "none"), make_discriminator(SPECS["table"], 4, "none"), 6)
    both(torch.randn(2, 6)).sum().backward()
    assert all(weight.grad is None for weight in [*both.stages.parameters(), *both.last.parameters()])
    assert all(weight.grad is not None for weight in both.generator.parameters())
