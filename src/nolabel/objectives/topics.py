"""Topics by maximum a posteriori: expectation-maximisation over the words that occur, for one batch of documents.

    p(w | d) = Σ_k θ_dk φ_wk,   r_dwk = θ_dk φ_wk / p(w | d)
    θ_dk = (Σ_w n_dw r_dwk + α_k) / (n_d + Σ α)                       a few times for each document, from θ¹
    φ_wk ∝ Σ_d n_dw r_dwk + η_wk                                       the sums are `statistics`
    θ¹_dk ∝ Σ_w n_dw φ_wk / Σ_j φ_wj + α_k                             where the words alone would put the document

This is MAP estimation under Dirichlet(α + 1) and Dirichlet(η + 1), the simplest of the collapsed family [1]: CVB0
without taking out a word's own count. No document keeps anything between visits, so a corpus may be streamed.

The same on any device: on a CPU by the loops of `topics_kernels`, elsewhere by torch's sparse operations, which add in
no promised order. Documents are rows of a `sparse_csr` tensor (B, V) of counts; K topics.
This file does not know how batches are put together into a corpus: that is the learner's.

[1] Asuncion, Welling, Smyth and Teh 2009, "On smoothing and inference for topic models", UAI.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from scipy.sparse import csr_array
from torch import Tensor

from nolabel.data.sparse import from_scipy

LANES = 16  # topics are padded to whole registers of so many float32
PART = 2**24  # numbers in a table of counts by topics that is made for a moment
LOOK = 8  # steps between two looks whether all documents are done, where a look is dear


@dataclass(frozen=True)
class Mixtures:
    """What is inferred of B documents.

    weights: (B, K), proportional to the topics' shares in each document; `theta` for EM, γ for variational Bayes.
    statistics: (V, K), Σ_d n_dw r_dwk, or None if it was not asked for.
    score: (B,) float64, log p(words | θ, φ) of each document, or its part of the bound; None if it was not asked for.
    """

    weights: Float[Tensor, "B K"]
    statistics: "Float[Tensor, 'V K'] | None"
    score: "Float[Tensor, 'B'] | None"


def topic_words(counts: Float[Tensor, "V K"], prior: Any) -> Float[Tensor, "V K"]:
    """φ: counts of words in topics plus their prior η (a number, or (V, K)), each topic's sum made 1."""
    smoothed: Tensor = counts + prior
    return smoothed / smoothed.sum(0, keepdim=True)


def infer(
    x: Tensor,
    phi: Float[Tensor, "V K"],
    alpha: Float[Tensor, "K"],
    *,
    steps: int,
    tolerance: float = 1e-3,
    statistics: bool = True,
) -> Mixtures:
    """θ of some documents under fixed φ.

    Parameters
    ----------
    x
        (B, V) `sparse_csr`, counts.
    phi
        p(w | k), columns sum to 1.
    alpha
        α.
    steps
        Most EM steps for a document.
    tolerance
        A document is done when Σ_k |change of θ_k| is below it.
    statistics
        Whether the sums for φ are wanted.
    """
    if phi.device.type == "cpu":
        return _on_cpu(x, phi, alpha, steps, tolerance, statistics)
    return _by_torch(x, phi, alpha, steps, tolerance, statistics)


