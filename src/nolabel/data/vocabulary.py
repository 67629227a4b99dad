"""Texts -> counts of words, by stated rules; which words are counted is learned from the texts of `fit`.

A *word* is a run of letters, of any script, with the marks upon them (Unicode categories L and M); digits, underscores
and punctuation part words. Texts are brought to Unicode's composed form (NFC) and, unless told otherwise, to lower
case. A run of Han, Kana, Thai, Lao, Khmer or Burmese letters, which are written without spaces, becomes its
overlapping pairs of characters (`characters="auto"`). A tokenizer of the user's own takes the place of all this.

The words that are kept are those of scikit-learn's `CountVectorizer` under the same rules, in the same (sorted) order.
This file knows nothing of files, encodings or data sets.
"""

import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from itertools import chain, pairwise, zip_longest
from typing import Any, Literal, Self, cast, final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from nolabel.errors import ArgumentError, DataError, not_a_choice

Tokenizer = Callable[[str], Iterable[str]]
Characters = bool | Literal["auto"]

_BLOCK_TOKENS = 2**22  # counted at once: more would only cost memory
_JOINERS = "\u200c\u200d"  # without width, inside words of Persian and Indian scripts
_SOFT_HYPHEN = "\u00ad"
# Scripts that put no spaces between words, as ranges of code points.
_UNSPACED = (
    *((0x3005, 0x3007), (0x3041, 0x3096), (0x309D, 0x309F), (0x30A1, 0x30FA), (0x30FC, 0x30FF), (0x31F0, 0x31FF)),
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x20000, 0x3347F)),
    *((0x0E01, 0x0E3A), (0x0E40, 0x0E4E), (0x0E81, 0x0ECE), (0x0EDC, 0x0EDF)),
    *((0x1000, 0x103F), (0x1050, 0x108F), (0x109A, 0x109D), (0xA9E0, 0xA9EF), (0xAA60, 0xAA7F), (0x1780, 0x17D3)),
)


@final
@dataclass(frozen=True)
class Rules:
    """What is a word, and which words are kept.

    Parameters
    ----------
    lowercase
        Whether case is ignored.
    stop_words
        Words that are not counted: `"english"` for scikit-learn's list of 318, a list, or None.
    min_df, max_df
        Fewest and most texts that a word must occur in: a whole number of texts, or a fraction of them.
    ngrams
        Fewest and most words in a row that are counted as one; (1, 2) for words and pairs. Stop words are left out
        before the others are put in rows.
    min_length
        Fewest characters in a word (not in one of the pairs that stand for words where there are no spaces).
    max_features
        Keep only so many words, those that occur most often; None for all.
    characters
        `"auto"`: pairs of characters in scripts without spaces; True: in all scripts; False: in none.
    tokenizer
        The name of the user's own function from a text to its words, or None.
    """

    lowercase: bool = True
    stop_words: "Literal['english'] | tuple[str, ...] | None" = None
    min_df: int | float = 1
    max_df: int | float = 1.0
    ngrams: tuple[int, int] = (1, 1)
    min_length: int = 1
    max_features: int | None = None
    characters: Characters = "auto"
    tokenizer: str | None = None

    @classmethod
    def checked(cls, *, tokenizer: Tokenizer | None = None, **given: Any) -> Self:
        """Rules from what a user said.

        Raises
        ------
        ArgumentError
            One of them cannot be.
        """
        given = {argument: _plain(value) for argument, value in given.items()}
        name = None if tokenizer is None else _name_of(tokenizer)
        _check_flag("lowercase", given["lowercase"], (True, False))
        _check_flag("characters", given["characters"], ("auto", True, False))
        for argument in ("min_df", "max_df"):
            _check_frequency(argument, given[argument])
        _check_count("min_length", given["min_length"])
        if given["max_features"] is not None:
            _check_count("max_features", given["max_features"])
        ngrams, stop_words = _checked_ngrams(given["ngrams"]), _checked_stop_words(given["stop_words"])
        return cls(**{**given, "ngrams": ngrams, "stop_words": stop_words, "tokenizer": name})

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any]) -> Self:
        """The rules that `recipe` gave."""
        own = {one.name: recipe[one.name] for one in fields(cls) if one.name in recipe}
        lists = {name: tuple(value) for name, value in own.items() if isinstance(value, list | tuple)}
        return cls(**{**own, **lists})

    def recipe(self) -> dict[str, Any]:
        """As JSON can hold them."""
        own = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in own.items()}

    def stopped(self) -> frozenset[str]:
        """The words that are not counted."""
        if self.stop_words is None:
            return frozenset()
        if self.stop_words == "english":
            from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # only here: it takes a while to import

            return frozenset(ENGLISH_STOP_WORDS)
        return frozenset(word.lower() if self.lowercase else word for word in self.stop_words)


