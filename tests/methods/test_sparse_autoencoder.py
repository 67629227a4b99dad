"""What is special about SparseAutoencoder: exactly k entries, a mean activity that obeys, a penalty that bites."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from nolabel import Autoencoder, SparseAutoencoder
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch

DATA = toys.blobs(200, 10)


def _fit(**arguments: Any) -> SparseAutoencoder:
    given = {"hidden": (16,), "latent": 20, "epochs": 20, "batch_size": 50, "learning_rate": 0.01, "random_state": 0}
    return SparseAutoencoder(**{**given, **arguments}).fit(DATA)


def _parts(model: SparseAutoencoder) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        return model.learner_.loss(Batch(DATA.store, torch.arange(len(DATA))), Step(0, 0.0, Draws(0))).parts


@pytest.mark.parametrize("k", [1, 5, 20])
def test_exactly_the_k_largest_speak(k: int) -> None:
    model = _fit(k=k)
    codes = model.transform(DATA)
    assert ((codes != 0).sum(1) == k).all()
    with torch.no_grad():
        everything = model.learner_.encoder(DATA.store).numpy()
    for code, full in zip(codes, everything):
        largest = np.sort(full)[-k:]
        assert np.array_equal(np.sort(code[code != 0]), largest)


def test_keeping_all_is_an_autoencoder() -> None:
    arguments: dict[str, Any] = {"hidden": (16,), "latent": 6, "epochs": 3, "random_state": 0}
    plain = Autoencoder(**arguments).fit(DATA).learner_.state_dict()
    sparse = SparseAutoencoder(k=6, **arguments).fit(DATA).learner_.state_dict()
    assert all(torch.equal(value, sparse[name]) for name, value in plain.items())


@pytest.mark.parametrize("rho", [0.05, 0.2])
def test_mean_activity_obeys_rho(rho: float) -> None:
    model = _fit(penalty="kl", rho=rho, weight=5.0, epochs=60)
    activity = model.transform(DATA).mean(0)
    assert activity.mean() == pytest.approx(rho, rel=0.25)
    assert activity.max() < 2.5 * rho
    free = _fit(penalty="kl", rho=rho, weight=0.0, epochs=60).transform(DATA).mean(0)
    assert np.abs(activity - rho).mean() < 0.3 * np.abs(free - rho).mean()


def test_the_kl_term_is_that_of_the_notes() -> None:
    model = _fit(penalty="kl", rho=0.1, weight=0.7, epochs=2)
    z = model.transform(DATA).astype(np.float64)
    total = 0.0
    for unit in range(20):
        active = sum(z[:, unit]) / len(z)
        total += 0.1 * np.log(0.1 / active) + 0.9 * np.log(0.9 / (1 - active))
    assert _parts(model)["sparsity"].item() == pytest.approx(0.7 * total / 20, rel=1e-4)


def test_the_l1_term_is_the_mean_size_times_the_decoders() -> None:
    model = _fit(penalty="l1", weight=0.3, epochs=2)
    z = model.transform(DATA)
    assert (z >= 0).all()
    columns = model.learner_.decoder.stages[0][0].weight.detach().numpy().T  # (L, H)
    total = sum(size * math.sqrt(sum(column**2)) for row in z for size, column in zip(row, columns))
    assert _parts(model)["sparsity"].item() == pytest.approx(0.3 * total / z.size, rel=1e-4)


def test_a_large_decoder_does_not_make_the_l1_term_small() -> None:
    """Half the code and twice the matrix is the same reconstruction, and must cost the same."""
    model = _fit(penalty="l1", weight=0.3, epochs=2)
    before = _parts(model)
    with torch.no_grad():
        for parameter in model.learner_.encoder.stages[-1][0].parameters():
            parameter.mul_(0.5)
        model.learner_.decoder.stages[0][0].weight.mul_(2)
    after = _parts(model)
    assert after["reconstruction"].item() == pytest.approx(before["reconstruction"].item(), rel=1e-5)
    assert after["sparsity"].item() == pytest.approx(before["sparsity"].item(), rel=1e-5)


def test_a_larger_weight_is_a_sparser_code() -> None:
    shares = [(_fit(penalty="l1", weight=weight).transform(DATA) > 1e-3).mean() for weight in (0.0, 0.1, 1.0)]
    assert shares[0] > shares[1] > shares[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "k must be from 1 to latent=20; got 0"),
        ({"k": 21}, "k must be from 1 to latent=20; got 21"),
        ({"rho": 1.0}, "rho must lie between 0 and 1; got 1.0"),
        ({"penalty": "topc"}, "penalty must be one of 'l1', 'kl', 'topk'; got 'topc'; did you mean 'topk'"),
        ({"penalty": "l1", "weight": -0.1}, "weight must be at least 0; got -0.1"),
    ],
)
def test_senseless_sparsity_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        _fit(**arguments)