def _on_cpu(x: Tensor, phi: Tensor, alpha: Tensor, steps: int, tolerance: float, statistics: bool) -> Mixtures:
    from nolabel.objectives import topics_kernels as kernels

    (V, K), padded = phi.shape, -(-phi.shape[1] // LANES) * LANES
    table, prior = phi.new_zeros(V, padded), phi.new_zeros(padded)
    table[:, :K], prior[:K] = phi, alpha
    starts, words, counts = (part.numpy() for part in csr_parts(x, phi.dtype))
    theta, ratio = phi.new_empty(x.shape[0], padded), phi.new_empty(len(counts))
    score = torch.empty(x.shape[0], dtype=torch.float64)
    given = (starts, words, counts, table.numpy(), prior.numpy(), steps, tolerance)
    filled = (theta.numpy(), ratio.numpy(), score.numpy())
    kernels.in_parts(lambda first, last: kernels.map_documents(*given, first, last, *filled), starts)
    sums = word_sums(x, ratio, table, theta, K) if statistics else None
    return Mixtures(theta[:, :K], sums, score)


def word_sums(x: Tensor, ratio: Tensor, table: Tensor, theta: Tensor, K: int) -> Float[Tensor, "V K"]:
    """Σ_d n_dw r_dwk on a CPU, from n_dw / p(w | d) of every count, the table of words and θ, both padded or not."""
    from nolabel.objectives import topics_kernels as kernels

    starts, words, _ = (part.numpy() for part in csr_parts(x, table.dtype))
    sums = table.new_empty(table.shape[0], K)
    begins, documents, places = kernels.by_word(starts, words, table.shape[0])
    given = (begins, documents, places, ratio.numpy(), table.numpy(), theta.numpy())
    kernels.in_parts(lambda first, last: kernels.word_statistics(*given, first, last, sums.numpy()), begins)
    return sums


def sparse_rows(x: Tensor) -> Tensor:
    """Counts (B, V), dense or not, as `sparse_csr`."""
    if x.layout == torch.sparse_csr:
        return x
    rows = from_scipy(csr_array(x.detach().cpu().numpy()))
    return rows.gather(torch.arange(len(x))).to(x.device)


def csr_parts(x: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Where each row begins, columns and values of a `sparse_csr` tensor."""
    return x.crow_indices().long(), x.col_indices().long(), x.values().to(dtype)


def _by_torch(x: Tensor, phi: Tensor, alpha: Tensor, steps: int, tolerance: float, statistics: bool) -> Mixtures:
    rows, words, counts = entries(x, phi.dtype)
    table, alpha = phi[words], alpha.to(phi.dtype)
    total = (x_sums(rows, counts, x.shape[0]) + alpha.sum())[:, None]
    first = gathered(rows, (counts / table.sum(1))[:, None] * table, x.shape[0])
    theta = (first + alpha) / total
    done = torch.zeros(x.shape[0], 1, dtype=torch.bool, device=phi.device)
    for step in range(steps):
        share = counts / (table * theta[rows]).sum(1)
        new = (alpha + theta * gathered(rows, share[:, None] * table, x.shape[0])) / total
        moved = (new - theta).abs().sum(1, keepdim=True)
        theta, done = torch.where(done, theta, new), done | (moved < tolerance)
        if all_done(done, step):
            break
    p = (table * theta[rows]).sum(1)
    score = x_sums(rows, (counts * p.log()).double(), x.shape[0])
    sums = gathered(words, (counts / p)[:, None] * theta[rows] * table, phi.shape[0]) if statistics else None
    return Mixtures(theta, sums, score)


def all_done(done: Tensor, step: int) -> bool:
    """Whether no document moves any more; looked at now and then, for a look waits for the device."""
    return step % LOOK == LOOK - 1 and bool(done.all())


def entries(x: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Row, column and value of every count of a `sparse_csr` tensor."""
    starts, words, counts = csr_parts(x, dtype)
    lengths = starts[1:] - starts[:-1]
    return torch.repeat_interleave(lengths, output_size=len(words)), words, counts


def probabilities(rows: Tensor, words: Tensor, theta: Tensor, table: Tensor) -> Tensor:
    """Σ_k θ_dk t_wk of every count (nnz,), from its row and its word; for a part of the counts at a time."""
    most = max(1, PART // theta.shape[1])
    parts = zip(torch.split(rows, most), torch.split(words, most), strict=True)
    return torch.cat([(theta[some] * table[those]).sum(1) for some, those in parts])


def gathered(rows: Tensor, values: Tensor, count: int) -> Tensor:
    """Sums (count, K) of the values (nnz, K) of each row."""
    return values.new_zeros(count, values.shape[1]).index_add_(0, rows, values)


def x_sums(rows: Tensor, values: Tensor, count: int) -> Tensor:
    """Sums (count,) of the values (nnz,) of each row."""
    return values.new_zeros(count).index_add_(0, rows, values)


def class_tf_idf(counts: Float[Tensor, "V K"]) -> Float[Tensor, "V K"]:
    """c-TF-IDF of words in topics: p(w | k) log(1 + A / f_w), A words in the mean topic, f_w of them w in all topics.

    Grootendorst 2022, arXiv:2203.05794, with expected counts in place of documents assigned to one topic each.
    """
    frequency = counts.sum(1, keepdim=True)
    mean = counts.sum() / counts.shape[1]
    return topic_words(counts, 0.0) * torch.log1p(mean / frequency.clamp_min(torch.finfo(counts.dtype).tiny))
