"""PatchGAN: a logit a patch, of the size that the file says; slopes by norm."""

import pytest
import torch

from nolabel.errors import ArgumentError
from nolabel.nets.defaults import make_patch_discriminator
from nolabel.nets.patch_discriminator import PatchDiscriminator, patch_stages
from nolabel.nets.spectral import refresh
from nolabel.randomness import seeded


def net(height: int, width: int, norm: str = "instance", channels: int = 1) -> PatchDiscriminator:
    with seeded(0):
        return make_patch_discriminator((channels, height, width), 4, norm, unit=True)


@pytest.mark.parametrize("norm", ["instance", "spectral", "none"])
@pytest.mark.parametrize(
    ("height", "width", "map"), [(2, 2, (1, 1)), (7, 5, (3, 2)), (28, 28, (7, 7)), (50, 33, (12, 8)), (64, 64, (8, 8))]
)
def test_a_logit_at_every_place(height, width, map, norm):
    assert net(height, width, norm)(torch.rand(2, 1, height, width)).shape == (2, *map)


def test_stages_grow_with_the_image_up_to_three():
    assert [patch_stages(side, 2 * side) for side in (2, 16, 17, 33, 34, 64, 500)] == [1, 1, 2, 2, 3, 3, 3]


@pytest.mark.parametrize(("side", "patch"), [(16, 8), (32, 18), (64, 38)])
def test_a_logit_is_about_a_patch_of_that_size(side, patch):
    x = torch.rand(1, 1, side, side, requires_grad=True)
    logits = net(side, side, "none")(x)
    logits[0, logits.shape[1] // 2, logits.shape[2] // 2].backward()
    rows, columns = torch.nonzero(x.grad[0, 0], as_tuple=True)
    assert rows.max() - rows.min() + 1 == min(patch, side) == columns.max() - columns.min() + 1


@pytest.mark.parametrize("norm", ["instance", "spectral", "none"])
def test_an_image_does_not_depend_on_its_batch(norm):
    model, x = net(20, 13, norm), torch.rand(3, 1, 20, 13)
    torch.testing.assert_close(model(x)[1:2], model(x[1:2]), rtol=1e-5, atol=1e-6)


def test_every_weight_has_a_gradient():
    model = net(20, 20, "spectral", channels=2)
    refresh(model)
    model(torch.rand(2, 2, 20, 20)).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


def test_spectral_layers_stretch_by_one():
    model = net(20, 20, "spectral")
    for _ in range(50):
        refresh(model)
    for layer in (model.stages[0][0], model.head):
        weight = layer.layer.weight.flatten(1) / layer.sigma
        assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, abs=1e-3)


def test_a_strip_has_no_patches():
    with pytest.raises(ArgumentError, match="images of 1 x 30 pixels have no patches"):
        net(1, 30)
