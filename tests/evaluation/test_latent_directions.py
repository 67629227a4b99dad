import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from torch import nn

import nolabel
from nolabel.data.toys import stripes
from nolabel.errors import ArgumentError
from nolabel.evaluation.latent_directions import directions_of, first_matrix, latent_directions
from nolabel.methods.r3gan import R3GAN
from nolabel.methods.vae import VAE


def test_directions_are_those_of_a_planted_matrix() -> None:
    """Three directions at right angles, stretched 5, 2 and 0.5 times."""
    generator = torch.Generator().manual_seed(0)
    left = torch.linalg.qr(torch.randn(40, 3, generator=generator)).Q
    right = torch.linalg.qr(torch.randn(6, 3, generator=generator)).Q
    A = left @ torch.diag(torch.tensor([5.0, 2.0, 0.5])) @ right.T
    vectors, strengths = directions_of(A, 3)
    assert strengths.tolist() == pytest.approx([5, 2, 0.5], rel=1e-4)
    np.testing.assert_allclose((vectors @ right).abs(), np.eye(3), atol=1e-4)
    assert all(vector[vector.abs().argmax()] > 0 for vector in vectors)


def test_no_direction_moves_the_first_layer_more() -> None:
    A = torch.randn(30, 5, generator=torch.Generator().manual_seed(1))
    vectors, strengths = directions_of(A, 5)
    assert (A @ vectors.T).norm(dim=0).tolist() == pytest.approx(strengths.tolist(), rel=1e-4)
    others = nn.functional.normalize(torch.randn(200, 5, generator=torch.Generator().manual_seed(2)), dim=1)
    assert (A @ others.T).norm(dim=0).max() <= strengths[0] + 1e-4
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(5), atol=1e-5)


def test_the_first_matrix_is_found_wherever_it_is() -> None:
    line, deconvolution = nn.Linear(7, 12), nn.ConvTranspose2d(4, 3, 2)
    assert torch.equal(first_matrix(nn.Sequential(nn.Sequential(line), nn.Linear(12, 9)), 7), line.weight)
    assert torch.equal(first_matrix(line, 4), line.weight[:, :4]), "shares of classes stand behind the normal numbers"
    matrix, z = first_matrix(deconvolution, 4), torch.randn(1, 4)
    made = deconvolution(z[..., None, None]) - deconvolution(torch.zeros(1, 4, 1, 1))
    np.testing.assert_allclose((matrix @ z[0]).detach(), made.flatten().detach(), atol=1e-5)
    with pytest.raises(ArgumentError, match=r"begins with Conv2d, which is no matrix of its 4 latents"):
        first_matrix(nn.Conv2d(4, 3, 2), 4)
    with pytest.raises(ArgumentError, match="begins with NoneType"):
        first_matrix(nn.Tanh(), 4)


def test_directions_of_a_model_move_its_samples() -> None:
    model = R3GAN.tiny().set_params(epochs=1).fit(stripes(64, size=8))
    found = nolabel.latent_directions(model, 4)
    assert found.vectors.shape == (4, 16)
    assert found.strengths.shape == (4,)
    assert np.all(np.diff(found.strengths) <= 0)
    every = nolabel.latent_directions(model, 16).vectors
    z = np.random.default_rng(0).standard_normal((32, 16)).astype(np.float32)
    as_it_is = model.generate(z).astype(float)
    strongest, weakest = (np.abs(model.generate(z + way) - as_it_is).mean() for way in every[[0, -1]])
    assert strongest > 1.5 * weakest


@pytest.mark.parametrize(
    ("model", "n", "says"),
    [
        (R3GAN(), 2, None),
        (VAE(), 2, "generator that plays against a discriminator, such as R3GAN; got VAE"),
        ("R3GAN", 2, "got str"),
    ],
)
def test_what_cannot_be_asked_is_said(model: object, n: int, says: str | None) -> None:
    with pytest.raises(ArgumentError if says else NotFittedError, match=says):
        latent_directions(model, n)


@pytest.mark.parametrize("n", [0, 17, True, 2.0])
def test_a_number_of_directions_that_cannot_be_is_refused(n: object) -> None:
    model = R3GAN.tiny().set_params(epochs=1).fit(stripes(32, size=8))
    with pytest.raises(ArgumentError, match="n must be a whole number from 1 to the width of the latents, 16"):
        latent_directions(model, n)  # type: ignore[arg-type]
