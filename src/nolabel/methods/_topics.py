"""`TopicModel`: what every topic model can be asked, whatever the inference that found its topics.

Its learner says which words make up the topics (`Topics`); the rest follows from that and from `transform`. This file
knows no method.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from nolabel.data.dataset import Dataset
from nolabel.data.sparse import from_scipy
from nolabel.data.vocabulary import Rules, splitter
from nolabel.errors import ArgumentError, DataError, not_a_choice
from nolabel.methods._arguments import at_least
from nolabel.methods._base import Assigner
from nolabel.objectives import coherence, completion, topic_overlap
from nolabel.objectives.topics import class_tf_idf

LABEL_WORDS = 3


class Topics(ABC):
    """What a learner must offer for its estimator to be a `TopicModel`."""

    @abstractmethod
    def phi(self) -> Tensor:
        """p(w | k), (V, K)."""

    @abstractmethod
    def expected_counts(self) -> Tensor:
        """How often each word was seen in each topic, (V, K), up to a factor."""

    @abstractmethod
    def priors(self) -> tuple[Tensor, Tensor]:
        """α (K,) and η ()."""

    @abstractmethod
    def names(self) -> Sequence[str | None]:
        """The names that the user gave to the topics, None where there is none."""


@dataclass(frozen=True)
class Topic:
    """One topic: its likeliest words, their probabilities, a label, and its share of all words read, in [0, 1]."""

    words: tuple[str, ...]
    weights: tuple[float, ...]
    label: str
    share: float


@dataclass(frozen=True)
class Choice:
    """What `TopicModel.choose` found.

    n_topics: what was tried.
    perplexity, coherence: for each of them the mean over seeds.
    perplexity_deviation, coherence_deviation: the standard deviation over seeds, NaN of a single one.
    protocol: what coherence is, as "c_npmi, windows of 10 tokens".
    seeds: each of which has drawn its own documents to judge by.
    best: the fewest topics whose perplexity is within one standard error of the lowest.
    """

    n_topics: tuple[int, ...]
    perplexity: tuple[float, ...]
    perplexity_deviation: tuple[float, ...]
    coherence: tuple[float, ...]
    coherence_deviation: tuple[float, ...]
    protocol: str
    seeds: tuple[int, ...]
    best: int

    def to_frame(self) -> pd.DataFrame:
        """The curve: a row for each number of topics."""
        columns = ("n_topics", "perplexity", "perplexity_deviation", "coherence", "coherence_deviation")
        return pd.DataFrame({name: getattr(self, name) for name in columns})


class TopicModel(Assigner):
    """A method that finds topics: distributions over words, of which every document is a mixture."""

    @property
    def topic_word_(self) -> NDArray[np.float64]:
        """p(w | k), (K, V); rows sum to 1."""
        phi = _learner(self).phi().double().T
        return (phi / phi.sum(1, keepdim=True)).cpu().numpy()  # type: ignore[no-any-return]

    @property
    def alpha_(self) -> NDArray[np.float64]:
        """α (K,), the prior of a document's mixture."""
        return _learner(self).priors()[0].double().cpu().numpy()  # type: ignore[no-any-return]

    @property
    def eta_(self) -> float:
        """η, the prior of a word in a topic."""
        return float(_learner(self).priors()[1])

    @property
    def vocabulary_(self) -> list[str]:
        """The V words; the numbers of the columns if those have no names."""
        spec = self.spec_  # type: ignore[attr-defined]
        tokens = spec.recipe["tokens"]
        return [str(column) for column in range(spec.width)] if tokens is None else list(tokens)

    def topics(self, n: int = 10) -> list[Topic]:
        """The topics, each with its `n` likeliest words.

        Parameters
        ----------
        n : int, default=10
            Words of each topic.

        Returns
        -------
        list of Topic
            `words`, `weights` (probabilities), `label` (the three words that set the topic apart by c-TF-IDF, or the
            name that the user gave it) and `share` of all words, in the order of the columns of `transform`.
        """
        check_is_fitted(self)
        at_least("n", n, 1)
        learner, words, phi = _learner(self), self.vocabulary_, self.topic_word_
        counts = learner.expected_counts().double().cpu()
        shares = (counts.sum(0) / counts.sum()).tolist()
        labels = _labels(class_tf_idf(counts).T.numpy(), words, learner.names())
        tops = topic_overlap.top_words(phi, n)
        return [
            Topic(tuple(words[v] for v in top), tuple(row[top].tolist()), label, share)
            for top, row, label, share in zip(tops, phi, labels, shares, strict=True)
        ]

    def predict(self, X: Any) -> "np.ndarray[Any, Any]":
        """The number of the topic that holds most of each document (N,).

        A document without any known word is about nothing; it gets the topic that is commonest before reading (α).
        """
        return np.asarray(self.transform(X).argmax(1))  # type: ignore[attr-defined]

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log-probability of a word by document completion: minus the logarithm of `perplexity(X, least=2)`."""
        return -float(np.log(self.perplexity(X, least=2)))

    def perplexity(self, X: Any, *, seed: int = 0, least: int = 10) -> float:
        """Perplexity by document completion; lower is better, V is blind guessing.

        Each document's words are shuffled and cut in two. Its mixture is inferred from the first half, and the words of
        the second are scored under it: exp of minus their mean log-probability. Words outside the vocabulary are not
        scored, so that models with different vocabularies cannot be compared. `unigram_perplexity` is what a model must
        beat that has learned more than which words are common.

        Parameters
        ----------
        X : texts or counts
            Documents, best those that were not learned from.
        seed : int, default=0
            Of the shuffling.
        least : int, default=10
            Documents with fewer known words are left out.

        Raises
        ------
        DataError
            The counts are of another width, or no document is long enough.
        """
        return self._completed(X, seed, least, _learner(self).encode)

    def unigram_perplexity(self, X: Any, *, seed: int = 0, least: int = 10) -> float:
        """Perplexity of the same words as in `perplexity`, if each is guessed by how common it was in training.

        Parameters
        ----------
        X, seed, least
            As for `perplexity`.
        """
        counts = _learner(self).expected_counts()
        shares = (counts.sum(0) / counts.sum()).float()
        return self._completed(X, seed, least, lambda seen: shares.expand(seen.shape[0], -1))

    @torch.no_grad()
    def _completed(self, X: Any, seed: int, least: int, mixtures: Callable[[Tensor], Tensor]) -> float:
        model: Any = self
        data = model._open(X)
        at_least("least", least, 2)
        draws, phi, total, words = np.random.default_rng(seed), model.learner_.phi(), 0.0, 0.0
        for batch in model._batches(data):
            seen, rest = completion.halves(_long_enough(batch.x, least), draws)
            total += float(completion.log_likelihood(rest, mixtures(seen), phi).sum())
            words += float(rest.values().sum())
        if not words:
            raise DataError(f"no document has {least} words of the vocabulary (least={least}); give longer ones")
        return float(np.exp(-total / words))

    def coherence(self, X: Any, measure: str = "c_npmi", n: int = 10) -> float:
        """Whether the `n` first words of a topic go together in documents: the mean over topics of `coherences`.

        Raises
        ------
        DataError
            Of no topic do two words occur; and what `coherences` raises.
        """
        values = self.coherences(X, measure, n)
        if np.isnan(values).all():
            raise DataError(
                f"of no topic do two of the {n} first words occur in these documents, so none can be said to go "
                "together; give more documents, or a larger n"
            )
        return float(np.nanmean(values))

    def coherences(self, X: Any, measure: str = "c_npmi", n: int = 10) -> NDArray[np.float64]:
        """Whether the `n` first words of each topic go together in documents, (K,).

        Parameters
        ----------
        X : texts or counts
            Where to look. Of texts, the words in their order that are in the vocabulary; others are left out before
            windows are laid. Counts know no order: for a model of counts c_v, c_uci and c_npmi have the whole document
            as their window.
        measure : {"c_npmi", "c_v", "c_uci", "u_mass"}, default="c_npmi"
            See `nolabel.objectives.coherence`.
        n : int, default=10
            Words of each topic.

        Returns
        -------
        (K,) float64, NaN for a topic of which fewer than two words occur.

        Raises
        ------
        DataError
            The measure needs the order of words, and the model's texts are at hand as counts only; or none of the words
            of any topic occurs.
        """
        data = self._open(X)  # type: ignore[attr-defined]
        return _coherences(self, _documents(self, data, measure), measure, n)

    def diversity(self, n: int = 25) -> float:
        """Share of different words among the `n` first of all topics: 1 when no two topics share one."""
        return topic_overlap.diversity(topic_overlap.top_words(self.topic_word_, n), n)

    def stability(
        self, X: Any, seeds: Iterable[int] = (0, 1, 2), by: str = "jensen_shannon", n: int = 10
    ) -> list[float]:
        """How alike the topics are that other seeds find in `X`, for every pair of seeds: 1 for the same topics.

        Parameters
        ----------
        X : texts or counts
            What to learn from, once for each seed.
        seeds : iterable of int, default=(0, 1, 2)
            At least two.
        by : {"jensen_shannon", "jaccard"}, default="jensen_shannon"
            Likeness of two topics, see `nolabel.objectives.topic_overlap.match`.
        n : int, default=10
            Words of a topic for "jaccard".
        """
        data = _learned_from(self, X)
        runs = [_like(self, random_state=seed).fit(data).topic_word_ for seed in seeds]
        return topic_overlap.stability(runs, by, n)

    def choose(
        self,
        X: Any,
        n_topics: Iterable[int] = (5, 10, 20, 40),
        *,
        holdout: float = 0.2,
        measure: str = "c_npmi",
        seeds: Iterable[int] = (0, 1, 2),
    ) -> Choice:
        """Try several numbers of topics.

        For each, and for each seed, a model with these arguments is learned from a part of the documents; perplexity is
        that of the others, by document completion (of those with two words or more), and coherence the mean over topics
        on the part that was learned.

        Parameters
        ----------
        X : texts or counts
            The documents.
        n_topics : iterable of int, default=(5, 10, 20, 40)
            What to try.
        holdout : float, default=0.2
            Share of the documents that are not learned from.
        measure : str, default="c_npmi"
            Of coherence.
        seeds : iterable of int, default=(0, 1, 2)
            Each draws its own part, and is the seed of the models learned from it.

        Returns
        -------
        Choice
            The curve, and `best`. Fit anew with `model.set_params(n_topics=choice.best).fit(X)`.
        """
        tried, drawn = tuple(n_topics), tuple(seeds)
        if not tried or not drawn:
            raise ArgumentError("n_topics and seeds must each name at least one number to try")
        data = _learned_from(self, X)
        documents = _documents(self, data, measure)
        runs = np.array([_judged(self, data, documents, tried, holdout, measure, seed) for seed in drawn])
        protocol = coherence.protocol(measure, ordered=data.texts is not None)
        return _chosen(tried, runs, protocol, drawn)


def _learner(model: Any) -> Any:
    check_is_fitted(model)
    return model.learner_


def _like(model: Any, **arguments: Any) -> Any:
    """A new model with the same arguments, but for these."""
    return clone(model).set_params(**arguments)


def _learned_from(model: Any, X: Any) -> Dataset:
    data: Dataset = model._take(X, None)[0]
    return data


def _judged(
    model: Any, data: Dataset, documents: Any, tried: Sequence[int], holdout: float, measure: str, seed: int
) -> list[list[float]]:
    """Perplexity and coherence of every number of topics with one seed, (2, numbers)."""
    rows, others = _split(len(data), holdout, seed)
    train, held = data.subset(rows), data.subset(others)
    learned = [documents[row] for row in rows] if isinstance(documents, list) else documents[rows]
    models = [_like(model, n_topics=k, random_state=seed).fit(train) for k in tried]
    coherences = [_coherences(one, learned, measure, 10) for one in models]
    means = [float("nan") if np.isnan(values).all() else float(np.nanmean(values)) for values in coherences]
    return [[one.perplexity(held, seed=seed, least=2) for one in models], means]


def _chosen(tried: tuple[int, ...], runs: NDArray[np.float64], protocol: str, seeds: tuple[int, ...]) -> Choice:
    """The curve from perplexities and coherences (seeds, 2, numbers), and the number to take."""
    perplexity, means = runs.mean(axis=0)
    spread = runs.std(axis=0, ddof=1) if len(runs) > 1 else np.full(runs.shape[1:], np.nan)
    lowest = int(perplexity.argmin())
    error = spread[0, lowest] / np.sqrt(len(runs)) if len(runs) > 1 else 0.0
    best = min(k for k, value in zip(tried, perplexity, strict=True) if value <= perplexity[lowest] + error)
    return Choice(
        tried,
        perplexity=tuple(perplexity.tolist()),
        perplexity_deviation=tuple(spread[0].tolist()),
        coherence=tuple(means.tolist()),
        coherence_deviation=tuple(spread[1].tolist()),
        protocol=protocol,
        seeds=seeds,
        best=best,
    )


def _split(count: int, holdout: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers of the documents that are learned from, and of those that are not."""
    at_least("holdout", holdout, 0, 1)
    order, held = np.random.default_rng(seed).permutation(count), round(count * holdout)
    if not 1 <= held <= count - 2:
        raise ArgumentError(f"holdout={holdout} of {count} documents leaves too few to learn from, or none to judge by")
    return np.sort(order[held:]), np.sort(order[:held])


