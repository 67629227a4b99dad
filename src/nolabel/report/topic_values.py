"""`Topics` as the values that the page's script draws: circles, the words that any λ can bring to the top, documents.

Of V words only those are sent that are among the most relevant of some topic for some position of the slider, so the
page can rank (to 1e-4 of a logarithm) without holding φ. It draws nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nolabel.evaluation.intertopic import (
    distances,
    log_lift,
    marginal,
    principal_coordinates,
    saliency,
)
from nolabel.report.content import Topics
from nolabel.report.numbers import number

STEP = 0.05  # of the slider: every position is exact
_WORDS, _FEWER_WORDS, _MANY = 30, 15, 100  # words listed for a topic; fewer when there are many topics
_MOST_TOPICS = 200
_ELSEWHERE = 8  # topics told of a word
_LEAST_ELSEWHERE = 0.01
_WORDS_IN_LIST = 8
_CLASSES = 6

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class TopicRow:
    """One topic in the list on the page: its number, name, share as text and bar in percent, and its first words."""

    topic: int
    label: str
    share: str
    bar: float
    words: str


def topic_rows(shown: Topics) -> list[TopicRow]:
    """The topics, largest first."""
    order, top = shown_topics(shown), max(float(shown.shares.max()), 1e-12)
    words = np.argsort(-shown.phi[order], axis=1, kind="stable")[:, :_WORDS_IN_LIST]
    return [
        TopicRow(
            int(topic),
            shown.labels[topic],
            f"{number(100 * float(shown.shares[topic]), 1)} %",
            round(100 * float(shown.shares[topic]) / top, 1),
            ", ".join(shown.words[word] for word in row),
        )
        for topic, row in zip(order, words)
    ]


def shown_topics(shown: Topics) -> list[int]:
    """Numbers of the topics on the page, largest first: all, or the largest of very many."""
    order: list[int] = np.argsort(-shown.shares, kind="stable")[:_MOST_TOPICS].tolist()
    return order


def topic_values(shown: Topics) -> dict[str, Any]:
    """Everything that the script needs to draw the topics; plain JSON."""
    phi = np.asarray(shown.phi, dtype=np.float64)
    shares = np.asarray(shown.shares, dtype=np.float64)
    p, order = marginal(phi, shares), shown_topics(shown)
    most = _WORDS if len(phi) <= _MANY else _FEWER_WORDS
    chosen = {topic: _reachable(phi[topic], p, most) for topic in order}
    salient: list[int] = np.argsort(-saliency(phi, shares), kind="stable")[:most].tolist()
    sent = sorted({word for words in (*chosen.values(), salient) for word in words})
    place = {word: at for at, word in enumerate(sent)}
    plane = principal_coordinates(distances(phi[order]))
    return {
        "most": most,
        "step": STEP,
        "words": [shown.words[word] for word in sent],
        "overall": _rounded(p[sent] * shown.tokens, 1),
        "elsewhere": [_elsewhere(shares * phi[:, word], order) for word in sent],
        "salient": [place[word] for word in salient],
        "topics": [
            {
                "topic": topic,
                "label": shown.labels[topic],
                "share": float(f"{shares[topic]:.4g}"),
                "tokens": round(float(shares[topic] * shown.tokens), 1),
                "x": round(float(x), 5),
                "y": round(float(y), 5),
                **_ranked(phi[topic], p, chosen[topic], place),
                "coherence": _coherence(shown, topic),
                "leading": int(shown.leading[topic]),
                "typical": [[each.id, each.line, round(each.share, 3)] for each in shown.typical[topic]],
                "classes": _classes(shown, topic),
            }
            for topic, (x, y) in zip(order, plane)
        ],
    }


def _reachable(phi_k: Numbers, p: Numbers, most: int) -> list[int]:
    """Words among the `most` most relevant for some position of the slider."""
    words = np.flatnonzero(phi_k > 0)
    log_phi, lift = np.log(phi_k[words]), log_lift(phi_k[None, words], p[words])[0]  # the logarithms are what is dear
    found: set[int] = set()
    for position in range(round(1 / STEP) + 1):
        weight = position * STEP
        found.update(words[_top(weight * log_phi + (1 - weight) * lift, most)].tolist())
    return sorted(found)


def _top(values: Numbers, most: int) -> list[int]:
    """Positions of the `most` largest finite values."""
    some = np.argpartition(-values, most - 1)[:most] if most < len(values) else np.arange(len(values))
    kept: list[int] = some[np.isfinite(values[some])].tolist()
    return kept


def _ranked(phi_k: Numbers, p: Numbers, chosen: Sequence[int], place: dict[int, int]) -> dict[str, list[float]]:
    """Of each word that can come to the top: which it is, log φ and log lift."""
    words = list(chosen)
    lifts = log_lift(phi_k[None, words], p[words])[0]
    return {
        "word": [place[word] for word in words],
        "log_phi": _rounded(np.log(phi_k[words]), 4),
        "log_lift": _rounded(lifts, 4),
    }


def _rounded(values: Numbers, places: int) -> list[float]:
    return [round(value, places) for value in values.tolist()]


def _elsewhere(joint: Numbers, order: Sequence[int]) -> list[list[float]]:
    """[position of the topic among those shown, P(topic | word)] of the topics that a word mostly comes from."""
    total = float(joint.sum())
    if not total > 0 or not math.isfinite(total):
        return []
    given = joint[list(order)] / total
    largest = np.argsort(-given, kind="stable")[:_ELSEWHERE]
    return [[int(at), round(float(given[at]), 3)] for at in largest if given[at] >= _LEAST_ELSEWHERE]


def _coherence(shown: Topics, topic: int) -> float | None:
    value = math.nan if shown.coherences is None else float(shown.coherences[topic])
    return round(value, 3) if math.isfinite(value) else None


def _classes(shown: Topics, topic: int) -> list[list[Any]]:
    """[name, documents] of the classes among the documents that a topic leads, most first."""
    if shown.votes is None:
        return []
    row = shown.votes[topic]
    order = np.argsort(-row, kind="stable")[:_CLASSES]
    return [[shown.classes[code], int(row[code])] for code in order if row[code] > 0]
