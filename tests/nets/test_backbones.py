"""Backbones: which one is chosen, what a user's module may be, and what of it is left alone."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from nolabel.errors import ArgumentError
from nolabel.nets.backbones import pooled
from nolabel.nets.defaults import make_backbone
from nolabel.nets.mlp import mlp
from nolabel.nets.norm import BatchNorm
from nolabel.nets.resnet import ResNet
from nolabel.nets.vit import ViT
from nolabel.types import DataSpec

IMAGES = DataSpec("image", (3, 16, 16), "unit")
TABLE = DataSpec("table", (5,), "real")


class Says(nn.Module):
    """A body whose output is whatever a function makes of its input."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def image(side: int, channels: int = 3) -> DataSpec:
    return DataSpec("image", (channels, side, side), "unit")


# --- ours ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["small", "resnet18", "vit", "mlp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_name_makes_vectors_of_its_width(name: str, channels: int) -> None:
    backbone = make_backbone(image(16, channels), name).eval()
    found = backbone(torch.rand(3, channels, 16, 16))
    assert found.shape == (3, backbone.width)
    assert not torch.equal(found[0], found[1])


@pytest.mark.parametrize("name", ["small", "resnet18"])
def test_images_may_have_another_size_when_it_runs(name: str) -> None:
    backbone = make_backbone(image(16), name)
    assert backbone(torch.rand(3, 3, 9, 12)).shape == (3, backbone.width)


def test_auto_goes_by_the_samples() -> None:
    assert make_backbone(TABLE).body[1].in_features == 5  # type: ignore[index, union-attr]
    with torch.device("meta"):
        little, large = (make_backbone(image(side)).body for side in (64, 65))
        named = make_backbone(image(224), "resnet18").body
    assert isinstance(little, ResNet)
    assert isinstance(large, ResNet)
    assert little.stem[0].kernel_size == (3, 3)  # type: ignore[union-attr]
    assert [p.shape for p in large.parameters()] == [p.shape for p in named.parameters()]
    assert large.stem[0].kernel_size == (7, 7)  # type: ignore[union-attr]


def test_resnets_of_small_images_have_a_small_stem() -> None:
    with torch.device("meta"):
        for name in ("resnet18", "resnet50"):
            body = make_backbone(image(32), name).body
            assert isinstance(body, ResNet)
            assert body.stem(torch.zeros(1, 3, 32, 32)).shape[2:] == (32, 32)
    assert isinstance(make_backbone(image(32), "vit").body, ViT)


def test_pixels_are_centred_and_columns_are_not() -> None:
    x = torch.rand(4, 3, 16, 16)
    assert torch.equal(make_backbone(IMAGES, nn.Flatten())(x), ((x - 0.5) / 0.25).flatten(1))
    row = torch.randn(4, 5)
    assert torch.equal(make_backbone(TABLE, nn.Flatten())(row), row)


def test_the_layout_does_not_change_the_features() -> None:
    backbone = make_backbone(IMAGES, "small").eval()
    x = torch.rand(4, 3, 16, 16)
    torch.testing.assert_close(backbone(x.contiguous(memory_format=torch.channels_last)), backbone(x))
    assert all(p.is_contiguous() for p in backbone.parameters())


def test_every_parameter_of_a_perceptron_has_a_gradient() -> None:
    backbone = make_backbone(TABLE)
    backbone(torch.randn(32, 5)).square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in backbone.parameters())


