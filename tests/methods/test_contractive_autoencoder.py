"""What is special about ContractiveAutoencoder: the Jacobian's norm, estimated without bias and made smaller."""

from typing import Any

import pytest
import torch
from torch import Tensor

from nolabel import ContractiveAutoencoder
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.methods.contractive_autoencoder import jacobian_norm
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch

DATA = toys.blobs(120, 6)


def _fit(**arguments: Any) -> ContractiveAutoencoder:
    given = {"hidden": (8,), "latent": 4, "epochs": 20, "batch_size": 40, "learning_rate": 0.01, "random_state": 0}
    return ContractiveAutoencoder(**{**given, **arguments}).fit(DATA)


def _exact(model: ContractiveAutoencoder, x: Tensor) -> Tensor:
    """‖J‖²_F of each sample, entry by entry."""
    found = []
    for one in x:
        jacobian = torch.autograd.functional.jacobian(lambda row: model.learner_.encode(row[None])[0], one)
        found.append(jacobian.square().sum())
    return torch.stack(found)


def test_the_estimate_is_right_in_expectation() -> None:
    model = _fit(epochs=3)
    x = DATA.store[:8].requires_grad_()
    exact = _exact(model, x.detach())
    draws = torch.Generator().manual_seed(0)
    total = torch.zeros(8)
    for _ in range(2000):
        z = model.learner_.encode(x)
        total += jacobian_norm(z, x, torch.randn(z.shape, generator=draws)).detach()
    assert torch.allclose(total / 2000, exact, rtol=0.12)
    assert (total.sum() / 2000 / exact.sum()).item() == pytest.approx(1, abs=0.04)


def test_over_a_basis_the_estimate_adds_up_to_the_exact_norm() -> None:
    model = _fit(epochs=2)
    x = DATA.store[:8].requires_grad_()
    total = torch.zeros(8)
    for unit in range(4):
        v = torch.zeros(8, 4)
        v[:, unit] = 1
        total += jacobian_norm(model.learner_.encode(x), x, v).detach()
    assert torch.allclose(total, _exact(model, x.detach()), rtol=1e-4)


def test_for_one_layer_it_is_the_closed_form_of_the_paper() -> None:
    """Σ_j (z_j (1 − z_j))² Σ_i W_ji²."""
    model = _fit(hidden=(5,), latent=None, epochs=2)
    x = DATA.store[:8]
    z = model.learner_.encode(x)
    matrix = model.learner_.encoder.stages[0][0].weight
    closed = ((z * (1 - z)).square() * matrix.square().sum(1)).sum(1)
    assert torch.allclose(_exact(model, x), closed, rtol=1e-4)


def test_the_penalty_is_a_mean_over_samples_and_units() -> None:
    model = _fit(weight=0.7, epochs=2)
    batch = Batch(DATA.store, torch.arange(len(DATA)))
    runs = [model.learner_.loss(batch, Step(0, 0.0, Draws(0, run))).parts["contraction"].item() for run in range(60)]
    wanted = 0.7 * _exact(model, DATA.store).mean().item() / 4
    assert sum(runs) / len(runs) == pytest.approx(wanted, rel=0.1)


def test_a_weight_makes_the_code_contract() -> None:
    norms = [_exact(_fit(weight=weight, epochs=40), DATA.store[:40]).mean().item() for weight in (0.0, 0.1, 3.0)]
    assert norms[0] > norms[1] > norms[2]
    assert norms[2] < 0.5 * norms[0]


def test_the_penalty_is_measured_where_no_gradient_is_kept() -> None:
    """A held-out part is measured under no_grad, and the penalty is a gradient itself."""
    model = _fit(plan={"holdout": 0.25}, epochs=2)
    assert all(record["holdout_loss"] > 0 for record in model.history_)


def test_the_decoder_is_tied() -> None:
    names = [name for name, p in _fit(epochs=1).learner_.named_parameters() if p.ndim > 1]
    assert all(name.startswith("encoder") for name in names)


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"weight must be .*at least 0; got -0\.5"):
        _fit(weight=-0.5)
