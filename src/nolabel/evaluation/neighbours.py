"""k nearest neighbours by cosine similarity: exact, in blocks of matrix products, and the accuracy of their vote.

The vote of a neighbour weighs exp(similarity / temperature), temperature 0.07, as in Wu et al. 2018 (arXiv:1805.01978);
`temperature=None` makes it a plain majority. Codes of length zero are at similarity 0 to everything.
Pure functions of arrays; they know no model.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional


def _directions(codes: Float[np.ndarray, "N L"]) -> Tensor:
    return functional.normalize(torch.from_numpy(np.ascontiguousarray(codes, dtype=np.float32)), dim=1)


def nearest(
    queries: Float[np.ndarray, "N L"],
    bank: Float[np.ndarray, "M L"],
    k: int,
    *,
    leave_one_out: bool = False,
    block: int = 2048,
) -> tuple[Float[np.ndarray, "N k"], Int[np.ndarray, "N k"]]:
    """The `k` entries of `bank` most similar to each query: cosine similarities (best first) and row numbers.

    Parameters
    ----------
    queries, bank
        Codes (N, L) and (M, L).
    k
        Neighbours wanted; all that there are when the bank holds fewer.
    leave_one_out
        Query i *is* row i of the bank, and is not its own neighbour.
    block
        Queries compared at a time; bounds the memory to block x M similarities.
    """
    directions, among = _directions(queries), _directions(bank)
    k = min(k, len(among) - leave_one_out)
    similar, index = [], []
    for start in range(0, len(directions), block):
        similarity = directions[start : start + block] @ among.T
        if leave_one_out:
            rows = torch.arange(len(similarity))
            similarity[rows, rows + start] = -torch.inf
        best = similarity.topk(k, dim=1)
        similar.append(best.values)
        index.append(best.indices)
    return torch.cat(similar).numpy(), torch.cat(index).numpy()


def vote(
    similarity: Float[np.ndarray, "N k"],
    labels: Int[np.ndarray, "N k"],
    classes: int,
    temperature: float | None = 0.07,
) -> Int[np.ndarray, "N"]:
    """The class (0 .. classes - 1) that the neighbours vote for; ties go to the smaller class code."""
    return np.asarray(_votes(similarity, labels, classes, temperature).argmax(axis=1))


def shares(
    similarity: Float[np.ndarray, "N k"],
    labels: Int[np.ndarray, "N k"],
    classes: int,
    temperature: float | None = 0.07,
) -> Float[np.ndarray, "N K"]:
    """Each class's share of the neighbours' votes."""
    votes = _votes(similarity, labels, classes, temperature)
    return np.asarray(votes / votes.sum(axis=1, keepdims=True))


def _votes(similarity: np.ndarray, labels: np.ndarray, classes: int, temperature: float | None) -> np.ndarray:
    if temperature is None:
        weight = np.ones(similarity.shape, dtype=np.float64)
    else:  # relative to the best neighbour: the vote is the same and the exponential cannot overflow
        weight = np.exp((similarity - similarity.max(axis=1, keepdims=True)) / temperature, dtype=np.float64)
    votes = np.zeros((len(similarity), classes))
    for column in range(similarity.shape[1]):
        votes[np.arange(len(votes)), labels[:, column]] += weight[:, column]
    return votes


def accuracy(
    codes: Float[np.ndarray, "N L"],
    labels: Int[np.ndarray, "N"],
    train: Int[np.ndarray, "A"],
    test: Int[np.ndarray, "B"],
    *,
    k: int = 20,
    temperature: float | None = 0.07,
) -> float:
    """Share of the `test` rows whose class is the vote of their k nearest `train` rows."""
    similarity, index = nearest(codes[test], codes[train], k)
    voted = vote(similarity, labels[train][index], int(labels.max()) + 1, temperature)
    return float((voted == labels[test]).mean())


def accuracy_leave_one_out(
    codes: Float[np.ndarray, "N L"], labels: Int[np.ndarray, "N"], *, k: int = 20, temperature: float | None = 0.07
) -> float:
    """Share of the samples whose class is the vote of their k nearest other samples."""
    similarity, index = nearest(codes, codes, k, leave_one_out=True)
    voted = vote(similarity, labels[index], int(labels.max()) + 1, temperature)
    return float((voted == labels).mean())
