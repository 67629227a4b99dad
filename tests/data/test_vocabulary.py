"""The vocabulary: what is a word, which words are kept, and that scikit-learn counts the same."""

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

from nolabel.data import vocabulary
from nolabel.data.vocabulary import Rules, Vocabulary, splitter
from nolabel.errors import ArgumentError, DataError

WORDS = ["apple", "Pear", "the", "of", "plum", "é", "Äpfel", "ночь", "x", "fig"]
TEXTS = [
    "The apple and the pear; the apple!",
    "apple_pie, 3 plums & plum's fig2fig",
    "",
    "Äpfel, ÄPFEL und Birnen: naïve cafés",
    "the ночь the НОЧЬ день",
    "pear plum pear plum pear apple",
]


def words(text: str, **rules: Any) -> list[str]:
    return list(splitter(Rules(**rules))(text))


def checked(**given: Any) -> Rules:
    defaults = {one: getattr(Rules(), one) for one in Rules().recipe() if one != "tokenizer"}
    return Rules.checked(**{**defaults, **given})


# --- what is a word


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hello, WORLD-wide web!", ["hello", "world", "wide", "web"]),
        ("don't snake_case 42 r2d2", ["don", "t", "snake", "case", "r", "d"]),
        ("naïve Straße ΣΟΦΟΣ", ["naïve", "straße", "σοφος"]),
        ("cafe\u0301 café", ["café", "café"]),  # composed and decomposed
        ("हिन्दी भाषा में", ["हिन्दी", "भाषा", "में"]),  # vowel signs are marks, no letters
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("co\u00adopera\u00adtion", ["cooperation"]),
        ("❤\ufe0f love", ["love"]),
        ("서울 대학교", ["서울", "대학교"]),  # Korean has spaces
        ("", []),
        ("  \n\t ", []),
    ],
)
def test_words_are_runs_of_letters_of_any_script(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("东京大学", ["东京", "京大", "大学"]),
        ("猫", ["猫"]),
        ("カタカナ、ひらがな", ["カタ", "タカ", "カナ", "ひら", "らが", "がな"]),
        ("Tokyo東京tower", ["tokyo", "東京", "tower"]),
        ("猫 cat 东京大 dog", ["猫", "cat", "东京", "京大", "dog"]),
        ("𠮷野家", ["𠮷野", "野家"]),  # beyond the basic plane
        ("ที่นี่", ["ที่นี่"]),  # two consonants, each with its marks
    ],
)
def test_scripts_without_spaces_become_pairs_of_characters(text: str, found: list[str]) -> None:
    assert words(text) == found
    assert words(text, min_length=3)[-1] == found[-1]  # the length is that of words


def test_characters_of_all_scripts_or_of_none() -> None:
    assert words("Cats 东京大学", characters=False) == ["cats", "东京大学"]
    assert words("cats a", characters=True) == ["ca", "at", "ts", "a"]
    assert words("cats 东京大", characters=True) == ["ca", "at", "ts", "东京", "京大"]


def test_case_length_and_rows_of_words() -> None:
    assert words("The Cat", lowercase=False) == ["The", "Cat"]
    assert words("a an the ant É été", min_length=3) == ["the", "ant", "été"]
    in_order = ["big", "big red", "red", "red dog", "dog"]  # windows of words are laid over this order
    assert words("big red the dog", ngrams=(1, 2), stop_words=("the",)) == in_order
    assert words("a b c d", ngrams=(2, 3)) == ["a b", "a b c", "b c", "b c d", "c d"]
    assert words("big red dog", ngrams=(3, 3)) == ["big red dog"]
    assert words("big", ngrams=(2, 2)) == []


def test_a_tokenizer_of_the_users_own() -> None:
    def cut(text: str) -> list[str]:
        return text.split("|")

    rules = checked(tokenizer=cut, min_length=2)
    assert rules.tokenizer is not None
    assert rules.tokenizer.endswith("cut")
    assert list(splitter(rules, cut)("AB|c|de| | ")) == ["ab", "de"]
    learned, counts = Vocabulary.learn(["ab|de", "ab|ab"], rules, cut)
    assert learned.tokens == ("ab", "de")
    assert counts.toarray().tolist() == [[1, 1], [2, 0]]
    loaded = Vocabulary(learned.tokens, Rules.from_recipe(learned.rules.recipe()))
    with pytest.raises(DataError, match=r"found by a tokenizer, .*cut, which cannot be saved.*give it again"):
        loaded.count(["ab"])
    with pytest.raises(ArgumentError, match="must give the words of a text as str; .* gave 3"):
        splitter(rules, lambda text: [3])("text")  # type: ignore[list-item]


# --- which words are kept