def _labels(importance: np.ndarray, words: Sequence[str], names: Sequence[str | None]) -> list[str]:
    tops = topic_overlap.top_words(importance, LABEL_WORDS)
    return [name or ", ".join(words[v] for v in top) for top, name in zip(tops, names, strict=True)]


def scipy_rows(x: Tensor) -> csr_array:
    """A `sparse_csr` batch (B, V) as scipy's."""
    parts = (part.cpu().numpy() for part in (x.values(), x.col_indices(), x.crow_indices()))
    return csr_array(tuple(parts), shape=tuple(x.shape))


def _long_enough(x: Tensor, least: int) -> Tensor:
    """The documents (B', V) of a `sparse_csr` batch that have `least` tokens or more."""
    rows = scipy_rows(x)
    kept = rows[np.flatnonzero(np.asarray(rows.sum(axis=1)).ravel() >= least)]
    return from_scipy(kept).gather(torch.arange(kept.shape[0])).to(x.device)


def _coherences(model: Any, documents: Any, measure: str, n: int) -> NDArray[np.float64]:
    tops = topic_overlap.top_words(model.topic_word_, n)
    return np.asarray(coherence.coherence(tops, documents, measure, n=n))


def _documents(model: Any, data: Dataset, measure: str) -> Any:
    """What coherence looks at: the known words of every text in their order, or a matrix of counts."""
    if measure not in coherence.WINDOW:
        raise not_a_choice("measure", measure, coherence.WINDOW)
    if data.texts is None and data.spec.recipe["kind"] == "texts" and coherence.WINDOW[measure] is not None:
        raise DataError(
            f"{measure} needs the order of words, and of these documents only the counts are at hand. Give the texts "
            "themselves; if they were not kept because they are large, open them with in_memory=True; or take "
            "measure='u_mass', which looks at whole documents"
        )
    if data.texts is None:
        return scipy_rows(data.rows(torch.arange(len(data)))[0])
    split = splitter(Rules.from_recipe(data.spec.recipe), getattr(model, "tokenizer", None))
    number = {word: column for column, word in enumerate(data.spec.recipe["tokens"])}
    return [[number[word] for word in split(text) if word in number] for text in data.texts]


# --- documents by topic ----------------------------------------------------------------------------------------------


def known_words(data: Dataset) -> NDArray[np.float64]:
    """(N,) words of each document that the vocabulary has, each as often as it occurs."""
    ones = torch.ones(data.spec.width)
    return np.concatenate([(batch.x @ ones).double().numpy() for batch in data.batches()])


def leading(mixtures: "NDArray[np.floating[Any]]", words: NDArray[np.float64]) -> NDArray[np.int64]:
    """(N,) the topic of the largest share; -1 for a document without known words, which is about nothing."""
    return np.where(words > 0, mixtures.argmax(axis=1), -1)


def most_about(topic: int, mixtures: "NDArray[np.floating[Any]]", words: NDArray[np.float64], many: int) -> list[int]:
    """Rows of the `many` documents with the largest share of a topic; of equal shares the longest first."""
    order = np.lexsort((-words, -mixtures[:, topic]))
    return [int(row) for row in order[words[order] > 0][:many]]
