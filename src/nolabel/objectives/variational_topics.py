"""Topics by online variational Bayes: Hoffman's updates, for one batch of documents.

    q(θ_d) = Dir(γ_d), q(β_k) = Dir(λ_k)
    γ_dk = α_k + exp E[log θ_dk] Σ_w n_dw exp E[log β_kw] / p_dw,   p_dw = Σ_k exp(E[log θ_dk] + E[log β_kw])     (E)
    λ_kw = η_kw + Σ_d n_dw exp(E[log θ_dk] + E[log β_kw]) / p_dw                                                  (M)
    E[log θ_k] = ψ(γ_k) − ψ(Σ γ)

The order of events, the stopping rule and the bound are those of scikit-learn's LatentDirichletAllocation, whose
numbers these are from the same λ and γ (in training it draws γ at random; here it begins at ones). float64. As in
`topics`, by compiled loops on a CPU and by torch elsewhere.

Reference: Hoffman, Blei and Bach 2010, "Online learning for latent Dirichlet allocation", NeurIPS.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from nolabel.objectives.topics import Mixtures, all_done, csr_parts, entries, gathered, probabilities, word_sums, x_sums

TINY = float(torch.finfo(torch.float64).eps)  # keeps p_dw from 0


def expected_log(parameters: Float[Tensor, "... K"]) -> Float[Tensor, "... K"]:
    """E[log θ] under Dir(parameters), along the last axis."""
    return torch.digamma(parameters) - torch.digamma(parameters.sum(-1, keepdim=True))


def word_table(lambda_: Float[Tensor, "V K"]) -> Float[Tensor, "V K"]:
    """Exp E[log β] of every word in every topic."""
    return torch.exp(torch.digamma(lambda_) - torch.digamma(lambda_.sum(0, keepdim=True)))


def infer(
    x: Tensor,
    table: Float[Tensor, "V K"],
    alpha: Float[Tensor, "K"],
    *,
    steps: int,
    tolerance: float = 1e-3,
    statistics: bool = True,
    bound: bool = True,
    start: "Float[Tensor, 'B K'] | None" = None,
) -> Mixtures:
    """The E-step: γ of some documents (as `weights`), the sums of the M-step, and each document's part of the bound.

    Parameters
    ----------
    x
        (B, V) `sparse_csr`, counts.
    table
        exp E[log β], float64.
    alpha
        α.
    steps, tolerance
        Most iterations for a document; it is done when the mean of |change of γ_k| is below `tolerance`.
    statistics
        Whether the sums are wanted.
    bound
        Whether each document's part of the bound is wanted.
    start
        γ to begin with; None for ones.
    """
    alpha = alpha.to(table)
    gamma = table.new_ones(x.shape[0], table.shape[1]) if start is None else start.to(table).clone()
    route = _on_cpu if table.device.type == "cpu" else _by_torch
    gamma, sums = route(x, table, alpha, steps, tolerance, statistics, gamma)
    return Mixtures(gamma, sums, document_bound(x, table, alpha, gamma) if bound else None)


def _on_cpu(
    x: Tensor, table: Tensor, alpha: Tensor, steps: int, tolerance: float, statistics: bool, gamma: Tensor
) -> tuple[Tensor, Tensor | None]:
    from nolabel.objectives import topics_kernels as kernels

    table = table.contiguous()
    starts, words, counts = (part.numpy() for part in csr_parts(x, table.dtype))
    theta, ratio = torch.empty_like(gamma), table.new_empty(len(counts))
    given = (starts, words, counts, table.numpy(), alpha.numpy(), steps, tolerance, TINY)
    filled = (gamma.numpy(), theta.numpy(), ratio.numpy())
    kernels.in_parts(lambda first, last: kernels.variational_documents(*given, first, last, *filled), starts)
    return gamma, word_sums(x, ratio, table, theta, table.shape[1]) if statistics else None


def _by_torch(
    x: Tensor, table: Tensor, alpha: Tensor, steps: int, tolerance: float, statistics: bool, gamma: Tensor
) -> tuple[Tensor, Tensor | None]:
    rows, words, counts = entries(x, table.dtype)
    of_words = table[words]
    theta = expected_log(gamma).exp()
    done = torch.zeros(len(gamma), 1, dtype=torch.bool, device=table.device)
    for step in range(steps):
        share = counts / ((of_words * theta[rows]).sum(1) + TINY)
        new = alpha + theta * gathered(rows, share[:, None] * of_words, len(gamma))
        moved = (new - gamma).abs().mean(1, keepdim=True)
        gamma = torch.where(done, gamma, new)
        theta, done = expected_log(gamma).exp(), done | (moved < tolerance)
        if all_done(done, step):
            break
    if not statistics:
        return gamma, None
    share = counts / ((of_words * theta[rows]).sum(1) + TINY)
    return gamma, gathered(words, share[:, None] * theta[rows] * of_words, len(table))


def document_bound(
    x: Tensor, table: Float[Tensor, "V K"], alpha: Float[Tensor, "K"], gamma: Float[Tensor, "B K"]
) -> Float[Tensor, "B"]:
    """E_q[log p(words, θ) − log q(θ)] of each document: Σ_w n_dw log Σ_k exp(E[log θ] + E[log β]), less KL(γ, α)."""
    rows, words, counts = entries(x, table.dtype)
    theta = expected_log(gamma)
    p = probabilities(rows, words, theta.exp(), table)
    return x_sums(rows, counts * p.log(), len(gamma)) + _minus_divergence(gamma, theta, alpha)


def topic_bound(lambda_: Float[Tensor, "V K"], prior: Any) -> Float[Tensor, ""]:
    """E_q[log p(β) − log q(β)], summed over topics: minus KL(λ, η). `prior`: a number, or (V, K)."""
    of_topics = lambda_.T
    eta = torch.as_tensor(prior, dtype=lambda_.dtype, device=lambda_.device).expand_as(lambda_).T
    return _minus_divergence(of_topics, expected_log(of_topics), eta).sum()


def _minus_divergence(posterior: Tensor, log_mean: Tensor, prior: Tensor) -> Tensor:
    """−KL(Dir(posterior) ‖ Dir(prior)) along the last axis."""
    prior = prior.expand_as(posterior)
    terms = (prior - posterior) * log_mean + torch.lgamma(posterior) - torch.lgamma(prior)
    return terms.sum(-1) + torch.lgamma(prior.sum(-1)) - torch.lgamma(posterior.sum(-1))
