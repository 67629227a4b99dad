"""Redundancy reduction: two views have the same features, and no two features say the same.

    Barlow Twins   C_ij = Σ_b ẑ_bi ẑ'_bj / N,  ẑ standardised over the batch                           (eq. 2 of [1])
                   loss = Σ_i (1 − C_ii)² + λ Σ_i Σ_{j≠i} C_ij²                                      (eq. 1 of [1])

    VICReg         loss = λ s(Z, Z') + μ (v(Z) + v(Z')) + ν (c(Z) + c(Z'))                             (eq. 6 of [2])
                   s(Z, Z') = Σ_b Σ_j (z_bj − z'_bj)² / (N D)                                        (eq. 5 of [2])
                   v(Z) = Σ_j max(0, γ − √(Var z_j + ε)) / D                                     (eq. 1, 2 of [2])
                   c(Z) = Σ_{i≠j} C(Z)_ij² / D,  C(Z) = Σ_b (z_b − z̄)(z_b − z̄)ᵀ / (N − 1)        (eq. 3, 4 of [2])

Two readings are settled here: s is a mean over features too, as in algorithm 1 of [2], for which the published weights
25, 25, 1 are meant (its eq. 5 has a sum); Var has N − 1 under it, as C(Z) has.

N counts the rows of all processes. A statistic of the batch is a sum over processes with a gradient, so every process
finds the same value; s is a mean over the own rows. Weighted by own rows / N and added up over processes, either gives
the value and the gradient of one process. Sums are taken in float32 whatever the arithmetic around them.

This file does not know where the embeddings come from.
[1] Zbontar et al. 2021, "Barlow Twins: self-supervised learning via redundancy reduction", arXiv:2103.03230.
[2] Bardes, Ponce, LeCun 2022, "VICReg: variance-invariance-covariance regularization", arXiv:2105.04906.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from nolabel.errors import ArgumentError
from nolabel.nets.sync import batch_mean, total


class BarlowTwinsTerms(NamedTuple):
    """The terms of eq. 1 of [1], weights applied: they add up to the loss."""

    invariance: Tensor
    redundancy: Tensor


class VICRegTerms(NamedTuple):
    """The terms of eq. 6 of [2], weights applied: they add up to the loss."""

    invariance: Tensor
    variance: Tensor
    covariance: Tensor


def barlow_twins(z1: Float[Tensor, "B D"], z2: Float[Tensor, "B D"], *, lambda_: float) -> BarlowTwinsTerms:
    """Terms of the loss of Barlow Twins; sums over features.

    Parameters
    ----------
    z1, z2 : (B, D)
        Embeddings of two views of the same samples; scale and offset of a feature do not matter.
    lambda_ : float
        Weight of the redundancy term; 0.005 in [1].

    Raises
    ------
    ArgumentError
        The batch has one sample, all processes together.
    """
    with torch.autocast(z1.device.type, enabled=False):
        correlation = cross_correlation(z1, z2)
        invariance = (1 - correlation.diagonal()).square().sum()
        return BarlowTwinsTerms(invariance, lambda_ * off_diagonal(correlation).square().sum())


def cross_correlation(z1: Float[Tensor, "B D"], z2: Float[Tensor, "B D"], eps: float = 1e-5) -> Float[Tensor, "D D"]:
    """C (D, D) of eq. 2 of [1]: correlations over the batch of the features of z1 with those of z2.

    `eps` is added to each variance, so that a feature that never changes has correlation 0.
    """
    standard1, standard2 = _standardised(z1, eps), _standardised(z2, eps)
    return total(standard1.T @ standard2) / _rows(z1)


def vicreg(
    z1: Float[Tensor, "B D"],
    z2: Float[Tensor, "B D"],
    *,
    lambda_: float,
    mu: float,
    nu: float,
    gamma: float = 1.0,
    eps: float = 1e-4,
) -> VICRegTerms:
    """Terms of the loss of VICReg; means over features (of squared covariances: sums over pairs, divided by D).

    Parameters
    ----------
    z1, z2 : (B, D)
        Embeddings of two views of the same samples.
    lambda_, mu, nu : float
        Weights of invariance, variance and covariance; 25, 25 and 1 in [2].
    gamma : float
        γ, the standard deviation that every feature shall have at least.
    eps : float
        ε under the root, without which a feature that never changes has an infinite slope.

    Raises
    ------
    ArgumentError
        The batch has one sample, all processes together.
    """
    with torch.autocast(z1.device.type, enabled=False):
        z1, z2 = _precise(z1), _precise(z2)
        spreads = [covariance(z1), covariance(z2)]
        return VICRegTerms(
            lambda_ * (z1 - z2).square().mean(),
            mu * torch.stack([variance_hinge(spread.diagonal(), gamma, eps) for spread in spreads]).sum(),
            nu * torch.stack([off_diagonal(spread).square().sum() / len(spread) for spread in spreads]).sum(),
        )


def covariance(z: Float[Tensor, "B D"]) -> Float[Tensor, "D D"]:
    """C(Z) (D, D) of eq. 3 of [2], over the whole batch; variances are on its diagonal."""
    z = _centred(z)
    return total(z.T @ z) / (_rows(z) - 1)


def variance_hinge(variance: Float[Tensor, "D"], gamma: float, eps: float) -> Float[Tensor, ""]:
    """v(Z) of eq. 1 of [2]: how far standard deviations are below γ, a mean over features."""
    return torch.relu(gamma - (variance + eps).sqrt()).mean()


def off_diagonal(matrix: Float[Tensor, "D D"]) -> Float[Tensor, "D*(D-1)"]:
    """The entries off the diagonal, row after row."""
    d = len(matrix)
    return matrix.flatten()[:-1].view(d - 1, d + 1)[:, 1:].flatten()


def _precise(z: Tensor) -> Tensor:
    """In float32 at least."""
    return z.to(torch.promote_types(z.dtype, torch.float32))


def _centred(z: Tensor) -> Tensor:
    z = _precise(z)
    return z - batch_mean(z)


def _standardised(z: Tensor, eps: float) -> Tensor:
    z = _centred(z)
    return z * (batch_mean(z.square()) + eps).rsqrt()


def _rows(z: Tensor) -> Tensor:
    """N, the rows of all processes; at least 2, or there is nothing to tell apart."""
    rows = total(z.new_full((), float(len(z))))
    if len(z) < 2 and rows.item() < 2:
        raise ArgumentError(
            "statistics of a batch need at least 2 samples a step, and this one has 1. Raise batch_size, "
            "or plan.holdout if the part held out is that small, or lower plan.accumulate, which cuts batches up"
        )
    return rows
