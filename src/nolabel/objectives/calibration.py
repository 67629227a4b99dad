"""Are probabilities as true as they are high? The error of their calibration, and temperature scaling.

    p = softmax(s / T),   T = argmin over T > 0 of mean −log p_y            (section 4.2 of [1])
    ECE = Σ_m |B_m| / N · |accuracy(B_m) − confidence(B_m)|                 (eq. 3 of [1])

T > 1 makes probabilities milder; it moves no sample to another class. B_m are the samples whose highest probability
lies in the m-th of M equal bins. Pure functions of tensors and arrays; which samples T is found on is the
caller's affair.
[1] Guo et al. 2017, "On calibration of modern neural networks", ICML.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

COLDEST, WARMEST = 0.05, 20.0  # classes that are told apart without an error would have T → 0


def best_temperature(
    logits: Float[Tensor, "N K"], y: Int[Tensor, "N"], weights: Float[Tensor, "N"] | None = None
) -> float:
    """T by L-BFGS on ln T, in float64, kept within [0.05, 20].

    Parameters
    ----------
    logits, y
        Scores of samples that the model was not trained on, and their classes.
    weights
        What each sample counts, all 1 if None.
    """
    scores = logits.detach().double()
    counts = torch.ones(len(y), dtype=torch.float64, device=scores.device) if weights is None else weights.double()
    log_t = torch.zeros((), dtype=torch.float64, device=scores.device, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_t], lr=0.5, max_iter=100, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        optimizer.zero_grad()
        t = log_t.clamp(math.log(COLDEST), math.log(WARMEST)).exp()
        loss = (counts * F.cross_entropy(scores / t, y, reduction="none")).sum() / counts.sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    with torch.enable_grad():
        optimizer.step(objective)  # type: ignore[no-untyped-call]
    return float(log_t.detach().exp().clamp(COLDEST, WARMEST))


def calibration_error(probabilities: Float[np.ndarray, "N K"], y: Int[np.ndarray, "N"], bins: int = 15) -> float:
    """The expected calibration error (ECE), in [0, 1]; 0 when 80 % of what is said with 80 % is true."""
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == y
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    apart = [abs(right[place == m].sum() - confidence[place == m].sum()) for m in range(bins)]
    return float(sum(apart) / len(y))
