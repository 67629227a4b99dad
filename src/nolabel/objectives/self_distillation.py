"""What DINO's student is to predict: the teacher's output, centred and sharpened (Caron et al. 2021, section 3.1).

    q = softmax((g_t − c) / τ_t),   c ← m c + (1 − m) mean g_t                                    (eq. 1 and 4 of [1])

Centring alone drives all samples to the uniform distribution, sharpening (a τ_t below the student's τ_s) alone drives
them to one and the same dimension; together they keep either from winning. The loss is `across_views`. Pure functions
of tensors.
[1] Caron et al. 2021, "Emerging properties in self-supervised vision transformers", arXiv:2104.14294.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def centred_and_sharpened(
    logits: Float[Tensor, "B K"], centre: Float[Tensor, "K"], temperature: float
) -> Float[Tensor, "B K"]:
    """Q of the teacher's outputs g_t: rows that sum to 1, without gradient.

    Parameters
    ----------
    logits
        g_t, the teacher's outputs.
    centre
        c; zeros for no centring.
    temperature
        τ_t, above 0; smaller is sharper.
    """
    return torch.softmax((logits.detach().float() - centre) / temperature, 1)


def warmed_up(first: float, last: float, warmup: float, progress: float) -> float:
    """τ_t at `progress` of the run: a straight line from `first` to `last` over the fraction `warmup`, then `last`."""
    if progress >= warmup:
        return last
    return first + (last - first) * progress / warmup
