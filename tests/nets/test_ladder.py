"""Pieces of a ladder network against the paper's words."""

import pytest
import torch

from nolabel.nets.ladder import EPSILON, Combinator, Rung, UnitNorm
from nolabel.nets.sync import batch_mean, gather, several, total


def test_unit_norm_normalises_over_the_batch() -> None:
    norm, x = UnitNorm(4), 3 * torch.randn(50, 4) + 7
    z, mean, deviation = norm(x)
    torch.testing.assert_close(mean, x.mean(0))
    torch.testing.assert_close(deviation, (x.var(0, unbiased=False) + EPSILON).sqrt())
    torch.testing.assert_close(z, (x - mean) / deviation)
    torch.testing.assert_close(z.std(0, unbiased=False), torch.ones(4), atol=1e-4, rtol=0)


def test_running_statistics_are_those_of_batch_norm() -> None:
    ours, theirs = UnitNorm(4, momentum=0.3), torch.nn.BatchNorm1d(4, momentum=0.3, affine=False)
    for _ in range(3):
        x = 3 * torch.randn(50, 4) + 7
        ours(x)
        theirs(x)
    torch.testing.assert_close(ours.mean, theirs.running_mean)
    torch.testing.assert_close(ours.variance, theirs.running_var * 49 / 50, atol=0.02, rtol=0)  # theirs is unbiased
    before = {name: value.clone() for name, value in ours.state_dict().items()}
    ours.eval()
    z, mean, _ = ours(x)
    torch.testing.assert_close(z, (x - ours.mean) / (ours.variance + EPSILON).sqrt())
    assert torch.equal(mean, ours.mean)
    torch.testing.assert_close(ours.of_batch(x)[0].mean(0), torch.zeros(4), atol=1e-5, rtol=0)
    assert all(torch.equal(value, before[name]) for name, value in ours.state_dict().items())


@pytest.mark.parametrize("rectified", [True, False])
def test_a_rung_adds_its_bias_before_its_gain(rectified: bool) -> None:
    rung = Rung(3, 2, rectified=rectified)
    torch.nn.init.normal_(rung.gain)
    torch.nn.init.normal_(rung.bias)
    z = torch.randn(5, 2)
    expected = rung.gain * (z + rung.bias)
    torch.testing.assert_close(rung.activate(z), expected.relu() if rectified else expected)


def test_the_combinator_begins_as_the_identity_on_the_lateral() -> None:
    g = Combinator(3)
    u, lateral = torch.randn(5, 3), torch.randn(5, 3)
    torch.testing.assert_close(g(u, lateral), lateral)
    torch.testing.assert_close(g(u, None), u)  # μ(u) = u


def test_the_combinator_is_its_equation() -> None:
    g = Combinator(2).double()
    for parameter in g.parameters():
        torch.nn.init.normal_(parameter)
    u, lateral = torch.randn(4, 2, dtype=torch.float64), torch.randn(4, 2, dtype=torch.float64)
    for b in range(4):
        for i in range(2):
            a, c = g.mu[:, i].tolist(), g.v[:, i].tolist()
            value = u[b, i].item()
            sigmoid = torch.nn.functional.sigmoid
            mu = a[0] * sigmoid(torch.tensor(a[1] * value + a[2], dtype=torch.float64)).item() + a[3] * value + a[4]
            v = c[0] * sigmoid(torch.tensor(c[1] * value + c[2], dtype=torch.float64)).item() + c[3] * value + c[4]
            expected = (lateral[b, i].item() - mu) * v + mu
            assert g(u, lateral)[b, i].item() == pytest.approx(expected)
            assert g(u, None)[b, i].item() == pytest.approx(mu)


def test_alone_a_process_adds_up_nothing() -> None:
    x = torch.randn(3, 2)
    assert not several()
    assert total(x) is x
    assert gather(x) is x
    assert torch.equal(batch_mean(x), x.mean(0))
