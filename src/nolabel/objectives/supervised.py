"""Losses on labels, where there are any. Pure functions of tensors.

Over several processes a mean over the labelled samples is over those of all, however unevenly they are spread.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def cross_entropy_of_labelled(
    logits: Float[Tensor, "B K"], y: Int[Tensor, "B"], fraction: float = 1.0
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Mean cross-entropy in nats, and accuracy, over samples of known label (y ≥ 0).

    `fraction` is the known fraction of *all* samples, so sums are divided by how many are expected in a batch, not by
    how many there are: means over batches are then means over labelled samples, however few a batch holds.
    """
    known = y >= 0
    losses = F.cross_entropy(logits, y.clamp_min(0), reduction="none")
    right = (logits.argmax(1) == y) & known
    return torch.where(known, losses, torch.zeros_like(losses)).mean() / fraction, right.float().mean() / fraction
