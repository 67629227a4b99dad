"""Cross-entropy between what is known of one view of a sample and what is predicted from its other views.

    loss = mean over (t, s), t ≠ s, of  −Σ_k q_t^k log p_s^k,   p_s = softmax(logits_s / τ)

DINO and SwAV share it; where the targets q come from is what sets them apart (`self_distillation`, `prototypes`). Pure
functions of tensors.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from nolabel.nets.sync import batch_mean


def cross_entropy_across_views(
    targets: Sequence[Float[Tensor, "B K"]], logits: Sequence[Float[Tensor, "B K"]], temperature: float
) -> Float[Tensor, ""]:
    """The loss above, in nats: a mean over samples and over all pairs of a target's view and another view.

    Parameters
    ----------
    targets
        q of the first views: rows that sum to 1; no gradient flows into them.
    logits
        Scores of all views: those of `targets` first and in the same order, then any others.
    temperature
        τ, above 0.

    Returns
    -------
    A scalar; ln K for uniform predictions, whatever the targets.
    """
    log_p = [torch.log_softmax(one.float() / temperature, 1) for one in logits]
    terms = [-(q.detach() * log_p[s]).sum(1).mean() for t, q in enumerate(targets) for s in range(len(log_p)) if s != t]
    return torch.stack(terms).mean()


def use_of(targets: Sequence[Float[Tensor, "B K"]]) -> Float[Tensor, ""]:
    """exp(H(q̄)) / K with q̄ the mean of all targets: 1 when all K are used alike, 1 / K when all samples share one."""
    q = batch_mean(torch.stack([one.detach() for one in targets]).mean(0))
    entropy: Tensor = -torch.special.xlogy(q, q).sum()
    return entropy.exp() / len(q)


def vagueness_of(targets: Sequence[Float[Tensor, "B K"]]) -> Float[Tensor, ""]:
    """Mean of H(q) / ln K: 1 when every target is uniform and says nothing, 0 when every target is one of the K."""
    q = torch.stack([one.detach() for one in targets])
    entropy: Tensor = -torch.special.xlogy(q, q).sum(2).mean()
    return entropy / math.log(q.shape[2])
