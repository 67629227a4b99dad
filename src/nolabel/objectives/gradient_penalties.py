"""Penalties on the discriminator's gradient with respect to what it looks at.

    zero-centred   E ‖∇_x D(x)‖²            on data (R1) or on samples (R2)                            (eq. 9 of [1])
    one-centred    E (‖∇_x D(x̂)‖ − 1)²,     x̂ = ε x + (1 − ε) G(z),   ε ~ U(0, 1)                      (eq. 3 of [2])

‖·‖² is a sum over all values of a sample, E a mean over samples. The first keeps the game from circling round its end
[1], the second keeps a critic near 1-Lipschitz. Each is a function of weights, so that it can be followed: the graph of
the gradient is kept. The caller weighs them (γ / 2 and λ), and calls in float32: bf16 has too few digits for a
derivative of a derivative. A discriminator that normalises over its batch has no gradient of a sample's own, and must
not be penalised so.
[1] Mescheder et al. 2018, arXiv:1801.04406.  [2] Gulrajani et al. 2017, arXiv:1704.00028.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def squared_gradients(logits: Float[Tensor, "B"], x: Float[Tensor, "B *shape"]) -> Float[Tensor, "B"]:
    """‖∇_x D(x_i)‖² of each sample, where `logits` were made of `x`, which asks for gradients.

    Raises
    ------
    RuntimeError
        The logits were made without a graph, or not of `x`.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    return gradient.square().flatten(1).sum(1)


def zero_centred(squares: Float[Tensor, "B"]) -> Float[Tensor, ""]:
    """E ‖∇_x D‖², of `squared_gradients`: R1 if x are data, R2 if they are samples."""
    return squares.mean()


def one_centred(squares: Float[Tensor, "B"]) -> Float[Tensor, ""]:
    """E (‖∇_x D‖ − 1)², of `squared_gradients` at `interpolates`."""
    return (norms(squares) - 1).square().mean()


def norms(squares: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
    """Roots whose own gradient stays finite where a square is 0, as it is of a net that does not answer."""
    return (squares + 1e-12).sqrt()


def interpolates(
    real: Float[Tensor, "B *shape"], fake: Float[Tensor, "B *shape"], epsilon: Float[Tensor, "B"]
) -> Float[Tensor, "B *shape"]:
    """ε x + (1 − ε) G(z), one ε for each sample."""
    return torch.lerp(fake, real, epsilon.view(-1, *[1] * (real.ndim - 1)))
