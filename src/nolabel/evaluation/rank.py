"""How much of its width a code uses: effective rank, active units, spread over the unit sphere. No labels needed.

Pure functions of an array of codes (N, L); they know no model.
"""

import numpy as np
from jaxtyping import Float


def singular_values(codes: Float[np.ndarray, "N L"]) -> Float[np.ndarray, "S"]:
    """Singular values, largest first, from the eigenvalues of the smaller Gram matrix in double precision."""
    tall = codes.astype(np.float64)
    gram = tall.T @ tall if tall.shape[0] >= tall.shape[1] else tall @ tall.T
    return np.asarray(np.sqrt(np.clip(np.linalg.eigvalsh(gram), 0, None))[::-1])


def effective_rank(codes: Float[np.ndarray, "N L"]) -> float:
    """RankMe: exp of the entropy of the singular values, normalised to sum to one; codes are not centred.

        p_i = sigma_i / sum_j sigma_j,    RankMe = exp( - sum_i p_i log p_i )

    Between 1 (all codes on one line: collapse) and L. Codes that are all zero have rank 0.

    References
    ----------
    Garrido, Balestriero, Najman and LeCun 2023, arXiv:2210.02885; Roy and Vetterli 2007.
    """
    sigma = singular_values(codes)
    total = sigma.sum()
    if total == 0:
        return 0.0
    share = sigma[sigma > 0] / total
    return float(np.exp(-(share * np.log(share)).sum()))


def active_units(codes: Float[np.ndarray, "N L"], threshold: float = 0.01) -> int:
    """Number of columns whose variance over the samples exceeds `threshold` (Burda et al. 2016, arXiv:1509.00519).

    The criterion was made for posterior means under a standard normal prior, and its threshold is absolute.
    """
    return int((codes.astype(np.float64).var(axis=0) > threshold).sum())


def sphere_spread(codes: Float[np.ndarray, "N L"]) -> float:
    """Spread of the directions: sqrt(L) times the mean over columns of the standard deviation of z / |z|.

    About 1 when directions are even over the sphere, 0 when all codes point one way (Chen and He 2021,
    arXiv:2011.10566, figure 2).
    """
    length = np.linalg.norm(codes.astype(np.float64), axis=1, keepdims=True)
    directions = codes / np.maximum(length, 1e-12)
    return float(np.sqrt(codes.shape[1]) * directions.std(axis=0).mean())
