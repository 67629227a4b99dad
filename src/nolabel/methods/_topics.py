"""`TopicModel`: what every topic model can be asked, whatever the inference that found its topics.

Its learner says which words make up the topics (`Topics`); the rest follows from that and from `transform`. This file
knows no method.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from nolabel.data.dataset import Dataset
from nolabel.data.sparse import from_scipy
from nolabel.data.vocabulary import Rules, splitter
from nolabel.errors import ArgumentError, DataError
from nolabel.methods._arguments import at_least
from nolabel.methods._base import Assigner
from nolabel.objectives import coherence, completion, topic_overlap
from nolabel.objectives.topics import class_tf_idf

LABEL_WORDS = 3
CLOSE = 1.01  # perplexities so near the lowest count as equal to it


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

    n_topics, perplexity, coherence: one of each for every number of topics that was tried.
    best: the fewest topics whose perplexity is within 1 % of the lowest.
    """

    n_topics: tuple[int, ...]
    perplexity: tuple[float, ...]
    coherence: tuple[float, ...]
    measure: str
    best: int


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
        """The number of the topic that holds most of each document (N,)."""
        return np.asarray(self.transform(X).argmax(1))  # type: ignore[attr-defined]

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log-probability of a word by document completion: minus the logarithm of `perplexity(X, least=2)`."""
        return -float(np.log(self.perplexity(X, least=2)))

    @torch.no_grad()
    def perplexity(self, X: Any, *, seed: int = 0, least: int = 10) -> float:
        """Perplexity by document completion; lower is better, V is guessing.

        Each document's words are shuffled and cut in two. Its mixture is inferred from the first half, and the words of
        the second are scored under it: exp of minus their mean log-probability. Words outside the vocabulary are not
        scored, so that models with different vocabularies cannot be compared.

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
        model: Any = self
        data = model._open(X)
        at_least("least", least, 2)
        learner, draws = model.learner_, np.random.default_rng(seed)
        phi, total, words = learner.phi(), 0.0, 0.0
        for batch in model._batches(data):
            x = _long_enough(batch.x, least)
            seen, rest = completion.halves(x, draws)
            total += float(completion.log_likelihood(rest, learner.encode(seen), phi).sum())
            words += float(rest.values().sum())
        if not words:
            raise DataError(f"no document has {least} words of the vocabulary (least={least}); give longer ones")
        return float(np.exp(-total / words))

    def coherence(self, X: Any, measure: str = "c_npmi", n: int = 10) -> float:
        """Whether the `n` first words of a topic go together in documents: the mean over topics of `coherences`."""
        return float(np.nanmean(self.coherences(X, measure, n)))

    def coherences(self, X: Any, measure: str = "c_npmi", n: int = 10) -> NDArray[np.float64]:
        """Whether the `n` first words of each topic go together in documents, (K,).

        Parameters
        ----------
        X : texts or counts
            Where to look. Of texts, the words in their order that are in the vocabulary; counts know no order, and
            c_v, c_uci and c_npmi then have the whole document as their window.
        measure : {"c_npmi", "c_v", "c_uci", "u_mass"}, default="c_npmi"
            See `nolabel.objectives.coherence`.
        n : int, default=10
            Words of each topic.

        Returns
        -------
        (K,) float64, NaN for a topic of which fewer than two words occur.
        """
        data = self._open(X)  # type: ignore[attr-defined]
        tops = topic_overlap.top_words(self.topic_word_, n)
        return np.asarray(coherence.coherence(tops, _documents(data, self), measure, n=n))

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
        seed: int = 0,
    ) -> Choice:
        """Try several numbers of topics.

        For each, a model with these arguments is learned from a part of the documents; perplexity is that of the
        others, by document completion, and coherence the mean over topics on the part that was learned.

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
        seed : int, default=0
            Which documents those are, and the models' seed.

        Returns
        -------
        Choice
            The curve, and `best`. Fit anew with `model.set_params(n_topics=choice.best).fit(X)`.
        """
        tried = tuple(n_topics)
        if not tried:
            raise ArgumentError("n_topics must name at least one number of topics to try")
        train, held = _split(_learned_from(self, X), holdout, seed)
        models = [_like(self, n_topics=k, random_state=seed).fit(train) for k in tried]
        perplexity = tuple(model.perplexity(held, seed=seed, least=2) for model in models)
        means = tuple(model.coherence(train, measure) for model in models)
        enough = [k for k, value in zip(tried, perplexity, strict=True) if value <= CLOSE * min(perplexity)]
        return Choice(tried, perplexity, means, measure, min(enough))


def _learner(model: Any) -> Any:
    check_is_fitted(model)
    return model.learner_


def _like(model: Any, **arguments: Any) -> Any:
    """A new model with the same arguments, but for these."""
    return clone(model).set_params(**arguments)


def _learned_from(model: Any, X: Any) -> Dataset:
    data: Dataset = model._take(X, None)[0]
    return data


def _split(data: Dataset, holdout: float, seed: int) -> tuple[Dataset, Dataset]:
    at_least("holdout", holdout, 0, 1)
    order, count = np.random.default_rng(seed).permutation(len(data)), round(len(data) * holdout)
    if not 1 <= count <= len(data) - 2:
        raise ArgumentError(
            f"holdout={holdout} of {len(data)} documents leaves too few to learn from, or none to judge by"
        )
    return data.subset(np.sort(order[count:])), data.subset(np.sort(order[:count]))


def _labels(importance: np.ndarray, words: Sequence[str], names: Sequence[str | None]) -> list[str]:
    tops = topic_overlap.top_words(importance, LABEL_WORDS)
    return [name or ", ".join(words[v] for v in top) for top, name in zip(tops, names, strict=True)]


def _long_enough(x: Tensor, least: int) -> Tensor:
    """The documents (B', V) of a `sparse_csr` batch that have `least` tokens or more."""
    parts = (part.cpu().numpy() for part in (x.values(), x.col_indices(), x.crow_indices()))
    rows = csr_array(tuple(parts), shape=tuple(x.shape))
    kept = rows[np.flatnonzero(np.asarray(rows.sum(axis=1)).ravel() >= least)]
    return from_scipy(kept).gather(torch.arange(kept.shape[0])).to(x.device)


def _documents(data: Dataset, model: Any) -> Any:
    """What coherence looks at: the known words of every text in their order, or a matrix of counts."""
    if data.texts is None:
        return data.rows(torch.arange(len(data)))[0]
    split = splitter(Rules.from_recipe(data.spec.recipe), getattr(model, "tokenizer", None))
    number = {word: column for column, word in enumerate(data.spec.recipe["tokens"])}
    return [[number[word] for word in split(text) if word in number] for text in data.texts]