def by_scikit_learn(texts: list[str], rules: Rules, **more: Any) -> tuple[list[str], np.ndarray]:
    stop = None if rules.stop_words is None else sorted(rules.stopped())
    their = CountVectorizer(
        token_pattern=rf"[^\W\d_]{{{rules.min_length},}}",
        lowercase=rules.lowercase,
        stop_words=stop,
        min_df=rules.min_df,
        max_df=rules.max_df,
        ngram_range=rules.ngrams,
        max_features=rules.max_features,
        **more,
    )
    counts = their.fit_transform(texts).toarray()
    return their.get_feature_names_out().tolist(), counts


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"lowercase": False},
        {"stop_words": "english", "min_length": 3},
        {"stop_words": ("the", "apple"), "ngrams": (1, 2)},
        {"min_df": 2},
        {"min_df": 0.3, "max_df": 0.5},
        {"max_df": 2, "ngrams": (2, 3)},
        {"max_df": 0.34},
    ],
)
def test_counts_are_those_of_scikit_learn(given: dict[str, Any]) -> None:
    rules = Rules(**given)
    learned, counts = Vocabulary.learn(TEXTS, rules)
    tokens, theirs = by_scikit_learn(TEXTS, rules)
    assert list(learned.tokens) == tokens
    assert np.array_equal(counts.toarray(), theirs)
    assert np.array_equal(learned.count(TEXTS).toarray(), theirs)


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), min_size=2, max_size=12),
    st.sampled_from([1, 2, 0.2]),
    st.sampled_from([1.0, 0.9, 5]),
    st.sampled_from([(1, 1), (1, 2)]),
)
def test_counts_are_those_of_scikit_learn_whatever_the_texts(
    texts: list[str], min_df: float, max_df: float, ngrams: tuple[int, int]
) -> None:
    rules = Rules(min_df=min_df, max_df=max_df, ngrams=ngrams)
    try:
        tokens, theirs = by_scikit_learn(texts, rules)
    except ValueError:
        with pytest.raises(DataError, match="no word"):
            Vocabulary.learn(texts, rules)
        return
    learned, counts = Vocabulary.learn(texts, rules)
    assert list(learned.tokens) == tokens
    assert np.array_equal(counts.toarray(), theirs)


def test_most_frequent_words_only() -> None:
    learned, counts = Vocabulary.learn(["a a a b b c", "d d d d c"], Rules(max_features=2))
    assert learned.tokens == ("a", "d")
    assert counts.toarray().tolist() == [[3, 0], [0, 4]]


def test_counting_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Vocabulary.learn(TEXTS, Rules())
    monkeypatch.setattr(vocabulary, "_BLOCK_TOKENS", 3)
    parts = Vocabulary.learn(iter(TEXTS), Rules())
    assert parts[0] == whole[0]
    assert np.array_equal(parts[1].toarray(), whole[1].toarray())


def test_english_stop_words_are_scikit_learns() -> None:
    assert Rules(stop_words="english").stopped() == ENGLISH_STOP_WORDS
    assert Rules(stop_words=("The", "OF")).stopped() == {"the", "of"}
    assert Rules(stop_words=("The",), lowercase=False).stopped() == {"The"}


def test_no_word_left_says_which_rule_took_how_many() -> None:
    texts = ["the cat of cat", "the dog", "the cow"]
    with pytest.raises(DataError) as caught:
        Vocabulary.learn(texts, Rules(stop_words=("of",), min_df=2, max_df=0.5))
    told = str(caught.value)
    assert re.search(r"of 5 different words in 3 text\(s\)", told)
    assert re.search(r"1 are stop words", told)
    assert re.search(r"3 occur in fewer than 2 texts \(min_df=2\)", told)
    assert re.search(r"1 occur in more than 1\.5 texts \(max_df=0\.5\)", told)
    with pytest.raises(DataError, match=r"no word of 3 or more characters was found in 2 text\(s\)"):
        Vocabulary.learn(["a b", "12 34"], Rules(min_length=3))
    with pytest.raises(DataError, match=r"no word was found in 0 text\(s\)"):
        Vocabulary.learn([], Rules())


# --- new texts


def test_unknown_words_are_ignored_and_a_text_of_them_is_a_row_of_zeros() -> None:
    learned, _ = Vocabulary.learn(["cat dog", "dog"], Rules())
    assert learned.count(["dog bird dog", "fish", ""]).toarray().tolist() == [[0, 2], [0, 0], [0, 0]]


def test_new_words_stand_behind_the_known_ones() -> None:
    learned, _ = Vocabulary.learn(["dog fox", "dog"], Rules(min_df=1, stop_words=("the",)))
    grown, counts = learned.grow(["the bee dog", "ant bee bee"])
    assert grown.tokens == ("dog", "fox", "ant", "bee")
    assert counts.toarray().tolist() == [[1, 0, 0, 1], [0, 0, 1, 2]]
    rare, _ = Vocabulary(("dog",), Rules(min_df=2)).grow(["ant bee", "bee"])
    assert rare.tokens == ("dog", "bee")
    same, counts = learned.grow(["fox"])
    assert same.tokens == learned.tokens
    assert counts.toarray().tolist() == [[0, 1]]
    full, _ = Vocabulary(("dog", "fox"), Rules(max_features=3)).grow(["ant bee bee"])
    assert full.tokens == ("dog", "fox", "bee")


def test_rules_go_into_json_and_back() -> None:
    for rules in (Rules(), Rules(stop_words=("a", "b"), ngrams=(1, 2), min_df=0.1, max_features=7, characters=False)):
        assert Rules.from_recipe(json.loads(json.dumps(rules.recipe()))) == rules


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"min_df": 0}, "min_df must be a whole number of texts, at least 1, or a fraction"),
        ({"min_df": 1.5}, "min_df must be"),
        ({"max_df": -0.1}, "max_df must be"),
        ({"max_df": True}, "max_df must be"),
        ({"min_length": 0}, "min_length must be a whole number of at least 1; got 0"),
        ({"max_features": 2.5}, "max_features must be a whole number"),
        ({"ngrams": (2, 1)}, r"ngrams must be two whole numbers.*got \(2, 1\)"),
        ({"ngrams": 2}, "ngrams must be two whole numbers"),
        ({"ngrams": (0, 1)}, "ngrams must be"),
        ({"stop_words": "german"}, "stop_words must be 'english', a list of words, or None; got 'german'"),
        ({"stop_words": ["the", 3]}, "the list holds 3"),
        ({"characters": "always"}, "characters must be one of 'auto', 'True', 'False'; got 'always'"),
        ({"lowercase": "yes"}, "lowercase must be one of"),
        ({"tokenizer": "jieba"}, "tokenizer must be a function from a text to its words, or None; got 'jieba'"),
    ],
)
def test_rules_that_cannot_be_are_refused_in_words(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        checked(**given)
