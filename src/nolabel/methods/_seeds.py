"""Seed words: what the user says that topics are about, found in a vocabulary, as a prior of counts.

It knows no method.
"""

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from nolabel.errors import ArgumentError, nearest
from nolabel.methods._arguments import at_least


@final
class SeedWords:
    """Words that belong to topics, as the user says, found in a vocabulary.

    Parameters
    ----------
    given
        Words by topic: a topic's number, or a name for the next topic that has no number. None for no seeds.
    tokens
        The vocabulary.
    weight
        Occurrences that the prior adds to each seed word in its topic, for each one in the corpus.
    n_topics
        How many topics there are.

    Raises
    ------
    ArgumentError
        A word is not in the vocabulary, or the vocabulary has no words; a number is of no topic, or stands twice; or
        there are more names than topics.
    """

    def __init__(self, given: Any, tokens: Sequence[str] | None, weight: float, n_topics: int) -> None:
        self.weight = weight
        self.topics: list[int] = []
        self.places: list[int] = []
        self.named: dict[int, str] = {}
        seeded = _seeded(given)
        if not seeded:
            return
        if tokens is None:
            raise ArgumentError(
                "seed_words needs words, but the columns of these counts have no names: give a DataFrame"
            )
        where = {word: place for place, word in enumerate(tokens)}
        for (name, words), topic in zip(seeded, _topics_of([name for name, _ in seeded], n_topics), strict=True):
            if not name.isdecimal():
                self.named[topic] = name
            self.places += [_place(word, where) for word in words]
            self.topics += [topic] * len(words)

    def prior(self, counts: Tensor) -> Tensor:
        """What is added to counts (V, K): a number of 0 without seeds."""
        if not self.places:
            return counts.new_zeros(())
        added = torch.zeros_like(counts)
        places = torch.tensor(self.places, device=counts.device)
        added[places, self.topics] = self.weight * counts[places].sum(1)
        return added

    def matched(self, counts: Tensor) -> Tensor:
        """Counts (V, K) with topics in another order: each seeded one is that of which its seeds are the largest share,
        all seeded ones together.
        """
        seeded = sorted(set(self.topics))
        shares = (counts / counts.sum(0))[torch.tensor(self.places, dtype=torch.int64)]
        of_topic = torch.zeros(len(seeded), counts.shape[1], dtype=shares.dtype)
        of_topic.index_add_(0, torch.tensor([seeded.index(topic) for topic in self.topics], dtype=torch.int64), shares)
        _, taken = linear_sum_assignment(of_topic.numpy(), maximize=True)
        others = iter(sorted(set(range(counts.shape[1])) - set(taken.tolist())))
        order = [
            int(taken[seeded.index(topic)]) if topic in seeded else next(others) for topic in range(counts.shape[1])
        ]
        return counts[:, order]

    def names(self, n_topics: int) -> list[str | None]:
        """Name of each topic."""
        return [self.named.get(topic) for topic in range(n_topics)]


def _seeded(given: Any) -> list[tuple[str, list[str]]]:
    if given is None:
        return []
    if not isinstance(given, Mapping) or any(isinstance(words, str) for words in given.values()):
        raise ArgumentError(
            'seed_words must be a list of words for each topic that has some, as in {"sport": ["game", "team"]}; '
            f"got {given!r:.80}"
        )
    return [(str(name), [str(word) for word in words]) for name, words in given.items()]


def _topics_of(names: Sequence[str], n_topics: int) -> list[int]:
    """The topic of each name: its number, or the next that no number names."""
    numbers = [int(name) for name in names if name.isdecimal()]
    for number in numbers:
        at_least(f"seed_words: the number of topic '{number}'", number, 0, n_topics - 1)
    if len(set(numbers)) < len(numbers):
        twice = next(number for number in numbers if numbers.count(number) > 1)
        raise ArgumentError(f"seed_words gives topic {twice} twice; put all of its words in one list")
    free = [topic for topic in range(n_topics) if topic not in numbers]
    if len(names) > n_topics:
        raise ArgumentError(
            f"seed_words is of {len(names)} topics, and there are only {n_topics}; raise n_topics, or seed fewer"
        )
    return [int(name) if name.isdecimal() else free.pop(0) for name in names]


def _place(word: str, where: Mapping[str, int]) -> int:
    if word not in where:
        raise ArgumentError(
            f"seed_words: {word!r} is not one of the {len(where):,} words of the vocabulary{nearest(word, where)}; it "
            "does not occur, or the rules leave it out (lowercase, stop_words, min_df, max_df, min_length)"
        )
    return where[word]
