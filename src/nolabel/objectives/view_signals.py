"""What a method that compares views tells of itself while it learns: numbers that warn before the loss does.

    spread      1 when the embeddings point everywhere alike, 0 when they have collapsed to one direction
    matched     share of samples found again: whose other view is nearer than that of any other sample
    change      0 when both views are the same, 1 when they differ as much as two samples do
    agreement   mean cosine between two embeddings of the same sample

They are of the whole batch, over all processes, without gradient and cheap beside a step. Verdicts are drawn elsewhere.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from nolabel.nets.sync import batch_mean, gather, offset, several


@torch.no_grad()
def signals_of(
    v1: Tensor,
    v2: Tensor,
    x: Tensor,
    z1: Float[Tensor, "B D"],
    z2: Float[Tensor, "B D"],
    y: Int[Tensor, "B"] | None = None,
) -> dict[str, Tensor]:
    """`spread`, `matched` and `change` for views v1, v2 of samples x, their embeddings, and classes y if they count."""
    return {"spread": spread(z1), "matched": matched(z1, z2, y), "change": change(v1, v2, x)}


@torch.no_grad()
def spread(z: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
    """√D times the mean over dimensions of the standard deviation over the batch of rows scaled to unit norm.

    At most 1, for E‖u‖² = 1 leaves each of D dimensions a variance of 1/D on average (as SimSiam's fig. 2, Chen and He
    2021, has it).
    """
    u = F.normalize(z.float(), dim=1)
    variance = batch_mean((u - batch_mean(u)).square())
    return math.sqrt(u.shape[1]) * variance.sqrt().mean()


@torch.no_grad()
def matched(z1: Float[Tensor, "B D"], z2: Float[Tensor, "B D"], y: Int[Tensor, "B"] | None = None) -> Float[Tensor, ""]:
    """Share of rows i of z1 to which row i of z2 is nearest, by cosine, among the rows of z2 in all processes.

    With classes y (B,), to which a row of i's class is nearest.
    """
    candidates = gather(F.normalize(z2.float(), dim=1))
    own = offset(len(z1)) + torch.arange(len(z1), device=z1.device)
    with torch.autocast(z1.device.type, enabled=False):
        nearest = (F.normalize(z1.float(), dim=1) @ candidates.T).argmax(1)
    right = nearest == own if y is None else gather(y)[nearest] == y
    return right.float().mean()


@torch.no_grad()
def change(
    v1: Float[Tensor, "B *shape"], v2: Float[Tensor, "B *shape"], x: Float[Tensor, "B *other"]
) -> Float[Tensor, ""]:
    """Mean |v1 − v2| over mean |x_i − x_j|, j the sample after i in the batch (the first after the last).

    1 if the samples of the batch do not differ, for nothing is known then.
    """
    between_views = (v1 - v2).abs().flatten(1).mean(1)
    between_samples = (x - _following(x)).abs().flatten(1).mean(1)
    views, samples = batch_mean(torch.stack([between_views, between_samples], 1))
    return torch.where(samples > 0, views / samples.clamp_min(1e-12), torch.ones_like(views))


@torch.no_grad()
def agreement(a: Float[Tensor, "B D"], b: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
    """Mean cosine between row i of a and row i of b."""
    return F.cosine_similarity(a.float(), b.float(), dim=1).mean()


def _following(x: Float[Tensor, "B *shape"]) -> Float[Tensor, "B *shape"]:
    """Row i + 1 of the whole batch in place of row i."""
    if not several():
        return x.roll(-1, 0)
    firsts = gather(x[:1])
    after = firsts[(offset(1) + 1) % len(firsts)]
    return torch.cat([x[1:], after[None]])
