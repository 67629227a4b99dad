"""`Linear` against torch's own layer: values, gradients, second derivatives, and every case that must take the other road."""

import pytest
import torch
import torch.nn.functional as F

from nolabel.nets import product
from nolabel.nets.linear import Linear, linear
from nolabel.nets.product import suits, times_transposed

SHAPES = [(256, 784, 32), (256, 32, 784), (64, 200, 400), (3, 5, 2)]  # the last is too small for the fast road


def operands(count: int, width_in: int, width_out: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, width_in, generator=generator, requires_grad=True)
    weight = torch.randn(width_out, width_in, generator=generator, requires_grad=True)
    return x, weight, torch.randn(width_out, generator=generator, requires_grad=True)


@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients_are_those_of_torch(shape: tuple[int, int, int]) -> None:
    x, weight, bias = operands(*shape)
    pull = torch.randn(shape[0], shape[2], generator=torch.Generator().manual_seed(1))

    def everything(layer: object) -> list[torch.Tensor]:
        y = layer(x, weight, bias)  # type: ignore[operator]
        return [y.detach(), *torch.autograd.grad(y, (x, weight, bias), pull)]

    exact = [one.float() for one in everything(lambda x, w, b: F.linear(x.double(), w.double(), b.double()).float())]
    for ours, theirs in zip(everything(linear), exact):
        assert ours.shape == theirs.shape
        assert ours.is_contiguous()
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_is_torchs_own_with_the_same_names(bias: bool) -> None:
    ours, theirs = Linear(300, 60, bias=bias), torch.nn.Linear(300, 60, bias=bias)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(200, 300)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-4)


def test_a_gradient_that_is_one_value_everywhere() -> None:
    """The gradient of a sum is expanded: its rows share their memory."""
    x, weight, bias = operands(256, 300, 40)
    found = torch.autograd.grad(linear(x, weight, bias).sum(), (x, weight, bias))
    expected = (weight.sum(0).expand(256, -1), x.sum(0).expand(40, -1), torch.full((40,), 256.0))
    for ours, theirs in zip(found, expected):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-4)


def test_second_derivatives() -> None:
    """The contractive penalty differentiates a gradient."""
    x, weight, bias = operands(256, 300, 40)

    def curvature(layer: object) -> torch.Tensor:
        y = torch.tanh(layer(x, weight, bias))  # type: ignore[operator]
        (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), weight)[0]

    assert suits(x, weight)
    exact = curvature(lambda x, w, b: F.linear(x.double(), w.double(), b.double())).float()
    torch.testing.assert_close(curvature(linear), exact, rtol=1e-3, atol=1e-4 * exact.abs().max().item())


def test_functional_transforms() -> None:
    _, weight, bias = operands(1, 300, 400)
    x = torch.randn(2, 64, 300)
    ours = torch.func.vmap(lambda v: linear(v, weight, bias))(x)
    torch.testing.assert_close(ours, F.linear(x, weight, bias), rtol=1e-4, atol=1e-3)


def test_frozen_operands_get_no_gradient() -> None:
    x, weight, bias = operands(256, 300, 40)
    linear(x.detach(), weight, bias.detach()).sum().backward()
    assert x.grad is None
    assert bias.grad is None
    assert weight.grad is not None


@pytest.mark.parametrize(("x_learns", "weight_learns"), [(True, True), (False, True), (True, False)])
def test_only_what_a_gradient_needs_is_kept(x_learns: bool, weight_learns: bool) -> None:
    x, weight, bias = operands(256, 300, 40)
    assert suits(x, weight)
    y = linear(x.detach().requires_grad_(x_learns), weight.detach().requires_grad_(weight_learns), bias)
    kept_x, kept_weight = y.grad_fn.saved_tensors  # type: ignore[union-attr]
    assert (kept_x is not None, kept_weight is not None) == (weight_learns, x_learns)
    y.sum().backward()


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")  # torch's own, when it is first used
def test_forward_mode() -> None:
    from torch.autograd import forward_ad

    x, weight, bias = operands(256, 300, 40)
    towards = torch.randn(256, 300, generator=torch.Generator().manual_seed(1))
    with forward_ad.dual_level():
        y = linear(forward_ad.make_dual(x.detach(), towards), weight, bias)
        tangent = forward_ad.unpack_dual(y).tangent
    assert tangent is not None
    torch.testing.assert_close(tangent, towards @ weight.t(), rtol=1e-4, atol=1e-3)


def test_what_does_not_suit() -> None:
    x, weight, _ = operands(256, 784, 32)
    assert suits(x, weight) == product.FOUND
    assert not suits(x[:8], weight)
    assert not suits(x.double(), weight.double())
    assert not suits(x.view(4, 64, 784), weight)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not suits(x, weight)
        assert linear(x, weight).dtype == torch.bfloat16


def test_without_the_operator_the_ordinary_product_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight, bias = operands(256, 784, 32)
    fast = times_transposed(x, weight, bias)
    monkeypatch.setattr(product, "FOUND", False)
    torch.testing.assert_close(times_transposed(x, weight, bias), F.linear(x, weight, bias), rtol=0, atol=0)
    torch.testing.assert_close(fast, F.linear(x, weight, bias), rtol=1e-4, atol=1e-3)


def test_a_compiler_sees_the_ordinary_product() -> None:
    seen = []

    def spy(graph: torch.fx.GraphModule, example: list[torch.Tensor]) -> object:
        seen.append(graph.code)
        return graph.forward

    x, weight, bias = operands(256, 784, 32)
    torch.compile(lambda: linear(x, weight, bias), backend=spy)()
    assert "linear" in seen[0]
    assert "_linear_pointwise" not in seen[0]
