"""Directions of the latents along which a generator's samples change most, found without labels and without a sample.

    A (M, L), the matrix that the first layer applies to latents z;   ‖A (z + α n) − A z‖ = |α| ‖A n‖     (eq. 2 of [1])
    the directions are the n_i with ‖n_i‖ = 1 that make ‖A n‖ largest, one after the other, at right angles:
    eigenvectors of AᵀA, largest eigenvalue first; √λ_i = ‖A n_i‖ is the strength of each                    (eq. 4)

What a direction means, a person must say who looks at samples along it. Norms that follow the first layer are not seen,
and of shares of classes behind the normal numbers nothing is asked. Signs are free: the largest entry of each direction
is positive.
[1] Shen & Zhou 2021, "Closed-form factorization of latent semantics in GANs" (SeFa), arXiv:2007.06600.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from nolabel.errors import ArgumentError
from nolabel.methods._generator import Generator

_Transposed = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d


@final
@dataclass(frozen=True)
class Directions:
    """K directions, strongest first.

    Parameters
    ----------
    vectors
        (K, L), of length 1, at right angles to each other.
    strengths
        (K,) ‖A n‖: how far a step of 1 moves what the first layer gives.
    """

    vectors: Float[np.ndarray, "K L"]
    strengths: Float[np.ndarray, "K"]


def latent_directions(model: Any, n: int = 5) -> Directions:
    """The `n` directions of the latents that change samples most; `model.generate(z + 3 * vectors[0])` follows one.

    Parameters
    ----------
    model : a fitted generator, such as R3GAN
        Its first layer must be a matrix or a transposed convolution of the latents.
    n : int, default=5
        How many, at most the width L of the latents.

    Returns
    -------
    Directions
        `vectors` (n, L) and `strengths` (n,).

    Raises
    ------
    ArgumentError
        The model has no generator whose first layer could be read, or `n` is not between 1 and L.
    NotFittedError
        It is not fitted.
    """
    if not isinstance(model, Generator):
        raise ArgumentError(
            f"model must be a generator that plays against a discriminator, such as R3GAN; got {type(model).__name__}"
        )
    check_is_fitted(model)
    learner = model.learner_
    if not isinstance(n, int | np.integer) or isinstance(n, bool) or not 1 <= n <= learner.latent:
        raise ArgumentError(f"n must be a whole number from 1 to the width of the latents, {learner.latent}; got {n!r}")
    vectors, strengths = directions_of(first_matrix(learner.generator, learner.latent), int(n))
    return Directions(vectors.cpu().numpy(), strengths.cpu().numpy())


def directions_of(A: Float[Tensor, "M L"], n: int) -> tuple[Float[Tensor, "n L"], Float[Tensor, "n"]]:
    """The `n` strongest eigenvectors of AᵀA as rows, and ‖A n‖ of each."""
    matrix = A.detach().double()
    eigenvalues, columns = torch.linalg.eigh(matrix.T @ matrix)
    vectors = columns.T.flip(0)[:n]
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    return (vectors * largest.sign()).float(), eigenvalues.flip(0)[:n].clamp_min(0).sqrt().float()


def first_matrix(generator: nn.Module, latent: int) -> Float[Tensor, "M L"]:
    """What the first layer applies to the `latent` normal numbers.

    Raises
    ------
    ArgumentError
        The first layer with weights is neither a matrix nor a transposed convolution, or takes less.
    """
    layer = next((one for one in generator.modules() if isinstance(getattr(one, "weight", None), Tensor)), None)
    weight = None
    if isinstance(layer, nn.Linear):
        weight = layer.weight
    elif isinstance(layer, _Transposed):
        weight = layer.weight.flatten(1).T
    if weight is None or weight.shape[1] < latent:
        raise ArgumentError(
            f"the generator begins with {type(layer).__name__}, which is no matrix of its {latent} latents; directions "
            "are read from one"
        )
    return weight[:, :latent]
