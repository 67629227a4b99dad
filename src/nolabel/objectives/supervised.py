"""Losses on labels, where there are any. Pure functions of tensors.

Over several processes a mean over the labelled samples is over those of all, however unevenly they are spread.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from nolabel.nets.sync import batch_mean


def cross_entropy_of_labelled(
    logits: Float[Tensor, "B K"], y: Int[Tensor, "B"]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Mean cross-entropy in nats, and accuracy, over samples of known label (y ≥ 0); 0 and 0 if there are none."""
    known = y >= 0
    losses = F.cross_entropy(logits, y.clamp_min(0), reduction="none")
    right = (logits.argmax(1) == y) & known
    labelled = batch_mean(known.to(losses.dtype)).clamp_min(1e-12)  # fraction of the whole batch
    loss = torch.where(known, losses, torch.zeros_like(losses)).mean() / labelled
    return loss, right.to(losses.dtype).mean() / labelled
