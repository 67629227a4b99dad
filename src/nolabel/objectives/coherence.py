"""Coherence: do the top words of a topic go together in documents?

    u_mass   mean over i > j   log [(P(w_i, w_j) + ε) / P(w_j)]                    P over documents            [1]
    c_uci    mean over i ≠ j   PMI  = log [(P(w_i, w_j) + ε) / (P(w_i) P(w_j))]    P over windows of 10        [2]
    c_npmi   mean over i ≠ j   NPMI = PMI / −log (P(w_i, w_j) + ε)                 P over windows of 10        [3]
    c_v      mean over i       cos(v_i, Σ_j v_j),  v_i = (NPMI(w_i, w_j))_j        P over windows of 110       [4]

with ε = 1e-12, natural logarithms, and every (start of a) window counted once. Given the same words the values are
those of gensim 4.4's CoherenceModel. Two things of gensim's are kept so that they are: a document shorter than the
window is one window, and a word that recurs inside a window is forgotten when its first occurrence slides out
(`windows="exact"` remembers it). Two things are not. A word that the documents never hold makes gensim's values
infinite or NaN; here it is left out of its topic, and a topic with fewer than two words seen is NaN. The NPMI of two
words that stand in every window is −1 by the equation with its ε; here it is 1, its limit.

Pure functions of words and counts. They know no model, no vocabulary and no file; means over topics are the caller's.

[1] Mimno et al. 2011, EMNLP.  [2] Newman et al. 2010, NAACL.  [3] Aletras and Stevenson 2013, IWCS.
[4] Röder, Both and Hinneburg 2015, WSDM.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import sparse

from nolabel.errors import ArgumentError, DataError, not_a_choice

Measure = Literal["u_mass", "c_v", "c_uci", "c_npmi"]
Windows = Literal["gensim", "exact"]
EPSILON = 1e-12
WINDOW = {"u_mass": None, "c_v": 110, "c_uci": 10, "c_npmi": 10}  # tokens; None is the whole document
_PAIRS = 2**22  # most pairs of intervals looked at together: some 200 MiB


def coherence(
    topics: Any,
    documents: Any,
    measure: str = "c_npmi",
    *,
    n: int = 20,
    window: int | None = None,
    windows: str = "gensim",
) -> Float[np.ndarray, "K"]:
    """Coherence of each topic's `n` first words in some documents.

    Parameters
    ----------
    topics
        K sequences of words, best first: (K, n) column numbers, or lists of tokens of the kind that `documents` holds.
    documents
        N sequences of tokens (text or whole numbers); or an (N, V) matrix of counts, dense, scipy's or torch's sparse,
        whose columns `topics` numbers. A matrix knows no order, so that c_v, c_uci and c_npmi then have the whole
        document as their window: other numbers than with windows, and to be named so (see `protocol`).
    measure
        "u_mass", "c_v", "c_uci" or "c_npmi".
    n
        Words of each topic that are looked at.
    window
        Tokens in a window; None for the measure's own (110 for c_v, 10 for c_uci and c_npmi).
    windows
        "gensim" to count as gensim does, "exact" to count a word in every window that holds it.

    Returns
    -------
    coherence
        (K,) float64. NaN for a topic of which fewer than two words were seen.

    Raises
    ------
    ArgumentError
        An unknown measure, a number below its least, a word that stands twice in a topic.
    DataError
        No documents, negative or not finite counts, or no word of any topic in the documents.
    """
    documents = documents if _is_matrix(documents) else list(documents)
    _check(measure, n, window, windows, documents)
    words, places = _numbered(topics, n)
    span = WINDOW[measure] if window is None else window
    if _is_matrix(documents):
        seen = document_counts(_columns(words, documents.shape[1]), documents)
    else:
        seen = window_counts(words, documents, None if measure == "u_mass" else span, exact=windows == "exact")
    if not seen.single.any():
        raise DataError(_nothing_seen(words, documents))
    return np.array([_of_topic(measure, rows, seen) for rows in places])


def protocol(measure: str, *, ordered: bool, window: int | None = None) -> str:
    """What `coherence` computes, in words, as "c_npmi, windows of 10 tokens"; `ordered` for sequences of tokens."""
    span = None if measure == "u_mass" or not ordered else window or WINDOW[measure]
    return f"{measure}, {'whole documents' if span is None else f'windows of {span} tokens'}"


# --- the measures, from counts ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counts:
    """In how many of `total` windows (or documents) each word occurs, and each pair of words.

    single: (W,) int64.  pairs: (W, W) sparse int64, both triangles; its diagonal is not used.
    """

    total: int
    single: Int[np.ndarray, "W"]
    pairs: "sparse.csr_array"

    def probabilities(self, rows: Int[np.ndarray, "n"]) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n n"]]:
        """P(w_i) and P(w_i, w_j) of some words; P(w_i, w_i) = P(w_i)."""
        single = self.single[rows]
        both = self.pairs[rows[:, None], rows[None, :]].toarray() if len(rows) else np.zeros((0, 0))
        both[np.diag_indices(len(rows))] = single
        return single / self.total, both / self.total


def pmi(single: Float[np.ndarray, "n"], both: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n n"]:
    """Log [(P(w_i, w_j) + ε) / (P(w_i) P(w_j))] of every pair of words, each of which was seen."""
    return np.asarray(np.log((both + EPSILON) / (single[:, None] * single[None, :])))


def npmi(single: Float[np.ndarray, "n"], both: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "n n"]:
    """PMI / −log (P(w_i, w_j) + ε) of every pair: −1 never together, 0 independent, 1 always together."""
    return np.where(both >= 1, 1.0, pmi(single, both) / -np.log(both + EPSILON))


def _of_topic(measure: str, rows: np.ndarray, seen: Counts) -> float:
    rows = rows[seen.single[rows] > 0]
    if len(rows) < 2:
        return float("nan")
    single, both = seen.probabilities(rows)
    if measure == "u_mass":
        later, earlier = np.tril_indices(len(rows), -1)
        return float(np.log((both[later, earlier] + EPSILON) / single[earlier]).mean())
    if measure == "c_v":
        return _indirect(npmi(single, both))
    pairs = npmi(single, both) if measure == "c_npmi" else pmi(single, both)
    return float(pairs[~np.eye(len(rows), dtype=bool)].mean())


def _indirect(direct: np.ndarray) -> float:
    """Mean cosine of each word's vector with that of the whole topic."""
    whole = direct.sum(axis=0)
    cosines = direct @ whole / (np.linalg.norm(direct, axis=1) * np.linalg.norm(whole))
    return float(cosines.mean())


