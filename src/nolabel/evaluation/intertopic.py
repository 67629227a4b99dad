"""What topics say and how they lie to each other: relevance and saliency of words, distances, a plane to draw them on.

    relevance(w, k | λ) = λ log φ_kw + (1 − λ) log (φ_kw / p_w)                 Sievert and Shirley 2014, equation 1
    saliency(w)         = p_w Σ_k P(k | w) log (P(k | w) / P(k))                Chuang, Manning and Heer 2012
    JS(P, Q)            = ½ KL(P ‖ M) + ½ KL(Q ‖ M),  M = ½ (P + Q)             Lin 1991, in nats

Relevance, distances and plane are those of LDAvis, the divergence itself (not its root) being its distance. Saliency
departs from it: LDAvis takes P(k | w) as if all topics were equally common, here they have their shares.
K topics, V words; φ (K, V) has rows that sum to 1. Pure functions of arrays; they know no model and no page.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import xlogy

from nolabel.objectives.topic_overlap import jensen_shannon


def marginal(phi: Float[np.ndarray, "K V"], shares: Float[np.ndarray, "K"]) -> Float[np.ndarray, "V"]:
    """p_w = Σ_k P(k) φ_kw: how common each word is, as the model has it."""
    return np.asarray(shares @ phi)


def log_lift(phi: Float[np.ndarray, "K V"], p: Float[np.ndarray, "V"]) -> Float[np.ndarray, "K V"]:
    """The logarithm of φ_kw / p_w: how much more common a word is in a topic than at large; −inf where φ_kw = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(phi > 0, np.log(phi) - np.log(p), -np.inf)


def relevance(phi: Float[np.ndarray, "K V"], p: Float[np.ndarray, "V"], weight: float) -> Float[np.ndarray, "K V"]:
    """How well each word tells what a topic is about (equation 1 above).

    Parameters
    ----------
    phi
        (K, V) probability of each word in each topic.
    p
        (V,) probability of each word at large.
    weight
        λ in [0, 1]: 1 ranks by probability in the topic, 0 by lift alone.

    Returns
    -------
    relevance
        (K, V); −inf for words that a topic does not have.
    """
    with np.errstate(divide="ignore"):
        log_phi = np.log(phi)
    return np.where(phi > 0, weight * np.where(phi > 0, log_phi, 0) + (1 - weight) * _finite(log_lift(phi, p)), -np.inf)


def _finite(values: Float[np.ndarray, "K V"]) -> Float[np.ndarray, "K V"]:
    """Zeros in place of −inf, so that nothing times it is nothing."""
    return np.where(np.isfinite(values), values, 0.0)


def saliency(phi: Float[np.ndarray, "K V"], shares: Float[np.ndarray, "K"]) -> Float[np.ndarray, "V"]:
    """How much a word tells about the topic that it comes from, times how common it is; in nats, 0 or more."""
    p = marginal(phi, shares)
    joint = shares[:, None] * phi
    return np.asarray((xlogy(joint, phi) - xlogy(joint, p)).sum(axis=0))


def distances(phi: Float[np.ndarray, "K V"]) -> Float[np.ndarray, "K K"]:
    """JS(φ_k, φ_m) of every pair of topics, in nats: 0 for equal ones, log 2 for those without a common word."""
    return np.asarray(jensen_shannon(phi, phi) * np.log(2))


def principal_coordinates(apart: Float[np.ndarray, "K K"], width: int = 2) -> Float[np.ndarray, "K W"]:
    """Points whose Euclidean distances are as near as can be to `apart`: classical scaling (Torgerson 1952).

    Parameters
    ----------
    apart
        (K, K), symmetric, zeros on the diagonal.
    width
        Coordinates of each point, largest variance first. Those that the distances do not have (K − 1 at most, and
        only for positive eigenvalues of the doubly centred matrix) are 0.

    Returns
    -------
    points
        (K, width), centred. The sign of an axis has no meaning; here the entry farthest from 0 is positive.
    """
    count = len(apart)
    centring = np.eye(count) - 1 / count
    values, vectors = np.linalg.eigh(-0.5 * centring @ apart**2 @ centring)
    largest = np.argsort(-values, kind="stable")[:width]
    kept = np.where(np.isclose(values[largest], 0), 0.0, np.maximum(values[largest], 0.0))
    points = np.sqrt(kept) * vectors[:, largest]
    farthest = np.abs(points).argmax(axis=0)
    points *= np.where(points[farthest, np.arange(len(largest))] < 0, -1.0, 1.0)
    return np.pad(points, ((0, 0), (0, width - len(largest))))
