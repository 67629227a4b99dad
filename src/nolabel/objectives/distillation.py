"""Distillation without labels: a student's prediction shall point where the target's embedding points.

    D(p, z) = − mean_b ⟨p_b, z_b⟩ / (‖p_b‖ ‖z_b‖)                                                   (eq. 1 of [1])
    ‖q̄ − z̄'‖² = 2 − 2 ⟨q, z'⟩ / (‖q‖ ‖z'‖),  a mean over samples                                      (eq. 2 of [2])

Either is a mean over the own rows, so the mean over processes is that of the whole batch. Both have the same gradient
up to a factor of 2. Which side takes no gradient is the method's to say: pass it detached.

This file knows of no teacher and of no predictor. Distillation over soft classes stands in files of its own.
[1] Chen and He 2021, "Exploring simple Siamese representation learning", arXiv:2011.10566.
[2] Grill et al. 2020, "Bootstrap your own latent", arXiv:2006.07733.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity


def cosines(a: Float[Tensor, "B D"], b: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
    """Cosine of each row of `a` with the same row of `b`: (B,) in [-1, 1], and 0 for a row of zeros."""
    precise = torch.promote_types(a.dtype, torch.float32)
    return cosine_similarity(a.to(precise), b.to(precise), dim=1)


def negative_cosine(p: Float[Tensor, "B D"], z: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
    """D(p, z) of eq. 1 of [1], a mean over samples: in [-1, 1], -1 where every prediction points at its target.

    Parameters
    ----------
    p : (B, D)
        Predictions of the student.
    z : (B, D)
        Targets; detached by the caller where no gradient shall reach them.
    """
    return -cosines(p, z).mean()


def normalised_distance(q: Float[Tensor, "B D"], z_prime: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
    """‖q̄ − z̄'‖² of eq. 2 of [2], a mean over samples: in [0, 4], 0 where every prediction points at its target.

    Parameters
    ----------
    q : (B, D)
        Predictions of the student.
    z_prime : (B, D)
        Targets z'; detached by the caller where no gradient shall reach them.
    """
    return 2 - 2 * cosines(q, z_prime).mean()
