"""What is special about Autoencoder: principal components as its linear case, tied weights, the layer-wise term."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

import nolabel
from nolabel import Autoencoder
from nolabel.data import toys
from nolabel.methods.autoencoder import AutoencoderLearner
from nolabel.nets.mlp import mlp
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch


def _rows(n: int = 300, d: int = 10) -> Any:
    """Rows near a plane in d dimensions, of unequal variance along it."""
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(d, 2)))[0].T
    return rng.normal(size=(n, 2)) * np.array([4.0, 2.0]) @ directions + 0.2 * rng.normal(size=(n, d))


@pytest.mark.parametrize("hidden", [(2,), (6, 2)])
def test_a_linear_one_spans_the_principal_components(hidden: tuple[int, ...]) -> None:
    X = _rows()
    data = nolabel.open(X, scaling="none")
    model = Autoencoder(
        hidden=hidden, activation="linear", loss="mse", epochs=120, batch_size=50, learning_rate=0.01, random_state=0
    ).fit(data)
    pca = PCA(2).fit(X)
    ends = torch.eye(2)
    with torch.no_grad():  # the columns of the decoder, as differences of what it makes of codes
        origin = model.learner_.decode(torch.zeros(1, 2))
        columns = (model.learner_.decode(ends) - origin).T.double().numpy()
    assert np.degrees(subspace_angles(columns, pca.components_.T)).max() < 3
    best = np.square(X - pca.inverse_transform(pca.transform(X))).mean()
    assert np.square(X - model.reconstruct(data)).mean() < 1.1 * best


# --- tied weights ----------------------------------------------------------------------------------------------------

DATA: dict[str, Callable[[], Any]] = {"mlp": lambda: toys.blobs(64, 10), "conv": lambda: toys.stripes(64, 8)}


def _tied(net: str, tied: bool = True, **arguments: Any) -> Autoencoder:
    return Autoencoder(
        net=net, hidden=(6,), latent=3, tied=tied, epochs=3, batch_size=32, random_state=0, **arguments
    ).fit(DATA[net]())


@pytest.mark.parametrize("net", DATA)
def test_tied_weights_are_one_tensor(net: str, tmp_path: Path) -> None:
    tied, free = _tied(net), _tied(net, tied=False)
    counts = [sum(p.numel() for p in model.learner_.parameters()) for model in (tied, free)]
    matrices = sum(p.numel() for p in tied.learner_.encoder.parameters() if p.ndim > 1)
    assert counts[0] == counts[1] - matrices
    tied.save(tmp_path)
    saved = load_file(tmp_path / "model.safetensors")
    assert sum(value.numel() for value in saved.values()) == counts[0]
    assert not [name for name, value in saved.items() if name.startswith("decoder") and value.ndim > 1]


def test_a_tied_decoder_is_the_transpose() -> None:
    learner = _tied("mlp", activation="linear").learner_
    first, second = (stage[0] for stage in learner.encoder.stages)
    third, fourth = (stage[0] for stage in learner.decoder.stages)
    z = torch.randn(5, 3)
    by_hand = (z @ second.weight + third.bias) @ first.weight + fourth.bias
    assert torch.allclose(learner.decoder(z), by_hand, atol=1e-6)


def test_a_tied_convolution_is_the_adjoint() -> None:
    """<conv(x), h> = <x, convᵀ(h)> for the bare kernels."""
    learner = _tied("conv", activation="linear").learner_
    conv, transposed = learner.encoder.stages[0][0], learner.decoder.stages[-1][0]
    x, h = torch.randn(2, 1, 8, 8), torch.randn(2, 6, 4, 4)
    up = transposed(h) - transposed.bias.view(1, -1, 1, 1)
    down = conv(x) - conv.bias.view(1, -1, 1, 1)
    assert torch.allclose((down * h).sum(), (x * up).sum(), rtol=1e-4)


WAYS: dict[str, Callable[[Any, Path], Any]] = {
    "deepcopy": lambda model, _: copy.deepcopy(model),
    "pickle": lambda model, _: pickle.loads(pickle.dumps(model)),
    "save and load": lambda model, folder: nolabel.load(model.save(folder)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("net", DATA)
def test_tied_weights_stay_tied_in_a_copy(net: str, way: str, tmp_path: Path) -> None:
    model = _tied(net)
    other = WAYS[way](model, tmp_path)
    z = torch.randn(4, 3)
    with torch.no_grad():
        before, theirs = model.learner_.decode(z), other.learner_.decode(z)
        assert torch.equal(before, theirs)
        for parameter in other.learner_.encoder.parameters():
            parameter.mul_(2)
        assert not torch.allclose(other.learner_.decode(z), theirs), "the copy's decoder has matrices of its own"
        assert torch.equal(model.learner_.decode(z), before), "the copy's decoder uses the original's matrices"


# --- the layer-wise term ---------------------------------------------------------------------------------------------


def test_the_layerwise_term_is_the_sum_over_layers() -> None:
    encoder, decoder = mlp((7, 5, 4, 3), "tanh"), mlp((3, 4, 5, 7), "tanh")
    weight = 0.3
    learner = AutoencoderLearner(encoder, decoder, "mse", weight)
    batch = Batch(torch.randn(6, 7), torch.arange(6))
    losses = learner.loss(batch, Step(0, 0.0, Draws(0)))

    def layers(stack: Any, x: torch.Tensor) -> list[torch.Tensor]:
        found = []
        for stage in stack.stages:
            x = stage(x)
            found.append(x)
        return found

    h1, h2, z = layers(encoder, batch.x)
    h2_hat, h1_hat, x_hat = layers(decoder, z)
    by_hand = 0.0
    for h, h_hat in ((h1, h1_hat), (h2, h2_hat)):
        square = 0.0
        for sample in range(6):
            for unit in range(h.shape[1]):
                square += (h[sample, unit] - h_hat[sample, unit]).item() ** 2
        by_hand += square / h.numel()
    assert losses.parts["layerwise"].item() == pytest.approx(weight * by_hand, rel=1e-5)
    assert losses.parts["reconstruction"].item() == pytest.approx((batch.x - x_hat).square().mean().item(), rel=1e-5)
    losses.parts["layerwise"].backward()
    reached = [p.grad is not None for stage in (encoder.stages[0], decoder.stages[0]) for p in stage.parameters()]
    assert all(reached), "the term's gradient reaches both sides"


def test_the_layerwise_term_brings_hidden_layers_together() -> None:
    data = toys.blobs(128, 10)

    def apart(weight: float) -> float:
        model = Autoencoder(hidden=(8, 4), latent=2, layerwise=weight, epochs=30, learning_rate=0.01, random_state=0)
        learner = model.fit(data).learner_
        with torch.no_grad():
            *hidden, z = learner.encoder.trace(data.store)
            *mirrored, _ = learner.decoder.trace(z)
            return sum((h - h_hat).square().mean().item() for h, h_hat in zip(hidden, reversed(mirrored)))

    assert apart(1.0) < 0.3 * apart(0.0)


# --- the rest --------------------------------------------------------------------------------------------------------


def test_hidden_alone_ends_in_the_code() -> None:
    model = Autoencoder(hidden=(12, 6, 3), epochs=1, random_state=0).fit("digits")
    widths = [stage[0].out_features for stage in model.learner_.encoder.stages]
    assert widths == [12, 6, 3]
    assert [stage[0].out_features for stage in model.learner_.decoder.stages] == [6, 12, 64]
    assert model.transform("digits").shape == (1797, 3)


def test_what_is_missing_is_not_held_against_the_reconstruction() -> None:
    frame = pd.DataFrame(_rows(80, 5), columns=list("abcde"))
    frame.loc[::4, "b"] = np.nan
    model = Autoencoder(hidden=(4,), latent=2, epochs=3, random_state=0).fit(frame)
    data = nolabel.open(frame, spec=model.spec_)
    assert data.mask is not None
    with torch.no_grad():
        rebuilt = model.learner_.decode(model.learner_.encode(data.store))
    squares = np.where(np.asarray(data.mask), np.square(np.asarray(rebuilt - data.store)), np.nan)
    assert model.score_samples(frame) == pytest.approx(-np.nanmean(squares, axis=1), rel=1e-5)


def test_planted_outliers_score_lowest() -> None:
    X = _rows(200, 8)
    model = Autoencoder(hidden=(16,), latent=2, epochs=40, learning_rate=0.01, random_state=0).fit(X)
    odd = X[:5] + np.random.default_rng(0).normal(size=(5, 8)) * X.std(0)
    assert model.score_samples(odd).max() < np.quantile(model.score_samples(X), 0.05)


def test_cross_entropy_on_standardised_columns_is_refused() -> None:
    with pytest.raises(nolabel.errors.ArgumentError, match=r"loss='bce' needs values in \[0, 1\].*scaling='minmax'"):
        Autoencoder(loss="bce", epochs=1).fit(_rows(20, 3))
    Autoencoder(loss="bce", epochs=1).fit(nolabel.open(_rows(20, 3), scaling="minmax"))


def test_a_negative_weight_of_the_layers_is_refused() -> None:
    with pytest.raises(nolabel.errors.ArgumentError, match="layerwise must be at least 0; got -1"):
        Autoencoder(layerwise=-1.0, epochs=1).fit(_rows(20, 3))