# --- counting whole documents ----------------------------------------------------------------------------------------


def document_counts(columns: Int[np.ndarray, "W"], counts: Any) -> Counts:
    """In how many rows of a matrix of counts (N, V) these columns, and each pair of them, are not 0."""
    rows = _as_csr(counts)
    wanted = sparse.csr_array(rows[:, columns] if len(columns) else sparse.csr_array((rows.shape[0], 0)))
    wanted.eliminate_zeros()
    present = sparse.csr_array((np.ones(wanted.nnz, np.int64), wanted.indices, wanted.indptr), shape=wanted.shape)
    single = np.bincount(wanted.indices, minlength=len(columns)).astype(np.int64)
    return Counts(rows.shape[0], single, sparse.csr_array(present.T @ present))


def _as_csr(counts: Any) -> "sparse.csr_array":
    if isinstance(counts, torch.Tensor):
        counts = _from_torch(counts.detach().cpu())
    rows = sparse.csr_array(counts)
    rows.sum_duplicates()
    if rows.nnz and not (rows.data >= 0).all():  # NaN is not >= 0
        raise DataError("documents must hold counts of at least 0; got a negative or NaN one")
    return rows


def _from_torch(counts: torch.Tensor) -> Any:
    if counts.layout == torch.strided:
        return counts.numpy()
    rows = counts if counts.layout == torch.sparse_csr else counts.to_sparse_csr()
    parts = (rows.values().numpy(), rows.col_indices().numpy(), rows.crow_indices().numpy())
    return sparse.csr_array(parts, shape=tuple(rows.shape))


# --- counting sliding windows ----------------------------------------------------------------------------------------


def window_counts(words: Sequence[Hashable], documents: Iterable[Any], window: int | None, *, exact: bool) -> Counts:
    """In how many sliding windows of `window` tokens these words, and each pair of them, occur.

    A document of T tokens has max(1, T − window + 1) windows; `window=None` makes it one. All windows are laid on one
    line; each word is present on a few stretches of it, and a pair on where two stretches overlap: no window is ever
    looked at by itself.
    """
    token, document, position, lengths = _occurrences(words, documents)
    span = max(1, int(lengths.max(initial=1))) if window is None else window
    per_document = np.maximum(1, lengths - span + 1)
    first = np.concatenate([[0], np.cumsum(per_document)])  # number of each document's first window
    enters = np.maximum(0, position - span + 1)
    leaves = position if exact else _first_at_or_after(token, document, enters, position)
    word, start, end = _merged(
        token, first[document] + enters, first[document] + np.minimum(leaves, per_document[document] - 1)
    )
    single = np.bincount(word, weights=end - start + 1, minlength=len(words)).astype(np.int64)
    return Counts(int(first[-1]), single, _overlaps(word, start, end, len(words)))


