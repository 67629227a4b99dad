"""Losses on labels, where there are any. Pure functions of tensors."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def cross_entropy_of_labelled(
    logits: Float[Tensor, "B K"], y: Int[Tensor, "B"]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Mean cross-entropy in nats, and accuracy, over samples of known label (y ≥ 0); 0 and 0 if there are none."""
    known = y >= 0
    count = known.sum().clamp_min(1)
    losses = F.cross_entropy(logits, y.clamp_min(0), reduction="none")
    right = (logits.argmax(1) == y) & known
    return torch.where(known, losses, torch.zeros_like(losses)).sum() / count, right.sum() / count