@final
@dataclass(frozen=True)
class Vocabulary:
    """The words that are counted, in the order of their columns, and the rules that found them.

    `tokenizer` is the function that `rules` names; it cannot be saved, so it must be given anew after loading.
    """

    tokens: tuple[str, ...]
    rules: Rules = field(default_factory=Rules)
    tokenizer: Tokenizer | None = None

    @classmethod
    def learn(
        cls, texts: Iterable[str], rules: Rules, tokenizer: Tokenizer | None = None
    ) -> "tuple[Vocabulary, csr_array]":
        """The vocabulary of N texts, and the counts (N, V) of its words in them.

        Raises
        ------
        DataError
            No word is left; the message says which rule removed how many.
        """
        counts, words = count(texts, splitter(rules, tokenizer))
        kept = _kept(counts, words, rules)
        if not len(kept):
            raise DataError(_nothing_left(counts, words, rules))
        return cls(tuple(words[place] for place in kept), rules, tokenizer), counts[:, kept]

    def count(self, texts: Iterable[str]) -> csr_array:
        """Counts (N, V) of the words in N texts; words that are not known are ignored.

        Raises
        ------
        DataError
            The words were found by a tokenizer, and it was not given.
        """
        return self._counted(texts)[0][:, : len(self.tokens)]

    def grow(self, texts: Iterable[str]) -> "tuple[Vocabulary, csr_array]":
        """The same vocabulary with the new words of N more texts behind the known ones, and the counts in these texts.

        The rules are applied to the new words as if these texts were all: `min_df=5` asks for five of *them*. With
        `max_features`, known and new words together are no more than that.
        """
        known, most = len(self.tokens), self.rules.max_features
        rules = self.rules if most is None else replace(self.rules, max_features=max(0, most - known))
        counts, words = self._counted(texts)
        new = known + _kept(counts[:, known:], words[known:], rules)
        columns = np.concatenate([np.arange(known), new])
        return Vocabulary(tuple(words[place] for place in columns), self.rules, self.tokenizer), counts[:, columns]

    def _counted(self, texts: Iterable[str]) -> tuple[csr_array, list[str]]:
        if self.rules.tokenizer is not None and self.tokenizer is None:
            raise DataError(
                f"the words of this vocabulary were found by a tokenizer, {self.rules.tokenizer}, which cannot be "
                "saved with the model: give it again, as tokenizer=... (model.set_params(tokenizer=...))"
            )
        return count(texts, splitter(self.rules, self.tokenizer), self.tokens)


def count(
    texts: Iterable[str], split: Callable[[str], Iterable[str]], known: Sequence[str] = ()
) -> tuple[csr_array, list[str]]:
    """How often each word occurs in each text.

    Parameters
    ----------
    texts
        N texts, each looked at once.
    split
        A text to its words.
    known
        The words of the first columns.

    Returns
    -------
    counts, words
        (N, W) int32 in canonical form; the word of each column, new ones in the order of their first occurrence.
    """
    places: defaultdict[str, int] = defaultdict(None, {word: place for place, word in enumerate(known)})
    places.default_factory = places.__len__  # a word that is new gets the next place; all of it runs in C
    place_of = places.__getitem__
    blocks: list[csr_array] = []
    found, ends = array("i"), array("q", [0])
    for text in texts:
        found.extend(map(place_of, split(text)))
        ends.append(len(found))
        if len(found) >= _BLOCK_TOKENS:
            blocks.append(_block(found, ends))
            found, ends = array("i"), array("q", [0])
    if len(ends) > 1 or not blocks:
        blocks.append(_block(found, ends))
    for block in blocks:
        block.resize((block.shape[0], len(places)))
    return (blocks[0] if len(blocks) == 1 else csr_array(vstack(blocks, "csr"))), list(places)


def splitter(rules: Rules, tokenizer: Tokenizer | None = None) -> Callable[[str], Iterable[str]]:
    """A function from a text to its words, in the order of the text, by the rules that concern single texts.

    Stop words are still there unless words are put in rows (`ngrams`): it is faster to drop their columns. A row of
    words stands where its first one does, the shorter row first.
    """
    words = _by_rule(rules) if tokenizer is None else _by_tokenizer(rules, tokenizer)
    if rules.ngrams == (1, 1):
        return words
    stopped, (fewest, most) = rules.stopped(), rules.ngrams

    def in_rows(text: str) -> Iterator[str]:
        row = [word for word in words(text) if word not in stopped]
        sizes = (zip(*(row[start:] for start in range(size))) for size in range(fewest, most + 1))
        for beginning_here in zip_longest(*sizes):
            yield from (" ".join(some) for some in beginning_here if some is not None)

    return in_rows


