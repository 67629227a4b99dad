"""Optimizers and schedules against loops and values worked out by hand."""

import math

import pytest
import torch
from torch import Tensor, nn

from nolabel.training.optim import LARS, make_optimizer, rate, set_rate

CLASSES = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD, "lars": LARS}


@pytest.mark.parametrize("name", CLASSES)
def test_the_name_chooses_the_class_and_decay_spares_biases(name: str) -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(4, 5))
    optimizer = make_optimizer(name, net.parameters(), 0.1, 0.03)
    assert type(optimizer) is CLASSES[name]
    for group in optimizer.param_groups:
        assert group["lr"] == 0.1
        for parameter in group["params"]:
            assert group["weight_decay"] == (0.03 if parameter.ndim > 1 else 0.0)
    given = {parameter for group in optimizer.param_groups for parameter in group["params"]}
    assert given == set(net.parameters())
    if name in ("sgd", "lars"):
        assert all(group["momentum"] == 0.9 for group in optimizer.param_groups)


@pytest.mark.parametrize("name", CLASSES)
def test_decay_pulls_matrices_to_nought_and_leaves_biases(name: str) -> None:
    layer = nn.Linear(3, 3)
    before = [p.detach().clone() for p in layer.parameters()]
    optimizer = make_optimizer(name, layer.parameters(), 0.1, 0.5)
    for parameter in layer.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    if name != "lars":  # whose local rate is 1 where there is no gradient at all
        assert layer.weight.norm() < before[0].norm()
    assert torch.equal(layer.bias, before[1])


def looped_lars(
    w: list[list[float]], gradients: list[list[list[float]]], lr: float, m: float, beta: float, eta: float
) -> list[list[float]]:
    """Algorithm 1 of You et al. 2017, number by number."""
    rows, columns = len(w), len(w[0])
    v = [[0.0] * columns for _ in range(rows)]
    for g in gradients:
        w_norm = math.sqrt(sum(value**2 for row in w for value in row))
        g_norm = math.sqrt(sum(value**2 for row in g for value in row))
        local = eta * w_norm / (g_norm + beta * w_norm)
        for i in range(rows):
            for j in range(columns):
                v[i][j] = m * v[i][j] + lr * local * (g[i][j] + beta * w[i][j])
                w[i][j] -= v[i][j]
    return w


@pytest.mark.parametrize("beta", [0.0, 0.1])
def test_lars_is_its_algorithm(beta: float) -> None:
    w = nn.Parameter(torch.randn(3, 4, dtype=torch.float64))
    b = nn.Parameter(torch.randn(3, dtype=torch.float64))
    gradients = torch.randn(5, 3, 4, dtype=torch.float64)
    expected = looped_lars(w.tolist(), gradients.tolist(), 0.2, 0.9, beta, 0.001)
    bias, velocity = b.detach().clone(), torch.zeros(3, dtype=torch.float64)
    optimizer = make_optimizer("lars", [w, b], 0.2, beta)
    for g in gradients:
        w.grad, b.grad = g.clone(), g[:, 0].clone()
        optimizer.step()
        velocity = 0.9 * velocity + 0.2 * g[:, 0]  # plain momentum, no decay
        bias = bias - velocity
        assert torch.equal(w.grad, g)  # the gradient is left as it was
    torch.testing.assert_close(w.detach(), torch.tensor(expected, dtype=torch.float64))
    torch.testing.assert_close(b.detach(), bias)


def test_lars_moves_zero_weights_and_stands_still_without_gradient() -> None:
    w, still = nn.Parameter(torch.zeros(2, 2)), nn.Parameter(torch.ones(2, 2))
    optimizer = LARS([w, still], lr=0.1)
    w.grad = torch.ones(2, 2)
    optimizer.step()
    assert torch.equal(w.detach(), torch.full((2, 2), -0.1))  # a local rate of 0 would keep it at 0 for ever
    assert torch.equal(still.detach(), torch.ones(2, 2))
    w.grad = torch.zeros(2, 2)
    optimizer.step()
    assert torch.isfinite(w).all()


@pytest.mark.parametrize("name", CLASSES)
def test_every_optimizer_goes_down_a_bowl(name: str) -> None:
    w = nn.Parameter(torch.tensor([[3.0, -2.0]]))
    optimizer = make_optimizer(name, [w], 10.0 if name == "lars" else 0.05, 0.0)
    start = w.square().sum().item()
    for _ in range(60):
        loss: Tensor = w.square().sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert loss.item() < 0.3 * start


RATES = [
    # schedule, warm-up, progress -> factor
    ("constant", 0.0, 0.0, 1.0),
    ("constant", 0.0, 1.0, 1.0),
    ("constant", 0.2, 0.05, 0.25),
    ("constant", 0.2, 0.2, 1.0),
    ("constant", 1.0, 0.5, 0.5),
    ("constant", 1.0, 1.0, 1.0),
    ("cosine", 0.0, 0.0, 1.0),
    ("cosine", 0.0, 0.5, 0.5),
    ("cosine", 0.0, 0.25, 0.5 + math.sqrt(0.5) / 2),
    ("cosine", 0.0, 1.0, 0.0),
    ("cosine", 0.2, 0.1, 0.5),
    ("cosine", 0.2, 0.2, 1.0),
    ("cosine", 0.2, 0.6, 0.5),
    ("cosine", 0.2, 1.0, 0.0),
    ("step", 0.0, 0.59, 1.0),
    ("step", 0.0, 0.6, 0.1),
    ("step", 0.0, 0.84, 0.1),
    ("step", 0.0, 0.85, 0.01),
    ("step", 0.5, 0.25, 0.5),
    ("step", 0.5, 0.79, 1.0),
    ("step", 0.5, 0.81, 0.1),
]


@pytest.mark.parametrize(("schedule", "warmup", "progress", "factor"), RATES)
def test_rates(schedule: str, warmup: float, progress: float, factor: float) -> None:
    assert rate(schedule, warmup, progress) == pytest.approx(factor, abs=1e-12)


@pytest.mark.parametrize("name", CLASSES)
def test_factors_multiply_the_rate_of_their_parameters(name: str) -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    optimizer = make_optimizer(name, net.parameters(), 0.1, 0.03, [0.5, 0.5, 1.0, 1.0])
    set_rate(optimizer, 0.2)
    rate_of = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert [rate_of[id(p)] for p in net.parameters()] == [0.1, 0.1, 0.2, 0.2]
    assert len(optimizer.param_groups) == 4  # two factors, with and without decay


def test_a_step_of_half_the_rate_is_half_a_step() -> None:
    whole, half = (nn.Parameter(torch.ones(3)) for _ in range(2))
    optimizer = make_optimizer("sgd", [whole, half], 0.1, 0.0, [1.0, 0.5])
    (whole.sum() + half.sum()).backward()
    optimizer.step()
    assert torch.allclose(1 - half, (1 - whole) / 2)