def _occurrences(
    words: Sequence[Hashable], documents: Iterable[Any]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Every occurrence of a wanted word: which word, in which document, where in it; and all documents' lengths."""
    kept = [document.tolist() if isinstance(document, np.ndarray) else document for document in documents]
    lengths = np.fromiter(map(len, kept), dtype=np.int64, count=len(kept))
    number = {word: row for row, word in enumerate(words)}
    tokens = (number.get(token, -1) for token in chain.from_iterable(kept))
    token = np.fromiter(tokens, dtype=np.int64, count=int(lengths.sum()))
    document = np.repeat(np.arange(len(kept)), lengths)
    position = np.arange(len(token)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    found = np.flatnonzero(token >= 0)
    found = found[np.argsort(token[found], kind="stable")]  # by word, then document, then position
    return token[found], document[found], position[found], lengths


def _first_at_or_after(token: np.ndarray, document: np.ndarray, enters: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Where the first occurrence of the same word in the document stands that is not before `enters`.

    gensim forgets a word when that one slides out, even if it stands in the window once more.
    """
    wide, documents = int(position.max(initial=0)) + 1, int(document.max(initial=0)) + 1
    line = (token * documents + document) * wide  # line + position ascends: that is how the occurrences are sorted
    return np.asarray(position[np.searchsorted(line + position, line + enters)])


def _merged(word: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stretches of one word that touch or overlap become one; the input is sorted by (word, start)."""
    if not len(word):
        return word, start, end
    new = np.ones(len(word), dtype=bool)
    new[1:] = (word[1:] != word[:-1]) | (start[1:] > end[:-1] + 1)
    begins = np.flatnonzero(new)
    last = np.append(begins[1:], len(word)) - 1
    return word[begins], start[begins], end[last]


def _overlaps(word: np.ndarray, start: np.ndarray, end: np.ndarray, words: int) -> "sparse.csr_array":
    """Over how many windows stretches of two words lie on each other, for every pair of words (W, W)."""
    order = np.argsort(start, kind="stable")
    word, start, end = word[order], start[order], end[order]
    after = np.searchsorted(start, end, side="right") - np.arange(1, len(start) + 1)  # later ones that begin in time
    total = sparse.csr_array((words, words), dtype=np.int64)
    for one, other in _neighbours(after):
        shared = np.minimum(end[one], end[other]) - start[other] + 1
        total = total + sparse.csr_array(sparse.coo_array((shared, (word[one], word[other])), shape=(words, words)))
    return sparse.csr_array(total + total.T)


def _neighbours(after: np.ndarray) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Pairs (i, i + 1), ..., (i, i + after_i) for every i, a part at a time."""
    parts = np.cumsum(after) // _PAIRS
    for rows in np.split(np.arange(len(after)), np.flatnonzero(np.diff(parts)) + 1):
        counts = after[rows]
        one = np.repeat(rows, counts)
        step = np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts, counts)
        yield one, one + step + 1


# --- words -----------------------------------------------------------------------------------------------------------


def _numbered(topics: Any, n: int) -> tuple[list[Hashable], list[Int[np.ndarray, "n"]]]:
    """The words of all topics, each once; and for each topic where its `n` first stand among them."""
    listed = [(topic.tolist() if isinstance(topic, np.ndarray) else list(topic))[:n] for topic in topics]
    if not listed:
        raise ArgumentError("topics must be at least one sequence of words; got none")
    for row, topic in enumerate(listed):
        if len(set(topic)) < len(topic):
            twice = next(word for word in topic if topic.count(word) > 1)
            raise ArgumentError(f"topics[{row}] holds {twice!r} more than once; a topic's words must differ")
    words = list(dict.fromkeys(chain.from_iterable(listed)))
    number = {word: row for row, word in enumerate(words)}
    return words, [np.array([number[word] for word in topic], dtype=np.int64) for topic in listed]


def _is_matrix(documents: Any) -> bool:
    return hasattr(documents, "shape") and len(documents.shape) == 2


def _columns(words: Sequence[Hashable], width: int) -> Int[np.ndarray, "W"]:
    wrong = next((word for word in words if not isinstance(word, int) or not 0 <= word < width), None)
    if wrong is not None:
        raise ArgumentError(
            f"topics must hold column numbers from 0 to {width - 1} when documents is a matrix of counts; got {wrong!r}"
        )
    return np.array(words, dtype=np.int64)


def _nothing_seen(words: Sequence[Hashable], documents: Any) -> str:
    if _is_matrix(documents):
        return f"documents hold no word of any topic: their {documents.shape[0]} rows are 0 in all of those columns"
    token = next((token for document in documents for token in document), None)
    if token is None:
        return "documents hold no token at all; give at least one document that is not empty"
    return (
        f"documents hold no word of any topic: topics hold words such as {words[0]!r}, documents tokens such as "
        f"{token!r}. Give both as text, or both as numbers, in the same spelling"
    )


def _check(measure: str, n: int, window: int | None, windows: str, documents: Any) -> None:
    if measure not in get_args(Measure):
        raise not_a_choice("measure", measure, get_args(Measure))
    if windows not in get_args(Windows):
        raise not_a_choice("windows", windows, get_args(Windows))
    if n < 2:
        raise ArgumentError(f"n must be at least 2, for coherence is of pairs of words; got {n}")
    if window is not None and (window < 1 or measure == "u_mass"):
        raise ArgumentError(f"window must be at least 1, and None for u_mass; got {window} for {measure}")
    if window is not None and _is_matrix(documents):
        raise ArgumentError(
            f"window must be None when documents is a matrix of counts, which has no order; got {window}"
        )
    if not _is_matrix(documents) and any(isinstance(document, str) for document in documents):
        raise ArgumentError("documents must be sequences of tokens, not text; split each into its words first")