# --- words of a text -------------------------------------------------------------------------------------------------


def _by_rule(rules: Rules) -> Callable[[str], list[str]]:
    plain = re.compile(f"[a-zA-Z]{{{rules.min_length},}}").findall
    lower, pairs, length = rules.lowercase, rules.characters, rules.min_length

    def words(text: str) -> list[str]:
        text = text.lower() if lower else text
        if text.isascii():
            found = plain(text)
            return [pair for word in found for pair in _pairs(word)] if pairs is True else found
        text = unicodedata.normalize("NFC", text).replace(_SOFT_HYPHEN, "")
        if pairs is False:
            return _any_script(length).findall(text)
        if pairs is True:
            return [pair for word in _any_script(length).findall(text) for pair in _pairs(word)]
        if not _unspaced().search(text):
            return _any_script(length).findall(text)
        return [part for word, run in _both(length).findall(text) for part in ([word] if word else _pairs(run))]

    return words


def _by_tokenizer(rules: Rules, tokenizer: Tokenizer) -> Callable[[str], list[str]]:
    def words(text: str) -> list[str]:
        found = list(tokenizer(text.lower() if rules.lowercase else text))
        for word in found:
            if not isinstance(word, str):
                raise ArgumentError(
                    f"tokenizer must give the words of a text as str; {_name_of(tokenizer)} gave {word!r:.60}"
                )
        return [word for word in found if len(word) >= rules.min_length and not word.isspace()]

    return words


def _pairs(word: str) -> list[str]:
    """Overlapping pairs of characters (a letter and the marks upon it are one); the character itself if it is one."""
    characters: Sequence[str] = word if word.isascii() else _characters().findall(word)
    return [first + second for first, second in pairwise(characters)] or [word]


@cache
def _any_script(length: int) -> re.Pattern[str]:
    letters, marks = _classes()
    return re.compile(f"[{letters}][{letters}{marks}{_JOINERS}]{{{length - 1},}}")


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile(f"[{_ranges(_UNSPACED)}]")


@cache
def _both(length: int) -> re.Pattern[str]:
    """Words of scripts with spaces in the first group, runs of others in the second."""
    _, marks = _classes()
    inside = set(chain.from_iterable(range(low, high + 1) for low, high in _UNSPACED))
    spaced = _as_class(code for code in _codes("L") if code not in inside)
    without = _as_class(code for code in _codes("L") if code in inside)
    word = f"[{spaced}][{spaced}{marks}{_JOINERS}]{{{length - 1},}}"
    return re.compile(f"({word})|([{without}][{without}{marks}{_JOINERS}]*)")


@cache
def _characters() -> re.Pattern[str]:
    _, marks = _classes()
    return re.compile(f".[{marks}{_JOINERS}]*", re.DOTALL)


@cache
def _classes() -> tuple[str, str]:
    """All letters and all marks, for use between brackets in a regular expression."""
    return _as_class(_codes("L")), _as_class(_codes("M"))


@cache
def _codes(category: str) -> list[int]:
    assigned = chain(range(0x33480), range(0xE0100, 0xE01F0))  # beyond lie no letters and no marks
    return [code for code in assigned if unicodedata.category(chr(code))[0] == category]


def _as_class(codes: Iterable[int]) -> str:
    ranges: list[tuple[int, int]] = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return _ranges(ranges)


def _ranges(ranges: Iterable[tuple[int, int]]) -> str:
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)


# --- counting --------------------------------------------------------------------------------------------------------


def _block(found: "array[int]", ends: "array[int]") -> csr_array:
    """Counts from the places of the words of some texts, one text after the other."""
    places = np.frombuffer(found, np.int32) if found else np.zeros(0, np.int32)
    shape = (len(ends) - 1, int(places.max(initial=-1)) + 1)
    counts = csr_array((np.ones(len(places), np.int32), places.copy(), np.array(ends, np.int64)), shape=shape)
    counts.sum_duplicates()
    return counts


