"""A `TopicModel` and its data to `Topics`: words, shares, the documents most about each, and how good they are.

It knows topic models by their type only.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nolabel.data.dataset import Dataset
from nolabel.errors import DataError
from nolabel.evaluation.splits import some_rows
from nolabel.methods._topics import TopicModel, known_words, leading, most_about
from nolabel.objectives.coherence import protocol
from nolabel.report.codes_map import Groups
from nolabel.report.content import Codes, Floats, Measure, Topics, Typical
from nolabel.report.looks import lines
from nolabel.report.numbers import number

_TYPICAL = 5
_WORDS = 10
_MEASURED = 10_000  # documents, at most, for coherence and perplexity
_LEAST = 10  # words of a document that is cut in two


def topics_found(model: TopicModel, data: Dataset, *, labels: Codes | None, classes: tuple[str, ...]) -> Topics:
    """What the page shows of topics.

    Parameters
    ----------
    model
        Fitted.
    data
        The N documents: all there are.
    labels, classes
        (N,) class codes, -1 for unknown, and their names; None without labels.
    """
    embedder: Any = model  # a topic model that cannot transform has no documents to show
    mixtures, lengths = np.asarray(embedder.transform(data)), known_words(data)
    coherences = _coherences(model, data)
    weights = lengths if lengths.sum() > 0 else np.ones_like(lengths)
    first = leading(mixtures, lengths)
    count = mixtures.shape[1]
    return Topics(
        phi=np.asarray(model.topic_word_, dtype=np.float64),
        words=[str(word) for word in model.vocabulary_],
        shares=weights @ mixtures.astype(np.float64) / weights.sum(),
        labels=topic_names(model),
        tokens=float(lengths.sum()),
        typical=_typical(data, mixtures, lengths),
        leading=np.bincount(first[first >= 0], minlength=count),
        votes=None if labels is None else _votes(first, labels, count, len(classes)),
        classes=classes,
        coherences=coherences,
        measures=_measures(model, data, coherences),
    )


def topic_names(model: TopicModel) -> list[str]:
    """A few words for each topic."""
    return [str(topic.label) or ", ".join(topic.words[:3]) for topic in model.topics(_WORDS)]


def leading_topics(model: TopicModel, data: Dataset, mixtures: Floats) -> Groups:
    """The topics in place of clusters: each of the n documents belongs to that of its largest share."""
    how = "A document belongs to the topic of its largest share."
    return Groups(leading(mixtures, known_words(data)), "topic", topic_names(model), how)


def _typical(data: Dataset, mixtures: Floats, lengths: NDArray[np.float64]) -> list[list[Typical]]:
    """The documents with the largest share of each topic; of equal shares the longest first."""
    chosen = [most_about(topic, mixtures, lengths, _TYPICAL) for topic in range(mixtures.shape[1])]
    rows = sorted({row for group in chosen for row in group})
    part = data.subset(np.array(rows, dtype=np.int64))
    line_of: dict[int, str] = dict(zip(rows, lines(part))) if rows else {}
    return [
        [Typical(str(data.ids[row]), line_of.get(row, ""), float(mixtures[row, topic])) for row in group]
        for topic, group in enumerate(chosen)
    ]


def _votes(leading: Codes, labels: Codes, topics: int, classes: int) -> Codes:
    """(K, C) documents of each class among those that each topic leads."""
    votes = np.zeros((topics, classes), dtype=np.int64)
    known = (leading >= 0) & (labels >= 0)
    np.add.at(votes, (leading[known], labels[known]), 1)
    return votes


def _coherences(model: TopicModel, data: Dataset) -> Floats:
    """(K,) c_npmi of each topic on at most some thousand documents, NaN where it cannot be known."""
    try:
        return np.asarray(model.coherences(_some(data), measure="c_npmi", n=_WORDS))
    except DataError:  # none of the words of any topic; or the texts were too large to be kept
        return np.full(len(model.alpha_), np.nan)


def _some(data: Dataset) -> Dataset:
    rows = some_rows(len(data), _MEASURED, 0)
    return data if len(rows) == len(data) else data.subset(rows)


def _measures(model: TopicModel, data: Dataset, coherences: Floats) -> list[Measure]:
    known = coherences[np.isfinite(coherences)]
    how = protocol("c_npmi", ordered=data.texts is not None)
    coherence = Measure(
        "Coherence (c_npmi)",
        number(float(known.mean()) if len(known) else None, 3),
        f"How often the {_WORDS} first words of a topic stand together, mean over topics: from −1 (never) through 0 "
        f"(as by chance) to 1 (always). Taken as {how}, on {_of(data)}; words outside the vocabulary left out.",
    )
    diversity = Measure(
        "Diversity",
        number(model.diversity(25), 3),
        "Share of different words among the 25 first of all topics: 1 when no two topics share one.",
    )
    return [coherence, diversity, *_perplexity(model, data)]


def _perplexity(model: TopicModel, data: Dataset) -> list[Measure]:
    """Nothing when every document is too short to be cut in two."""
    some = _some(data)
    try:
        value, unigram = (ask(some, seed=0, least=_LEAST) for ask in (model.perplexity, model.unigram_perplexity))
    except DataError:
        return []
    meaning = (
        "Half of a document is shown, the words of the other half are guessed: as uncertain as among that many equally "
        f"likely ones. {number(unigram, 0)} for guesses by how common each word is, {len(model.vocabulary_):,} for "
        f"blind ones. On {_of(data)}, those of {_LEAST} known words or more, cut with seed 0; documents that were "
        "learned from are guessed better than new ones."
    )
    return [Measure("Perplexity", number(value, 0), meaning)]


def _of(data: Dataset) -> str:
    measured = min(len(data), _MEASURED)
    return f"all {len(data):,} documents" if measured == len(data) else f"{measured:,} of {len(data):,} documents"
