"""Residual networks: the published sizes, shapes, and how they start."""

import pytest
import torch

from nolabel.nets.resnet import BasicBlock, Bottleneck, ResNet, resnet18, resnet50, small

CLASSES = 1000


@pytest.mark.parametrize(("net", "parameters"), [(resnet18, 11_689_512), (resnet50, 25_557_032)])
def test_with_a_classifier_they_are_as_large_as_published(net: object, parameters: int) -> None:
    with torch.device("meta"):
        body = net(3, "large")  # type: ignore[operator]
        classifier = torch.nn.Linear(body.width, CLASSES)
    assert sum(p.numel() for p in [*body.parameters(), *classifier.parameters()]) == parameters


@pytest.mark.parametrize(("net", "width"), [(resnet18, 512), (resnet50, 2048)])
def test_shapes_of_stages(net: object, width: int) -> None:
    with torch.device("meta"):
        large, little = net(3, "large"), net(1, "small")  # type: ignore[operator]
        assert large.stem(torch.zeros(2, 3, 224, 224)).shape == (2, 64, 56, 56)
        assert large(torch.zeros(2, 3, 224, 224)).shape == (2, width, 7, 7)
        assert little(torch.zeros(2, 1, 32, 32)).shape == (2, width, 4, 4)


def test_odd_and_tiny_images_go_through() -> None:
    net = small(2).eval()
    assert (
        small(2, 16)(torch.zeros(1, 2, 16, 16)).shape[2:] == small(2, 32)(torch.zeros(1, 2, 32, 32)).shape[2:] == (2, 2)
    )
    for height, width in [(1, 1), (5, 3), (28, 28), (33, 64)]:
        found = net(torch.randn(2, 2, height, width))
        assert found.shape[:2] == (2, net.width)
        assert found.isfinite().all()


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_a_block_starts_as_its_shortcut(block: type[BasicBlock] | type[Bottleneck]) -> None:
    made = block(8 * block.expansion, 8, 1)
    x = torch.randn(2, 8 * block.expansion, 4, 4).relu()
    assert torch.equal(made(x), x)


def test_every_weight_is_reached_once_the_last_gains_have_moved() -> None:
    net = ResNet(3, Bottleneck, (1, 1), (4, 8), "small")
    for module in net.modules():
        if isinstance(module, Bottleneck):
            torch.nn.init.ones_(module.norm3.weight)  # type: ignore[arg-type]
    net(torch.randn(4, 3, 8, 8)).square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_first_activations_neither_vanish_nor_explode() -> None:
    for net in (small(3), resnet18(3, "small")):
        deviation = net(torch.randn(8, 3, 32, 32)).std().item()
        assert 0.2 < deviation < 5
