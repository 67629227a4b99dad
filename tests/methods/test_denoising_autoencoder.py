"""What is special about DenoisingAutoencoder: each kind of damage, and that it is undone."""

from typing import Any

import numpy as np
import pytest
import torch

import nolabel
from nolabel import Autoencoder, DenoisingAutoencoder
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.types import Batch

IMAGES = toys.stripes(64, 12)


def _damaged(noise: str, amount: float, X: Any = None) -> tuple[Any, Any]:
    X = np.asarray(IMAGES.store)[:, 0] if X is None else X
    model = DenoisingAutoencoder(noise=noise, amount=amount, hidden=(4,), latent=2, epochs=1, random_state=0).fit(X)
    return X, model.corrupt(X, random_state=1)


def test_gaussian_noise_has_the_deviation_asked_for() -> None:
    grey = np.full((40, 12, 12), 128, np.uint8)
    grey[0, 0, 0] = 0
    X, noisy = _damaged("gaussian", 0.1, grey)
    difference = (noisy.astype(float) - X)[1:] / 255
    assert difference.std() == pytest.approx(0.1, rel=0.05)
    assert abs(difference.mean()) < 0.005


def test_masking_blanks_the_fraction_asked_for() -> None:
    X, noisy = _damaged("masking", 0.4, np.maximum(np.asarray(IMAGES.store)[:, 0], 1))
    hit = noisy == 0
    assert hit.mean() == pytest.approx(0.4, abs=0.03)
    assert (noisy[~hit] == X[~hit]).all()


def test_salt_and_pepper_are_evenly_thrown() -> None:
    X, noisy = _damaged("salt_and_pepper", 0.3, np.clip(np.asarray(IMAGES.store)[:, 0], 1, 254))
    salt, pepper = noisy == 255, noisy == 0
    assert salt.mean() == pytest.approx(0.15, abs=0.02)
    assert pepper.mean() == pytest.approx(0.15, abs=0.02)
    assert (noisy[~salt & ~pepper] == X[~salt & ~pepper]).all()


def test_one_block_of_every_image_is_erased() -> None:
    X, noisy = _damaged("blocks", 0.25, np.maximum(np.asarray(IMAGES.store)[:, 0], 1))
    hit = noisy == 0
    assert (noisy[~hit] == X[~hit]).all()
    assert hit.mean() == pytest.approx(0.25, abs=0.04)
    for one in hit:
        rows, columns = np.flatnonzero(one.any(1)), np.flatnonzero(one.any(0))
        assert one[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all(), "what is erased is a rectangle"
        assert one.sum() == len(rows) * len(columns)
    assert len({tuple(one.flatten()) for one in hit}) > 40, "blocks lie in different places"


def _rows(n: int = 600, d: int = 12) -> Any:
    """Rows near a plane, every column of which says something about the others."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 2)) @ rng.choice([-1.0, 1.0], size=(2, d)) + 0.1 * rng.normal(size=(n, d))


@pytest.mark.parametrize(
    ("noise", "amount", "gain"), [("gaussian", 0.6, 0.5), ("masking", 0.3, 0.6), ("salt_and_pepper", 0.2, 0.5)]
)
def test_damaged_rows_are_mended(noise: str, amount: float, gain: float) -> None:
    clean = _rows()
    model = DenoisingAutoencoder(
        noise=noise, amount=amount, hidden=(32,), latent=4, epochs=40, learning_rate=0.005, random_state=0
    ).fit(clean)
    damaged = model.corrupt(clean, random_state=7)
    mended = model.reconstruct(damaged)
    assert np.square(mended - clean).mean() < gain * np.square(damaged - clean).mean()


def test_erased_blocks_are_filled() -> None:
    data = toys.stripes(200, 8)
    model = DenoisingAutoencoder(
        noise="blocks",
        amount=0.25,
        hidden=(16,),
        latent=16,
        epochs=30,
        batch_size=32,
        learning_rate=0.005,
        random_state=0,
    ).fit(data)
    clean = np.asarray(data.store, dtype=np.float64)[:, 0]
    damaged = model.corrupt(data, random_state=7)
    assert np.square(model.reconstruct(damaged) - clean).mean() < 0.5 * np.square(damaged - clean).mean()


def test_it_mends_better_than_a_plain_autoencoder() -> None:
    clean = _rows(400)
    arguments: dict[str, Any] = {"hidden": (64,), "latent": 12, "epochs": 40, "learning_rate": 0.005, "random_state": 0}
    denoising = DenoisingAutoencoder(amount=0.6, **arguments).fit(clean)
    plain = Autoencoder(**arguments).fit(clean)
    noisy = denoising.corrupt(clean, random_state=3)
    errors = [np.square(model.reconstruct(noisy) - clean).mean() for model in (denoising, plain)]
    assert errors[0] < 0.7 * errors[1]


def test_without_damage_it_is_an_autoencoder() -> None:
    data = toys.stripes(64, 8)
    arguments: dict[str, Any] = {"hidden": (8,), "latent": 4, "epochs": 3, "random_state": 0}
    plain = Autoencoder(**arguments).fit(data).learner_.state_dict()
    undamaged = DenoisingAutoencoder(amount=0.0, **arguments).fit(data).learner_.state_dict()
    assert all(torch.equal(value, undamaged[name]) for name, value in plain.items())


def test_the_clean_sample_is_the_target() -> None:
    from nolabel.randomness import Draws
    from nolabel.training.learner import Step

    data = toys.blobs(32, 6)
    model = DenoisingAutoencoder(noise="masking", amount=0.5, hidden=(8,), latent=3, epochs=1, random_state=0).fit(data)
    learner = model.learner_
    x = data.store
    reported = learner.loss(Batch(x, torch.arange(32)), Step(0, 0.0, Draws(5))).total
    by_hand = (learner.decoder(learner.encoder(learner.corrupt(x, Draws(5)))) - x).square().mean()
    assert torch.allclose(reported, by_hand)


def test_new_noise_is_drawn_at_every_step_and_with_every_seed() -> None:
    X, first = _damaged("gaussian", 0.2)
    model = DenoisingAutoencoder(amount=0.2, hidden=(4,), latent=2, epochs=1, random_state=0).fit(X)
    assert np.array_equal(model.corrupt(X, random_state=1), first)
    assert not np.array_equal(model.corrupt(X, random_state=2), first)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"noise": "guassian"}, "noise must be one of 'gaussian'.*did you mean 'gaussian'"),
        ({"noise": "masking", "amount": 1.5}, "amount must be .*at least 0 and at most 1; got 1.5"),
        ({"amount": -0.1}, "amount must be .*at least 0; got -0.1"),
    ],
)
def test_senseless_damage_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        DenoisingAutoencoder(epochs=1, **arguments).fit(IMAGES)


def test_blocks_are_for_images() -> None:
    with pytest.raises(ArgumentError, match="blocks' erases parts of images; use 'masking' for tables"):
        DenoisingAutoencoder(noise="blocks", epochs=1).fit(toys.blobs(20, 4))


def test_a_frame_is_damaged_as_a_frame() -> None:
    frame, _ = toys.mixed(60)
    model = DenoisingAutoencoder(noise="masking", amount=0.3, hidden=(8,), latent=3, epochs=1, random_state=0).fit(
        frame
    )
    damaged = model.corrupt(frame)
    assert list(damaged.columns) == list(frame.columns)
    assert model.reconstruct(damaged).shape == frame.shape
    assert nolabel.open(damaged, spec=model.spec_).spec == model.spec_
