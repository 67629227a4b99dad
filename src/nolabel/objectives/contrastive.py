"""Contrastive losses: every anchor must tell its positive from the other candidates. Pure functions of tensors.

    −log exp(a·p / τ) / Σ_c exp(a·c / τ)        anchor a, positive p, candidates c, all of unit norm

Every loss is a mean over anchors, in nats, and ln(number of candidates) when nothing is told apart. Rows are scaled to
unit norm here, so callers need not. Similarities are taken in float32 even where the nets run in bf16, which has too
few digits for a softmax at τ = 0.1.

Over several processes each has the anchors of its own rows, and meets the candidates of all: weighted by rows, the
means add up to that of one process. Nothing here knows of views, nets or queues.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from nolabel.nets.sync import batch_mean, gather, gather_with_gradient, offset


def unit(z: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
    """Rows scaled to length 1, in float32 at least; a row of nought stays so."""
    return F.normalize(z if z.dtype == torch.float64 else z.float(), dim=1, eps=1e-8)


def nt_xent(z1: Float[Tensor, "B D"], z2: Float[Tensor, "B D"], temperature: float) -> Float[Tensor, ""]:
    """NT-Xent: the mean over all 2B embeddings of two views (Chen et al. 2020, eq. 1).

    ℓ_i = −log exp(z_i·z_j / τ) / Σ_{k ≠ i} exp(z_i·z_k / τ), j the other view of the same sample, k over the 2N − 1
    other embeddings of the batch. ln(2N − 1) when all embeddings are alike; 0 for a batch of one, which has no other.
    """
    z = unit(torch.cat([z1, z2]))
    candidates, first = gather_with_gradient(z), offset(len(z))
    own = first + torch.arange(len(z), device=z.device)
    similarity = _similarity(z, candidates, temperature).scatter(1, own[:, None], -torch.inf)
    return F.cross_entropy(similarity, own.roll(len(z1)))


def nt_xent_at_chance(z: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
    """ln(2N − 1): what `nt_xent` is when nothing is told apart, N the rows of z in all processes."""
    return torch.log(2 * rows_of_all(z) - 1)


def info_nce(
    queries: Float[Tensor, "B D"],
    keys: Float[Tensor, "N D"],
    temperature: float,
    offset: int = 0,
    negatives: Float[Tensor, "K D"] | None = None,
    not_mine: Bool[Tensor, "B K"] | None = None,
) -> Float[Tensor, ""]:
    """InfoNCE: the mean over queries of −log exp(q_i·k_i / τ) / Σ_c exp(q_i·c / τ) (van den Oord et al. 2018, eq. 4).

    Parameters
    ----------
    queries : (B, D)
        The anchors.
    keys : (N, D)
        Candidates; the positive of query i is key `offset` + i. Those of all processes, if there are several.
    temperature : float
        τ > 0.
    offset : int
        How many keys stand before the first query's positive.
    negatives : (K, D) or None
        More candidates that are nobody's positive: a queue.
    not_mine : (B, K) bool or None
        False where a row of `negatives` is of the query's own sample, and so is no candidate of it.

    Returns
    -------
    scalar; ln(N + K) when nothing is told apart.
    """
    anchors = unit(queries)
    similarity = _similarity(anchors, unit(keys), temperature)
    if negatives is not None:
        others = _similarity(anchors, unit(negatives), temperature)
        if not_mine is not None:
            others = others.masked_fill(~not_mine, -torch.inf)
        similarity = torch.cat([similarity, others], 1)
    positive = offset + torch.arange(len(queries), device=queries.device)
    return F.cross_entropy(similarity, positive)


def supervised_contrastive(z: Float[Tensor, "B D"], y: Int[Tensor, "B"], temperature: float) -> Float[Tensor, ""]:
    """L_out of supervised contrastive learning: all of a class are positives (Khosla et al. 2020, eq. 2).

    ℓ_i = −1/|P(i)| Σ_{p ∈ P(i)} log exp(z_i·z_p / τ) / Σ_{a ≠ i} exp(z_i·z_a / τ), P(i) the other rows of z with i's
    label. Rows of z may be views: give their labels as often. The mean is over anchors that have a positive; a row of
    unknown label (y < 0) is no anchor and nobody's positive, but a candidate. 0 if there is no anchor.
    """
    z = unit(z)
    candidates, labels = gather_with_gradient(z), gather(y)
    own = offset(len(z)) + torch.arange(len(z), device=z.device)
    itself = own[:, None] == torch.arange(len(candidates), device=z.device)
    positive = (y[:, None] == labels) & (y >= 0)[:, None] & ~itself
    log_p = _similarity(z, candidates, temperature).masked_fill(itself, -torch.inf).log_softmax(1)
    count = positive.sum(1)
    losses = -log_p.masked_fill(~positive, 0.0).sum(1) / count.clamp_min(1)
    # the anchors of all processes are counted together, however unevenly they are spread
    return losses.mean() / batch_mean((count > 0).to(z.dtype)).clamp_min(1e-12)


def rows_of_all(z: Float[Tensor, "B *shape"]) -> Float[Tensor, ""]:
    """N, the rows of z in all processes together, as a number on z's device."""
    return gather(torch.ones(len(z), device=z.device)).sum()


def _similarity(a: Float[Tensor, "B D"], b: Float[Tensor, "N D"], temperature: float) -> Float[Tensor, "B N"]:
    """a·b / τ of every pair, in the precision of a and b."""
    with torch.autocast(a.device.type, enabled=False):
        return a @ b.T / temperature
