"""Learning the parameters of Dirichlet priors from what they are priors of.

* From counts (Minka's fixed point [1], eq. 55): α_k ← α_k Σ_d [ψ(n_dk + α_k) − ψ(α_k)] / Σ_d [ψ(n_d + Σα) − ψ(Σα)].
* From mean logarithms (Newton's method [1], eqs. 15 to 18; what gensim does): Σ_d E[log θ_dk] / N are sufficient.

Pure functions; sums over documents may be gathered batch by batch. They know no topics and no words.

[1] Minka 2000, "Estimating a Dirichlet distribution".
"""

import torch
from jaxtyping import Float
from torch import Tensor

LEAST = 1e-4  # a parameter stays above it, for a topic whose parameter is 0 never comes back


def excesses(counts: Float[Tensor, "B K"], alpha: Float[Tensor, "K"]) -> tuple[Float[Tensor, "K"], Float[Tensor, ""]]:
    """The sums of Minka's fixed point over B documents: its numerators and its denominator. float64."""
    counts, alpha = counts.double(), alpha.double()
    above = torch.digamma(counts + alpha) - torch.digamma(alpha)
    lengths, total = counts.sum(1), alpha.sum()
    return above.cumsum(0)[-1], (torch.digamma(lengths + total) - torch.digamma(total)).cumsum(0)[-1]


def fixed_point(
    alpha: Float[Tensor, "K"], numerators: Float[Tensor, "K"], denominator: Float[Tensor, ""], *, keep_sum: bool = False
) -> Float[Tensor, "K"]:
    """One step of Minka's fixed point; with `keep_sum` only the proportions are learned, not Σ α."""
    new = alpha * numerators / denominator
    if keep_sum:
        new = new * (alpha.sum() / new.sum())
    return torch.where(torch.isfinite(new), new, alpha).clamp_min(LEAST)


def newton(alpha: Float[Tensor, "K"], mean_log: Float[Tensor, "K"], count: float, rate: float) -> Float[Tensor, "K"]:
    """`rate` times one Newton step for α from the mean of E[log θ] over `count` documents; no α_k falls by over 3/4."""
    total = alpha.sum()
    gradient = count * (torch.digamma(total) - torch.digamma(alpha) + mean_log)
    common = count * torch.polygamma(1, total)
    own = -count * torch.polygamma(1, alpha)
    shift = (gradient / own).sum() / (1 / common + (1 / own).sum())
    return torch.maximum(alpha - rate * (gradient - shift) / own, alpha / 4)


def symmetric_fixed_point(eta: Float[Tensor, ""], counts: Float[Tensor, "V K"]) -> Float[Tensor, ""]:
    """Minka's step for one η shared by all V words, from the counts of words in K topics."""
    counts, words = counts.double(), counts.shape[0]
    above = (torch.digamma(counts + eta) - torch.digamma(eta)).sum(0).cumsum(0)[-1]  # in the same order on any threads
    below = (torch.digamma(counts.sum(0) + words * eta) - torch.digamma(words * eta)).sum()
    return (eta * above / (words * below)).clamp_min(LEAST)