@pytest.mark.parametrize(
    ("spec", "backbone", "words"),
    [
        (IMAGES, "resnet", r"backbone must be one of 'auto', 'small', .*'mlp'.*; got 'resnet'; did you mean 'resnet"),
        (IMAGES, 18, r"backbone must be one of .* or a torch\.nn\.Module; got 18"),
        (IMAGES, nn.Linear, r"backbone must be a name or a module; got the class Linear: make one of it"),
        (TABLE, "small", r"backbone='small' needs images; these are samples of shape \(5,\)\. Use 'mlp'"),
    ],
)
def test_what_is_no_backbone_is_refused(spec: DataSpec, backbone: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        make_backbone(spec, backbone)


def test_another_size_that_is_not_taken_is_refused_in_words() -> None:
    other = torch.rand(3, 3, 8, 8)
    for body in ("mlp", nn.Sequential(nn.Flatten(), nn.Linear(768, 4))):
        backbone = make_backbone(IMAGES, body)
        assert not backbone.takes((3, 8, 8))
        assert backbone.training
        with pytest.raises(ArgumentError, match=r"does not take samples of shape \(3, 8, 8\).*leave size out"):
            backbone(other)
    with pytest.raises(
        ArgumentError, match=r"backbone makes \(2, 192\) of 2 samples of shape \(3, 8, 8\), of others \(2, 768\)"
    ):
        make_backbone(IMAGES, nn.Flatten())(other)  # it takes them, and makes narrower vectors


# --- a user's --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x.mean((2, 3)), lambda x: x.mean((2, 3))),
        (lambda x: x, lambda x: x.mean((2, 3))),
        (lambda x: SimpleNamespace(pooler_output=x.amax((2, 3)), last_hidden_state=x), lambda x: x.amax((2, 3))),
        (lambda x: SimpleNamespace(pooler_output=x[..., :1, :1], last_hidden_state=x), lambda x: x[..., 0, 0]),
        (lambda x: SimpleNamespace(pooler_output=None, last_hidden_state=x.flatten(2)), lambda x: x.flatten(2).mean(1)),
        (lambda x: SimpleNamespace(last_hidden_state=x), lambda x: x.mean((2, 3))),
    ],
    ids=["vectors", "map", "pooler", "pooler with places", "tokens", "map of transformers"],
)
def test_outputs_that_are_understood(function: Any, expected: Any) -> None:
    x = torch.rand(4, 3, 16, 16)
    backbone = make_backbone(IMAGES, Says(function))
    wanted = expected((x - 0.5) / 0.25)
    assert backbone.width == wanted.shape[1]
    torch.testing.assert_close(backbone(x), wanted)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x.flatten(2), r"it gave a tensor \(2, 3, 256\) of float32\. Wrap it"),
        (lambda x: x.mean((1, 2, 3)), r"it gave a tensor \(2,\) of float32"),
        (lambda x: x.mean((2, 3)).long(), r"it gave a tensor \(2, 3\) of int64"),
        (lambda x: (x, x), "it gave tuple"),
        (lambda x: {"features": x}, "it gave dict"),
        (lambda x: None, "it gave NoneType"),
        (lambda x: x.flatten(0, 1).mean((1, 2))[:, None], "one vector for each sample; of 2 samples it made 6"),
        (lambda x: x.flatten(1)[:, :0], "of 2 samples it made 2 of width 0"),
        (lambda x: x @ torch.ones(7, 7), r"backbone Says does not take samples of shape \(3, 16, 16\): RuntimeError"),
    ],
)
def test_outputs_that_are_not(function: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        make_backbone(IMAGES, Says(function))


def test_another_number_of_channels_is_told() -> None:
    with pytest.raises(ArgumentError, match=r"does not take samples of shape \(1, 16, 16\): .*3 channels"):
        make_backbone(image(16, 1), nn.Conv2d(3, 4, 3))


def test_the_users_module_stays_as_it_is() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
    module[2].eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    backbone = make_backbone(IMAGES, module)
    assert all(torch.equal(value, before[name]) for name, value in backbone.body.state_dict().items())
    assert [part.training for part in backbone.body.modules()] == [True, True, True, False]
    backbone(torch.rand(4, 3, 16, 16)).sum().backward()
    with torch.no_grad():
        for p in backbone.parameters():
            p.zero_()
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(p.grad is None for p in module.parameters())
    assert [part.training for part in module.modules()] == [True, True, True, False]


class Restless(nn.Module):
    """Draws a number and counts its calls, in either mode."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x.mean((2, 3)) + torch.rand(())


def test_the_trial_leaves_no_trace() -> None:
    state = torch.get_rng_state()
    backbone = make_backbone(IMAGES, Restless())
    assert torch.equal(torch.get_rng_state(), state)
    assert not backbone.body.calls.any()  # type: ignore[operator, union-attr]


def test_lazy_layers_are_made_by_the_trial() -> None:
    backbone = make_backbone(IMAGES, nn.LazyConv2d(4, 3))
    assert backbone.width == 4
    assert sum(p.numel() for p in backbone.parameters()) == 4 * 3 * 9 + 4


def test_what_cannot_be_copied_is_told() -> None:
    with pytest.raises(ArgumentError, match="backbone LazyBatchNorm2d cannot be copied: ValueError"):
        make_backbone(IMAGES, nn.LazyBatchNorm2d())


def test_a_module_is_tried_where_its_weights_are() -> None:
    """Loading a model first asks for the shapes of its weights, on a device without memory."""
    module = nn.Sequential(nn.Conv2d(3, 4, 3), Restless())
    with torch.device("meta"):
        backbone = make_backbone(IMAGES, module)
    assert backbone.width == 4
    assert backbone.body[0].weight.device.type == "cpu"  # type: ignore[index, union-attr]


def test_modules_of_ours_are_modules_too() -> None:
    backbone = make_backbone(TABLE, mlp((5, 8, 3)))
    assert backbone(torch.randn(2, 5)).shape == (2, 3)
    norm = BatchNorm(5)
    assert make_backbone(TABLE, norm).body is not norm


def test_pooled_takes_what_it_says() -> None:
    assert pooled(torch.ones(2, 3)).shape == (2, 3)
    assert pooled(torch.ones(2, 3, 4, 5)).shape == (2, 3)
