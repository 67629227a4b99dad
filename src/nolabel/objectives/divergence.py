"""Divergences and penalties on codes. Pure functions of tensors; one number a sample (B,) or a unit (L,), as said."""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def kl_to_standard_normal(mu: Float[Tensor, "B L"], log_var: Float[Tensor, "B L"]) -> Float[Tensor, "B L"]:
    """KL(N(μ, σ²) ‖ N(0, 1)) of every latent: ½ (μ² + σ² − 1 − log σ²) (Kingma and Welling 2014, appendix B)."""
    return 0.5 * (mu.square() + log_var.exp() - 1 - log_var)


def log_normal(
    z: Float[Tensor, "*shape"], mu: Float[Tensor, "*shape"], log_var: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """The log density log N(z; μ, σ²), entry by entry."""
    return -0.5 * (math.log(2 * math.pi) + log_var + (z - mu).square() * torch.exp(-log_var))


def kl_bernoulli(rho: float, rho_hat: Float[Tensor, "L"]) -> Float[Tensor, "L"]:
    """KL(ρ ‖ ρ̂_j) = ρ log ρ/ρ̂_j + (1 − ρ) log (1 − ρ)/(1 − ρ̂_j), of the wanted and the mean activation of each unit.

    The sparsity penalty of Ng's lecture notes on sparse autoencoders (CS294A, 2011). ρ̂ is held within [1e-6, 1 − 1e-6].
    """
    rho_hat = rho_hat.clamp(1e-6, 1 - 1e-6)
    minus_entropy = sum(p * math.log(p) for p in (rho, 1 - rho) if p > 0)
    kl: Tensor = minus_entropy - rho * rho_hat.log() - (1 - rho) * torch.log1p(-rho_hat)
    return kl


def keep_largest(z: Float[Tensor, "B L"], k: int) -> Float[Tensor, "B L"]:
    """The k largest entries of each row of z kept, the others set to 0 (Makhzani and Frey 2014)."""
    if k >= z.shape[1]:
        return z
    kept = z.topk(k, dim=1)
    return torch.zeros_like(z).scatter(1, kept.indices, kept.values)
