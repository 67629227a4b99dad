"""Temperature and calibration error against what was planted, and against their equations in loops."""

import math

import numpy as np
import pytest
import torch

from nolabel.objectives.calibration import COLDEST, WARMEST, best_temperature, calibration_error


def planted(n=4000, k=4, seed=0):
    """Scores, and classes drawn from the softmax of them: calibrated by construction."""
    generator = torch.Generator().manual_seed(seed)
    scores = 2 * torch.randn(n, k, generator=generator)
    return scores, torch.multinomial(scores.softmax(1), 1, generator=generator)[:, 0]


@pytest.mark.parametrize("factor", [0.4, 1.0, 5.0])
def test_the_temperature_undoes_what_was_multiplied(factor):
    scores, y = planted()
    assert best_temperature(scores * factor, y) == pytest.approx(factor, rel=0.06)


def test_the_error_of_calibration_falls_on_over_confident_scores():
    scores, y = planted()
    (told, told_y), (new, new_y) = (scores[:2000], y[:2000]), (scores[2000:], y[2000:])
    t = best_temperature(6 * told, told_y)
    before = calibration_error((6 * new).softmax(1).numpy(), new_y.numpy())
    after = calibration_error((6 * new / t).softmax(1).numpy(), new_y.numpy())
    assert before > 0.2
    assert after < 0.05


def test_it_is_the_minimum():
    scores, y = planted(300)
    t = best_temperature(3 * scores, y)

    def loss(at):
        return torch.nn.functional.cross_entropy(3 * scores.double() / at, y).item()

    assert all(loss(t) <= loss(t * factor) + 1e-9 for factor in (0.9, 0.99, 1.01, 1.1))


def test_weights_count_samples_more_than_once():
    scores, y = planted(300)
    weights = torch.ones(300)
    weights[:100] = 3
    repeated = torch.cat([torch.arange(300), *[torch.arange(100)] * 2])
    assert best_temperature(scores, y, weights) == pytest.approx(best_temperature(scores[repeated], y[repeated]), 1e-4)


def test_it_stays_within_bounds():
    y = torch.arange(20) % 2
    told_apart = torch.stack([1.0 - y, y.float()], 1)
    assert best_temperature(told_apart, y) == pytest.approx(COLDEST, rel=0.1)
    assert best_temperature(told_apart, 1 - y) == pytest.approx(WARMEST, rel=0.1)


def test_the_error_is_its_equation():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 200)
    y = rng.integers(0, 3, 200)
    total = 0.0
    for m in range(10):
        inside = [i for i in range(200) if math.floor(min(p[i].max() * 10, 9.999)) == m]
        if inside:
            accuracy = sum(p[i].argmax() == y[i] for i in inside) / len(inside)
            confidence = sum(p[i].max() for i in inside) / len(inside)
            total += len(inside) / 200 * abs(accuracy - confidence)
    assert calibration_error(p, y, bins=10) == pytest.approx(total)


def test_the_global_generator_is_left_alone():
    before = torch.random.get_rng_state()
    best_temperature(*planted(50))
    assert torch.equal(before, torch.random.get_rng_state())