def _kept(counts: csr_array, words: Sequence[str], rules: Rules) -> NDArray[np.int64]:
    """The columns that the rules keep, in the order of their words."""
    within = ~_of_stop_words(words, rules)
    documents, (fewest, most) = _documents(counts), _limits(rules, counts.shape[0])
    within &= (documents >= fewest) & (documents <= most)
    places = np.flatnonzero(within)
    places = np.array(sorted(places.tolist(), key=words.__getitem__), dtype=np.int64)
    if rules.max_features is not None and len(places) > rules.max_features:
        often = np.asarray(counts.sum(axis=0)).ravel()[places]
        places = places[np.sort(np.argsort(-often, kind="stable")[: rules.max_features])]
    return places


def _of_stop_words(words: Sequence[str], rules: Rules) -> NDArray[np.bool_]:
    stopped = rules.stopped()
    return np.fromiter((word in stopped for word in words), bool, len(words))


def _documents(counts: csr_array) -> NDArray[np.int64]:
    """Number of texts that each word occurs in."""
    return np.bincount(counts.indices, minlength=counts.shape[1])


def _limits(rules: Rules, texts: int) -> tuple[float, float]:
    """Fewest and most texts that a word must occur in."""
    fewest = rules.min_df if isinstance(rules.min_df, int) else rules.min_df * texts
    most = rules.max_df if isinstance(rules.max_df, int) else rules.max_df * texts
    return fewest, most


def _nothing_left(counts: csr_array, words: Sequence[str], rules: Rules) -> str:
    texts = counts.shape[0]
    if not words:
        length = f" of {rules.min_length} or more characters" if rules.min_length > 1 else ""
        return f"no word{length} was found in {texts} text(s); are they empty, or numbers?"
    stopped, documents = _of_stop_words(words, rules), _documents(counts)
    fewest, most = _limits(rules, texts)
    few, many = ~stopped & (documents < fewest), ~stopped & (documents > most)
    lines = [
        f"  {stopped.sum():,} are stop words (stop_words={rules.stop_words!r:.40})",
        f"  {few.sum():,} occur in fewer than {fewest:g} texts (min_df={rules.min_df!r})",
        f"  {many.sum():,} occur in more than {most:g} texts (max_df={rules.max_df!r})",
    ]
    return f"no word is left to count: of {len(words):,} different words in {texts:,} text(s)\n" + "\n".join(lines)


# --- what a user said ------------------------------------------------------------------------------------------------


def _name_of(tokenizer: Tokenizer) -> str:
    if not callable(tokenizer):
        raise ArgumentError(f"tokenizer must be a function from a text to its words, or None; got {tokenizer!r}")
    module, name = getattr(tokenizer, "__module__", None), getattr(tokenizer, "__qualname__", type(tokenizer).__name__)
    return f"{module}.{name}" if module else str(name)


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's own."""
    if isinstance(value, tuple | list):
        return type(value)(map(_plain, value))
    return value.item() if isinstance(value, np.generic) else value


def _check_flag(argument: str, value: object, choices: Sequence[object]) -> None:
    if not any(value is choice or (isinstance(value, str) and value == choice) for choice in choices):
        raise not_a_choice(argument, value, [str(choice) for choice in choices])


def _check_count(argument: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ArgumentError(f"{argument} must be a whole number of at least 1; got {value!r}")


def _check_frequency(argument: str, value: object) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if not whole and not (isinstance(value, float) and 0 <= value <= 1):
        raise ArgumentError(
            f"{argument} must be a whole number of texts, at least 1, or a fraction of them from 0.0 to 1.0; "
            f"got {value!r}"
        )


def _checked_ngrams(ngrams: Any) -> tuple[int, int]:
    pair = tuple(ngrams) if isinstance(ngrams, Sequence) and not isinstance(ngrams, str) else (ngrams,)
    whole = all(isinstance(size, int) and not isinstance(size, bool) for size in pair)
    if len(pair) != 2 or not whole or not 1 <= pair[0] <= pair[1]:
        raise ArgumentError(
            f"ngrams must be two whole numbers, the fewest and most words in a row, such as (1, 2); got {ngrams!r}"
        )
    return cast("tuple[int, int]", pair)


def _checked_stop_words(given: Any) -> "Literal['english'] | tuple[str, ...] | None":
    if given is None or given == "english":
        return cast("Literal['english'] | None", given)
    if isinstance(given, str):
        raise ArgumentError(f"stop_words must be 'english', a list of words, or None; got {given!r}")
    words = tuple(given)
    wrong = next((word for word in words if not isinstance(word, str)), None)
    if wrong is not None:
        raise ArgumentError(f"stop_words must be 'english', a list of words, or None; the list holds {wrong!r}")
    return tuple(sorted(set(words)))
