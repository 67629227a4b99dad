"""What is special about VAE: its bound is a bound, its parts are the paper's, and it can draw new samples."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Independent, MultivariateNormal, Normal, kl_divergence

import nolabel
from nolabel import VAE
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.methods.vae import VAELearner
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch

TABLE = toys.blobs(150, 6)
IMAGES = toys.stripes(80, 8)


def _fit(data: Any = TABLE, **arguments: Any) -> VAE:
    given = {"hidden": (16,), "latent": 3, "epochs": 25, "batch_size": 50, "learning_rate": 0.01, "random_state": 0}
    return VAE(**{**given, **arguments}).fit(data)


def _batch(data: Any = TABLE, rows: int = 40) -> Batch:
    index = torch.arange(rows)
    stored, _ = data.rows(index)
    return Batch(stored.float() / 255 if stored.dtype == torch.uint8 else stored, index)


def _posterior(model: VAE, batch: Batch) -> Normal:
    with torch.no_grad():
        mu, log_var = model.learner_.posterior(batch.x)
    return Normal(mu, torch.exp(0.5 * log_var))


# --- parts -----------------------------------------------------------------------------------------------------------


def test_the_kl_is_that_of_the_distributions() -> None:
    model, batch = _fit(epochs=5), _batch()
    exact = kl_divergence(_posterior(model, batch), Normal(0.0, 1.0)).sum(1).mean()
    losses = model.learner_.loss(batch, Step(0, 0.0, Draws(0)))
    assert losses.parts["kl"].item() == pytest.approx(exact.item(), rel=1e-4)
    assert losses.signals["nats"].item() == pytest.approx(exact.item(), rel=1e-4)


@pytest.mark.parametrize("kind", ["table", "images"])
def test_the_reconstruction_is_minus_the_log_likelihood(kind: str) -> None:
    data = TABLE if kind == "table" else IMAGES
    model, batch = _fit(data, epochs=3), _batch(data)
    learner: VAELearner = model.learner_
    q = _posterior(model, batch)
    reported = learner.loss(batch, Step(0, 0.0, Draws(9))).parts["reconstruction"]
    with torch.no_grad():
        z = q.mean + q.stddev * Draws(9).normal(q.mean)
        output = learner.decoder(z)
        if kind == "table":
            assert learner.log_sigma is not None
            p: Any = Normal(output, learner.log_sigma.exp())
        else:
            p = Bernoulli(logits=output, validate_args=False)  # grey values are taken as means
        log_p = p.log_prob(batch.x).flatten(1).sum(1).mean()
    assert reported.item() == pytest.approx(-log_p.item(), rel=1e-4)


def test_beta_scales_the_kl_alone() -> None:
    batch = _batch()
    losses = {}
    for beta in (0.0, 1.0, 4.0):
        model = _fit(beta=beta, epochs=1)
        first: Any = model._new_learner(0)
        losses[beta] = first.loss(batch, Step(0, 0.0, Draws(3))).parts
    assert losses[0.0]["kl"].item() == 0
    assert losses[4.0]["kl"].item() == pytest.approx(4 * losses[1.0]["kl"].item(), rel=1e-5)
    assert losses[0.0]["reconstruction"].item() == losses[4.0]["reconstruction"].item()


def test_beta_trades_reconstruction_for_order() -> None:
    nats = [_fit(beta=beta, epochs=40).history_[-1]["nats"] for beta in (0.0, 1.0, 20.0)]
    assert nats[0] > nats[1] > nats[2]


def test_free_bits_are_not_charged() -> None:
    batch = _batch()
    first: Any = _fit(epochs=1, free_bits=100.0)._new_learner(0)
    losses = first.loss(batch, Step(0, 0.0, Draws(0)))
    assert losses.parts["kl"].item() == pytest.approx(300.0), "three latents, each below its allowance"
    losses.parts["kl"].backward()
    assert all(p.grad is None or not p.grad.any() for p in first.parameters())
    with_bits = _fit(beta=20.0, free_bits=0.5, epochs=40).history_[-1]["nats"]
    assert with_bits > _fit(beta=20.0, epochs=40).history_[-1]["nats"] + 0.2


# --- bounds ----------------------------------------------------------------------------------------------------------


def _exact_log_likelihood(model: VAE, x: Tensor) -> Tensor:
    """Log p(x) when the decoder is linear: x ~ N(b, W Wᵀ + σ² I)."""
    learner: VAELearner = model.learner_
    assert learner.log_sigma is not None
    with torch.no_grad():
        origin = learner.decode(torch.zeros(1, learner.latent))
        W = (learner.decode(torch.eye(learner.latent)) - origin).T.double()
        variance = torch.exp(2 * learner.log_sigma).double()
        covariance = W @ W.T + variance * torch.eye(len(W), dtype=torch.float64)
        return MultivariateNormal(origin[0].double(), covariance).log_prob(x.double())


def test_the_estimate_meets_the_exact_likelihood_of_a_linear_model() -> None:
    model = _fit(activation="linear", latent=2, epochs=60)
    exact = _exact_log_likelihood(model, TABLE.store).numpy()
    estimate = model.log_likelihood(TABLE, importance_samples=8000)
    assert estimate.mean() == pytest.approx(exact.mean(), abs=0.05)
    assert np.abs(estimate - exact).max() < 0.2
    bound = model.score_samples(TABLE)
    assert bound.mean() <= exact.mean() + 0.02
    assert exact.mean() - bound.mean() < 2, "the bound of a trained model is not far off"


@pytest.mark.parametrize("data", [TABLE, IMAGES], ids=["table", "images"])
def test_bounds_lie_below_the_likelihood_and_tighten(data: Any) -> None:
    model = _fit(data, epochs=10)
    bound = model.score_samples(data).mean()

    def estimate(draws: int) -> float:
        runs = [model.log_likelihood(data, importance_samples=draws, random_state=run).mean() for run in range(20)]
        return float(np.mean(runs))

    estimates = [estimate(draws) for draws in (2, 10, 100)]
    assert bound <= estimates[2]
    assert estimates[0] < estimates[1] < estimates[2]
    assert np.array_equal(model.log_likelihood(data), model.log_likelihood(data)), "the draws are fixed"


def test_one_importance_sample_is_the_ordinary_bound_in_expectation() -> None:
    model, batch = _fit(epochs=5), _batch()
    learner: VAELearner = model.learner_
    with torch.no_grad():
        mu, log_var = learner.posterior(batch.x)
        draws = torch.randn(len(batch), 4000, 3, generator=torch.Generator().manual_seed(0))
        one_at_a_time = learner.log_weights(batch, mu, log_var, draws).mean().item()
        runs = [learner.loss(batch, Step(0, 0.0, Draws(run))).total.item() for run in range(400)]
    assert one_at_a_time == pytest.approx(-np.mean(runs), rel=0.01)


def test_the_importance_weighted_loss_is_the_log_of_the_mean_weight() -> None:
    model, batch = _fit(importance_samples=4, epochs=2), _batch(rows=5)
    learner: VAELearner = model.learner_
    reported = learner.loss(batch, Step(0, 0.0, Draws(1))).total.item()
    q = _posterior(model, batch)
    epsilon = Draws(1).normal(q.mean[:, None].expand(-1, 4, -1))
    total = 0.0
    with torch.no_grad():
        for row in range(5):
            weights = []
            for k in range(4):
                z = q.mean[row] + q.stddev[row] * epsilon[row, k]
                x_given_z = Independent(Normal(learner.decoder(z[None])[0], learner.log_sigma.exp()), 1)
                log_w = x_given_z.log_prob(batch.x[row]) + Normal(0.0, 1.0).log_prob(z).sum()
                weights.append((log_w - Normal(q.mean[row], q.stddev[row]).log_prob(z).sum()).item())
            total += math.log(sum(math.exp(w) for w in weights) / 4)
    assert reported == pytest.approx(-total / 5, rel=1e-4)


def test_more_importance_samples_are_a_tighter_loss() -> None:
    learner: VAELearner = _fit(epochs=5).learner_
    batch = _batch(rows=100)
    bounds = []
    for count in (2, 8, 64):
        learner.importance_samples = count
        with torch.no_grad():
            runs = [learner.loss(batch, Step(0, 0.0, Draws(run))).total.item() for run in range(20)]
        bounds.append(np.mean(runs))
    assert bounds[0] > bounds[1] > bounds[2]


# --- the learned deviation -------------------------------------------------------------------------------------------


def test_the_learned_sigma_is_the_residuals() -> None:
    model = _fit(epochs=80, batch_size=25)
    learner: VAELearner = model.learner_
    batch = _batch(rows=150)
    with torch.no_grad():
        q = _posterior(model, batch)
        residual = (learner.decoder(q.sample()) - batch.x).square().mean().sqrt().item()
    assert learner.log_sigma is not None
    assert learner.log_sigma.exp().item() == pytest.approx(residual, rel=0.15)
    assert residual < 0.7, "and it did learn something"


# --- what users call -------------------------------------------------------------------------------------------------


def test_transform_is_the_posterior_mean() -> None:
    model = _fit(epochs=2)
    q = _posterior(model, _batch(rows=150))
    assert np.allclose(model.transform(TABLE), q.mean.numpy(), atol=1e-6)


def test_samples_come_in_the_users_form() -> None:
    frame, _ = toys.mixed(80)
    of_frames = _fit(frame, epochs=2).sample(7, random_state=0)
    assert list(of_frames.columns) == list(frame.columns)
    assert len(of_frames) == 7
    assert set(of_frames["colour"]) <= {"red", "green", "blue"}
    colour = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    of_images = _fit(colour, epochs=1).sample(5, random_state=0)
    assert of_images.shape == (5, 8, 8, 3)
    assert of_images.dtype == np.uint8


def test_samples_look_like_the_data() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 1)) @ np.array([[1.0, 2.0, -3.0]]) + 0.1 * rng.normal(size=(400, 3)) + 5
    drawn = _fit(X, latent=2, epochs=60).sample(500, random_state=0)
    assert drawn.mean(0) == pytest.approx(X.mean(0), abs=0.6)
    assert np.corrcoef(drawn.T)[0, 2] < -0.9
    assert drawn.std(0) == pytest.approx(X.std(0), rel=0.35)


def test_samples_differ_unless_seeded() -> None:
    model = _fit(epochs=1)
    assert not np.array_equal(model.sample(4), model.sample(4))
    with pytest.raises(ArgumentError, match="n must be a whole number of at least 1; got 0"):
        model.sample(0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta": -1.0}, "beta and free_bits must be at least 0"),
        ({"free_bits": -1.0}, "beta and free_bits must be at least 0"),
        ({"importance_samples": 0}, "importance_samples must be at least 1; got 0"),
        ({"importance_samples": 5, "beta": 2.0}, "with importance_samples above 1 the bound has no KL term"),
        ({"importance_samples": 5, "free_bits": 0.1}, "with importance_samples above 1 the bound has no KL term"),
    ],
)
def test_senseless_bounds_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        _fit(epochs=1, **arguments)


def test_missing_values_have_no_say_in_the_bound() -> None:
    frame = toys.mixed(80)[0][["height", "income"]]
    model = _fit(frame, epochs=3, latent=2)
    data = nolabel.open(frame, spec=model.spec_)
    assert data.mask is not None
    batch = Batch(data.store, torch.arange(80), None, data.mask)
    learner: VAELearner = model.learner_
    with torch.no_grad():
        output = learner.decoder(learner.encode(batch.x))
        nll = learner.negative_log_likelihood(output, batch.x, batch.mask)
        sigma = learner.log_sigma.exp()
        per_entry = -Normal(output, sigma).log_prob(batch.x)
    assert torch.allclose(nll, (per_entry * data.mask).sum(1), rtol=1e-4)
