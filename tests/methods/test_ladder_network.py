"""What is special about LadderNetwork: laterals, whose statistics are used when, the way down alone, few labels."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nolabel import LadderNetwork
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.methods.ladder_network import LadderNetworkLearner
from nolabel.randomness import Draws
from nolabel.training.engine import evaluating
from nolabel.training.learner import Step
from nolabel.types import Batch

DATA = toys.blobs(150, 8)
CLASSES: Any = DATA.labels


def _fit(y: Any = CLASSES, **arguments: Any) -> LadderNetwork:
    given = {"hidden": (12, 4), "epochs": 10, "batch_size": 50, "learning_rate": 0.01, "random_state": 0}
    return LadderNetwork(**{**given, **arguments}).fit(DATA, y)


def _first(y: Any = CLASSES, **arguments: Any) -> LadderNetworkLearner:
    """First weights, in training mode."""
    learner: Any = _fit(y, epochs=1, **arguments)._new_learner(0)
    return learner.train()  # type: ignore[no-any-return]


def _step(seed: int = 0) -> Step:
    return Step(0, 0.5, Draws(seed))


# --- laterals --------------------------------------------------------------------------------------------------------


def test_at_first_every_layer_is_its_own_lateral() -> None:
    """g(z̃, u) = z̃ as in the paper: the decoder begins by passing on what it is shown."""
    learner = _first()
    with torch.no_grad():
        h, laterals = learner.climb_noisy(DATA.store, _step())
        for z_hat, lateral in zip(learner.descend(h, laterals), laterals):
            assert torch.allclose(z_hat, lateral, atol=1e-6)


def test_the_way_down_needs_no_laterals() -> None:
    model = _fit(epochs=40)
    codes = model.transform(DATA)
    assert codes.shape == (150, 4)
    assert model.inverse_transform(codes) == pytest.approx(model.reconstruct(DATA), abs=1e-4)
    with torch.no_grad():
        rebuilt = model.learner_.decode(torch.from_numpy(codes))
    assert (rebuilt - DATA.store).square().mean() < 0.2, "the code alone says what the sample was: of 1, the variance"


def test_constants_that_the_next_layer_subtracts_take_no_step() -> None:
    """Their gradient is 0 but for rounding, which Adam would blow up to whole steps that no two machines share."""
    learner = _first()
    losses = learner.loss(Batch(DATA.store[:40], torch.arange(40), torch.from_numpy(CLASSES[:40])), _step())
    losses.parts["reconstruction"].backward()
    constants = [combine.mu.grad[4] for combine in learner.combine]
    assert constants[0].abs().min() > 1e-4, "at the data nothing comes after"
    assert not any(constant.any() for constant in constants[1:])


# --- whose statistics ------------------------------------------------------------------------------------------------


def test_training_uses_the_batchs_statistics_and_transform_the_running_ones() -> None:
    learner: LadderNetworkLearner = _fit().learner_
    x = 3 * DATA.store[:40] + 1  # another mean and deviation than those of the data
    with torch.no_grad():
        learner.train()
        _, z, mu, sigma = learner.climb(x)
        before = learner.up[0].linear(x)
        assert torch.allclose(mu[1], before.mean(0), atol=1e-5)
        assert torch.allclose(sigma[1].square(), before.var(0, correction=0) + 1e-5, rtol=1e-4)
        assert torch.allclose(z[1].mean(0), torch.zeros(12), atol=1e-4)
        learner.eval()
        norm = learner.up[0].norm
        _, z, mu, sigma = learner.climb(x)
        assert torch.equal(mu[1], norm.mean)
        assert torch.allclose(z[1], (before - norm.mean) / (norm.variance + 1e-5).sqrt(), atol=1e-5)


def test_running_statistics_come_near_those_of_the_data() -> None:
    learner: LadderNetworkLearner = _fit(epochs=60, learning_rate=0.001).learner_
    with torch.no_grad():
        before = learner.up[0].linear(DATA.store)
    assert torch.allclose(learner.up[0].norm.mean, before.mean(0), atol=0.2)
    assert torch.allclose(learner.up[0].norm.variance, before.var(0), rtol=0.3)


def test_the_noisy_encoder_leaves_running_statistics_alone() -> None:
    learner = _first()
    before = {name: value.clone() for name, value in learner.named_buffers()}
    learner.climb_noisy(DATA.store, _step())
    assert all(torch.equal(value, before[name]) for name, value in learner.named_buffers())
    learner.climb(DATA.store)
    assert not torch.equal(learner.up[0].norm.mean, before["up.0.norm.mean"])


def test_without_noise_both_encoders_are_one() -> None:
    learner = _first(noise=0.0)
    with torch.no_grad():
        clean, z, _, _ = learner.climb(DATA.store)
        noisy, z_tilde = learner.climb_noisy(DATA.store, _step())
    assert torch.allclose(clean, noisy, atol=1e-5)
    for one, other in zip(z, z_tilde):
        assert torch.allclose(one, other, atol=1e-5)


# --- the loss --------------------------------------------------------------------------------------------------------


def test_the_loss_is_the_sum_written_out() -> None:
    costs, top_down = (5.0, 0.3), 2.0
    y = torch.from_numpy(np.where(np.arange(150) % 3, -1, CLASSES))
    learner = _first(y, costs=costs, top_down=top_down)
    with torch.no_grad():
        for combine in learner.combine:
            combine.v.add_(0.1 * torch.randn(combine.v.shape))
    losses = learner.loss(Batch(DATA.store, torch.arange(150), y), _step(3))
    x = DATA.store
    with torch.no_grad():
        h, z, mu, sigma = learner.climb(x)
        h_tilde, z_tilde = learner.climb_noisy(x, _step(3))
        z_hat = _descend_by_hand(learner, h_tilde, z_tilde)
        denoising = 0.0
        for level, cost in enumerate((5.0, 0.3, 0.3)):  # the last serves all layers above
            rescaled = (z_hat[level] - mu[level]) / sigma[level]
            for unit in range(z[level].shape[1]):
                denoising += cost * (rescaled[:, unit] - z[level][:, unit]).square().mean().item() / z[level].shape[1]
        assert losses.parts["denoising"].item() == pytest.approx(denoising, rel=1e-4)
        log_p = learner.classifier(h_tilde).log_softmax(1)
        wanted = -np.mean([log_p[row, y[row]].item() for row in range(150) if y[row] >= 0])
        assert losses.parts["classification"].item() == pytest.approx(wanted, rel=1e-4)
        error = (learner.descend(h)[0] - x).square().mean().item()
        assert losses.parts["reconstruction"].item() == pytest.approx(top_down * error, rel=1e-3)


def _descend_by_hand(learner: LadderNetworkLearner, h: Tensor, laterals: list[Tensor]) -> list[Tensor]:
    def normalised(x: Tensor) -> Tensor:
        return (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt()

    def curve(a: Tensor, u: Tensor) -> Tensor:
        return a[0] * torch.sigmoid(a[1] * u + a[2]) + a[3] * u + a[4]

    u, found = normalised(h), []
    for level in (2, 1, 0):
        combine = learner.combine[level]
        mu, v = curve(combine.mu, u), curve(combine.v, u)
        found.insert(0, (laterals[level] - mu) * v + mu)
        if level:
            u = normalised(found[0] @ learner.down[level - 1].weight.T)
    return found


# --- labels ----------------------------------------------------------------------------------------------------------


def test_a_handful_of_labels_is_enough() -> None:
    y = np.full(150, -1)
    for one in range(3):
        y[np.flatnonzero(one == CLASSES)[:2]] = one
    model = _fit(y, epochs=60)
    assert (model.predict(DATA) == CLASSES)[y < 0].mean() > 0.95


def test_words_come_back_as_words() -> None:
    words = np.array(["ant", "bee", "cat"])[CLASSES]
    model = _fit([str(word) if row % 2 else None for row, word in enumerate(words)], epochs=40)
    assert model.classes_.tolist() == ["ant", "bee", "cat"]
    assert (model.predict(DATA) == words).mean() > 0.95
    with torch.no_grad(), evaluating(model.learner_):
        logits = model.learner_.logits(model.learner_.encode(DATA.store))
    assert model.predict_proba(DATA) == pytest.approx(logits.softmax(1).numpy(), abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"noise": -0.1}, "noise and top_down must be at least 0; got -0.1"),
        ({"top_down": -1.0}, "noise and top_down must be at least 0; got 0.3 and -1.0"),
        ({"costs": ()}, r"costs must be numbers of at least 0, one or more; got \(\)"),
        ({"costs": (1.0, -1.0)}, "costs must be numbers of at least 0, one or more"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        _fit(epochs=1, **arguments)
