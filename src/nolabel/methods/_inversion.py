"""Latents whose sample is nearest to a given one, found by descent from several starts.

    z* = argmin_z  ‖x − G(z)‖² / s_x + ‖φ(x) − φ(G(z))‖² / s_φ,     each a mean over values

φ is what the learner encodes by; s_x and s_φ are the mean variances of samples and of their features, so that both
terms are 2 for a sample that has nothing to do with x. Of 256 latents the four best begin, and what was best at any
step is kept. A sample's latents depend on it alone, not on what is asked for beside it. Knows no method.
"""

import math
from typing import Any

import torch
from torch import Tensor

from nolabel.randomness import mix

CANDIDATES = 256
STARTS = 4
RATE = 0.1  # of Adam, at the first step; it falls to 0 along half a cosine


def nearest_latents(learner: Any, x: Tensor, steps: int, seed: int) -> Tensor:
    """Latents (B, L) for network values x (B, *shape); (B, L + K) where the learner's are.

    Parameters
    ----------
    learner : Game
        In evaluation mode; its weights are not touched.
    x : Tensor
        What is to be made.
    steps : int
        Of descent, for each start.
    seed : int
        Of the candidates.
    """
    candidates = learner.latents(CANDIDATES, torch.Generator(x.device).manual_seed(mix(seed)))
    with torch.no_grad():
        made = learner.generate(candidates)
        scales = [made.var(0).mean(), learner.encode(made).var(0).mean()]
        starts = _distances_to_all(learner, x, made, scales).topk(STARTS, dim=1, largest=False).indices
    wanted = [x.repeat_interleave(STARTS, 0), learner.encode(x).detach().repeat_interleave(STARTS, 0)]
    z, best = _descended(learner, candidates[starts.flatten()], wanted, scales, steps)
    chosen = best.view(-1, STARTS).argmin(1)
    return z.view(len(x), STARTS, -1)[torch.arange(len(x), device=x.device), chosen]


def _distances_to_all(learner: Any, x: Tensor, made: Tensor, scales: list[Tensor]) -> Tensor:
    """(B, CANDIDATES)."""
    total = torch.zeros(len(x), len(made), device=x.device)
    for a, b, scale in zip((x, learner.encode(x)), (made, learner.encode(made)), scales):
        a, b = a.flatten(1), b.flatten(1)
        total += torch.cdist(a, b).square() / (a.shape[1] * scale.clamp_min(1e-12))
    return total


def _distances(learner: Any, z: Tensor, wanted: list[Tensor], scales: list[Tensor]) -> Tensor:
    """(B,)."""
    made = learner.generate(z)
    errors = [(a - b).square().flatten(1).mean(1) for a, b in zip(wanted, (made, learner.encode(made)))]
    return sum((error / scale.clamp_min(1e-12) for error, scale in zip(errors, scales)), torch.zeros_like(errors[0]))


@torch.enable_grad()
def _descended(
    learner: Any, z: Tensor, wanted: list[Tensor], scales: list[Tensor], steps: int
) -> tuple[Tensor, Tensor]:
    """The best latents on the way down from z (N, L), and their distances (N,)."""
    z = z.clone().requires_grad_()
    optimizer = torch.optim.Adam([z], lr=RATE)
    kept, best = z.detach().clone(), torch.full((len(z),), math.inf, device=z.device)
    for number in range(steps + 1):
        distances = _distances(learner, z, wanted, scales)
        better = distances.detach() < best
        kept[better], best[better] = z.detach()[better], distances.detach()[better]
        if number < steps:
            (z.grad,) = torch.autograd.grad(distances.sum(), z)
            z.grad[:, learner.latent :] = 0  # a class stays what it is: the generator has met no other mixtures
            optimizer.param_groups[0]["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * number / steps))
            optimizer.step()
    return kept, best
