"""Losses on what was hidden: only there is a model asked for more than a copy. Pure functions of tensors.

    loss = mean over samples of the mean over hidden places p of e_p

e_p is the squared error of a patch, a mean over its values (He et al. 2022, "Masked autoencoders are scalable vision
learners"), or that of a table's column, a sum over its entries: a number has one, of variance 1 when standardised; a
category has one for each of its K values, whose variances add up to at most 1. So each column counts as one.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def normalised_patches(patches: Float[Tensor, "B P D"], eps: float = 1e-6) -> Float[Tensor, "B P D"]:
    """Each patch less its own mean, over its own standard deviation: √(σ² + eps), σ² with D − 1 in the denominator.

    A patch of one colour becomes 0. Patches of one value have no deviation and are left as they are.
    """
    if patches.shape[-1] == 1:
        return patches
    variance, mean = torch.var_mean(patches, -1, keepdim=True)
    return (patches - mean) / (variance + eps).sqrt()


def patch_errors(predicted: Float[Tensor, "B P D"], target: Float[Tensor, "B P D"]) -> Float[Tensor, "B P"]:
    """Squared error of each patch, a mean over its D values."""
    return (predicted.float() - target).square().mean(-1)


def mean_where_hidden(errors: Float[Tensor, "B P"], hidden: Bool[Tensor, "B P"]) -> Float[Tensor, ""]:
    """The loss above: a mean over samples of the mean over their hidden places. A sample with none counts as 0."""
    sums = torch.where(hidden, errors, torch.zeros_like(errors)).sum(1)
    return (sums / hidden.sum(1).clamp_min(1)).mean()
