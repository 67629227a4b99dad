"""Codes of SwAV: soft assignments of samples to prototypes that use all prototypes alike (Caron et al. 2020).

    max over Q of  Tr(Qᵀ C Zᵀ) + ε H(Q),   subject to  Q 1 = 1 / K,  Qᵀ 1 = 1 / N                 (eq. 3 and 4 of [1])

whose solution diag(u) exp(C Zᵀ / ε) diag(v) is found by the iteration of Sinkhorn and Knopp, here on logarithms, so
that no ε overflows. The constraint is on the whole batch: over several processes, on the samples of all of them. The
loss is `across_views`. Pure functions of tensors.
[1] Caron et al. 2020, "Unsupervised learning of visual features by contrasting cluster assignments", arXiv:2006.09882.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from nolabel.nets.sync import gather, offset


@torch.no_grad()
def sinkhorn(scores: Float[Tensor, "N K"], epsilon: float, iterations: int) -> Float[Tensor, "N K"]:
    """N Q: rows that sum to 1, columns that sum to about N / K (exactly so after many iterations).

    Parameters
    ----------
    scores
        C Zᵀ, cosines of samples (rows) and prototypes (columns).
    epsilon
        ε, above 0: smaller makes each sample's code harder.
    iterations
        Times that columns, then rows, are scaled.
    """
    log_q = scores.float() / epsilon
    n, k = scores.shape
    for _ in range(iterations):
        log_q = log_q - torch.logsumexp(log_q, 0, keepdim=True) + math.log(n / k)
        log_q = log_q - torch.logsumexp(log_q, 1, keepdim=True)
    return log_q.exp()


@torch.no_grad()
def balanced_codes(
    scores: Float[Tensor, "B K"], epsilon: float, iterations: int, beside: "Float[Tensor, 'M K'] | None" = None
) -> Float[Tensor, "B K"]:
    """Codes of our own samples (rows sum to 1) when all processes' samples and those `beside` share the prototypes.

    Parameters
    ----------
    scores, epsilon, iterations
        As for `sinkhorn`; `scores` of this process's samples.
    beside
        Scores of samples from earlier steps (a queue), the same in every process; they take part and get no code.
    """
    everyone = gather(scores.float())
    if beside is not None:
        everyone = torch.cat([everyone, beside.float()])
    first = offset(len(scores))
    return sinkhorn(everyone, epsilon, iterations)[first : first + len(scores)]
