"""What is special about LDA: planted topics, seed words, priors, growing vocabulary, threads, what it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError

import nolabel
from nolabel import LDA
from nolabel.data import toys
from nolabel.errors import ArgumentError, DataError

PETS = ["the cat chased a mouse", "a mouse and a cat", "cat, mouse and dog"]
MONEY = ["stocks and bonds fell", "bonds fell, stocks rose", "stocks rose today"]
TEXTS = (PETS + MONEY) * 8


def small(n_topics: int = 2, **arguments: Any) -> LDA:
    return LDA(n_topics=n_topics, **{"max_df": 1.0, "random_state": 0, **arguments})


def planted(seed: int = 0, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Counts (n, 60) of documents from 4 topics, and the topics."""
    posts = toys.counts(n, 60, 4, seed)
    return posts.counts, posts.phi


@pytest.mark.parametrize("inference", ["map", "vb"])
@pytest.mark.parametrize("seed", [0, 1])
def test_planted_topics_come_back(inference: Any, seed: int) -> None:
    X, phi = planted(seed)
    found = LDA(n_topics=4, inference=inference, epochs=40, batch_size=100, random_state=seed).fit(X).topic_word_
    apart = np.abs(found[:, None] - phi[None]).sum(2) / 2
    rows, columns = linear_sum_assignment(apart)
    assert apart[rows, columns].max() < 0.2
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-9)


@pytest.mark.parametrize("inference", ["map", "vb"])
def test_any_number_of_threads_gives_the_same_bits(inference: Any) -> None:
    X, _ = planted(n=600)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            model = LDA(n_topics=4, inference=inference, epochs=2, batch_size=512, random_state=0).fit(X)
            found.append((model.topic_word_, model.alpha_, model.transform(X), model.perplexity(X)))
    finally:
        torch.set_num_threads(before)
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))


def test_topics_of_texts() -> None:
    model = small().fit(TEXTS)
    topics = model.topics(3)
    by_first = sorted(topics, key=lambda topic: "cat" in topic.words)
    assert {"cat", "mouse"} <= set(by_first[1].words)
    assert "stocks" in by_first[0].words
    assert sum(topic.share for topic in topics) == pytest.approx(1)
    assert all(len(topic.label.split(", ")) == 3 for topic in topics)
    assert list(topics[0].weights) == sorted(topics[0].weights, reverse=True)
    assert model.predict(PETS).tolist() != model.predict(MONEY).tolist()
    assert len(set(model.predict(PETS))) == 1


def test_mixtures_are_dense_and_unseen_words_are_ignored() -> None:
    model = small().fit(TEXTS)
    mixtures = model.transform(["cat", "", "zebra", "cat zebra"])
    np.testing.assert_allclose(mixtures.sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(mixtures[1], model.alpha_ / model.alpha_.sum(), rtol=1e-6)
    assert np.array_equal(mixtures[1], mixtures[2])
    assert np.array_equal(mixtures[0], mixtures[3])


def test_sparse_dense_and_named_counts_agree() -> None:
    X, _ = planted(n=100)
    names = [f"w{column}" for column in range(60)]
    dense, sparse, frame = (
        LDA(n_topics=3, epochs=2, random_state=0).fit(x) for x in (X, csr_matrix(X), pd.DataFrame(X, columns=names))
    )
    assert np.array_equal(dense.transform(X), sparse.transform(csr_matrix(X)))
    assert np.array_equal(dense.topic_word_, frame.topic_word_)
    assert dense.vocabulary_[:2] == ["0", "1"]
    assert frame.vocabulary_ == names


def test_seed_words_keep_acting() -> None:
    seeds = {"money": ["bonds"], "pets": ["cat"]}
    for seed in range(3):
        model = small(seed_words=seeds, random_state=seed).fit(TEXTS)
        assert [topic.label for topic in model.topics()] == ["money", "pets"]
        assert model.predict(["bonds", "cat", "mouse", "stocks"]).tolist() == [0, 1, 1, 0]
    numbered = small(3, seed_words={"2": ["cat"]}).fit(TEXTS)
    assert "cat" in numbered.topics(1)[2].words
    apart = small(seed_words={"a": ["cat"], "b": ["mouse"]}, seed_weight=50.0).fit(TEXTS)  # against what the texts say
    phi, words = apart.topic_word_, apart.vocabulary_
    assert phi[0, words.index("cat")] > phi[1, words.index("cat")]
    assert phi[1, words.index("mouse")] > phi[0, words.index("mouse")]


def test_seed_words_survive_saving(tmp_path: Path) -> None:
    model = small(seed_words={"money": ["bonds"], "pets": ["cat"]}).fit(TEXTS)
    model.save(tmp_path / "model")
    again = nolabel.load(tmp_path / "model")
    assert np.array_equal(again.transform(TEXTS), model.transform(TEXTS))
    assert again.topics(3) == model.topics(3)


@pytest.mark.parametrize("inference", ["map", "vb"])
def test_learned_alpha_knows_the_common_topic(inference: Any) -> None:
    rng = np.random.default_rng(0)
    phi = np.kron(np.eye(3), np.full(8, 1 / 8))
    theta = np.array([rng.dirichlet([2.0, 0.2, 0.2]) for _ in range(500)])
    X = np.array([rng.multinomial(60, row @ phi) for row in theta])
    model = LDA(n_topics=3, inference=inference, epochs=30, batch_size=250, random_state=0).fit(X)
    common = int(np.argmax(model.topic_word_[:, :8].sum(1)))
    assert int(np.argmax(model.alpha_)) == common
    assert model.alpha_[common] > 2 * np.delete(model.alpha_, common).max()


def test_eta_is_learned() -> None:
    X, _ = planted()
    model = LDA(n_topics=4, eta="auto", epochs=10, random_state=0).fit(X)
    assert 0 < model.eta_ < 10
    assert model.eta_ != 0.01
    assert LDA(n_topics=4, eta=0.02, epochs=1).fit(X).eta_ == pytest.approx(0.02)


def test_perplexity_falls_and_is_better_than_guessing() -> None:
    X, _ = planted()
    model = LDA(n_topics=4, epochs=30, batch_size=100, random_state=0).fit(X[:300])
    assert model.perplexity(X[300:]) < model.untrained().perplexity(X[300:]) < 1.05 * 60
    assert model.perplexity(X[300:], seed=1) == model.perplexity(X[300:], seed=1)
    assert model.score(X[300:]) == pytest.approx(-np.log(model.perplexity(X[300:], least=2)))


@pytest.mark.parametrize("inference", ["map", "vb"])
def test_partial_fit_of_parts_learns_as_fit_does(inference: Any) -> None:
    X, _ = planted(n=1200)
    model = LDA(n_topics=4, inference=inference, batch_size=50, random_state=0)
    for part in np.split(X[:1000], 5):
        model.partial_fit(part)
    whole = LDA(n_topics=4, inference=inference, epochs=10, batch_size=50, random_state=0).fit(X[:1000])
    assert model.perplexity(X[1000:]) < 1.1 * whole.perplexity(X[1000:])
    assert float(model.learner_.documents) == 1000


def test_vocabulary_grows_when_asked() -> None:
    grown, fixed = small(3, grow=True), small(3)
    for model in (grown, fixed):
        model.partial_fit(TEXTS)
        for _ in range(5):
            model.partial_fit(["whales sing songs", "songs of whales"] * 8)
    assert fixed.vocabulary_ == sorted(fixed.vocabulary_)
    assert grown.vocabulary_ == [*fixed.vocabulary_, "sing", "songs", "whales"]
    assert grown.topic_word_.shape == (3, len(grown.vocabulary_)) == (3, grown.n_features_in_)
    assert {"whales", "songs"} <= set(grown.topics(2)[grown.predict(["whales songs"])[0]].words)


def test_grown_model_can_be_saved(tmp_path: Path) -> None:
    model = small(grow=True).partial_fit(TEXTS).partial_fit(["whales sing"] * 4 + ["whales"])
    model.save(tmp_path / "model")
    again = nolabel.load(tmp_path / "model")
    assert np.array_equal(again.transform(["whales", "cat"]), model.transform(["whales", "cat"]))
    again.partial_fit(TEXTS)


def test_choose_stability_diversity_and_coherence() -> None:
    model = small(batch_size=20).fit(TEXTS)
    choice = model.choose(TEXTS, [1, 2, 4], measure="u_mass")
    assert choice.n_topics == (1, 2, 4)
    assert choice.best >= 2
    assert choice.perplexity[1] < choice.perplexity[0]
    assert np.isfinite(choice.coherence).all()
    assert model.n_topics == 2
    assert len(model.stability(TEXTS, range(3))) == 3
    assert model.diversity(2) == 1.0
    assert -1 <= model.coherence(TEXTS) <= 1
    assert model.coherences(TEXTS, "u_mass", 3).shape == (2,)


def test_raw_texts_from_a_folder(tmp_path: Path) -> None:
    for number, text in enumerate(TEXTS[:12]):
        (tmp_path / f"{number:02}.txt").write_text(text)
    model = small().fit(tmp_path)
    assert model.transform(tmp_path).shape == (12, 2)


# --- refusals --------------------------------------------------------------------------------------------------------


def test_counts_that_are_none_are_refused() -> None:
    X, _ = planted(n=20)
    for wrong, words in ((-1, "Negative"), (0.5, "whole numbers"), (np.nan, "NaN")):
        spoilt = X.astype(float)
        spoilt[2, 3] = wrong
        with pytest.raises(DataError, match=words):
            LDA().fit(spoilt)


def test_another_width_is_refused_and_leaves_the_model_alone() -> None:
    X, _ = planted(n=50)
    model = LDA(n_topics=3, epochs=2, random_state=0).fit(X)
    before = model.topic_word_
    for ask in (model.perplexity, model.transform, model.score, model.partial_fit):
        with pytest.raises(DataError, match=r"59 features.*60"):
            ask(X[:, :-1])
    assert np.array_equal(model.topic_word_, before)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["", "  "] * 4, "no word"),
        (["a cat"], "1 occur in fewer than 2 texts"),
        (["the cat"] * 5, "1 occur in more than 2.5 texts"),
    ],
)
def test_an_empty_vocabulary_is_refused(texts: list[str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        LDA().fit(texts)


def test_one_document_and_the_same_one_over_and_over_are_refused() -> None:
    with pytest.raises(DataError, match="at least 2"):
        LDA(min_df=1, max_df=1.0).fit(["cat and mouse"])
    with pytest.raises(DataError, match="identical"):
        small().fit(["cat and mouse"] * 20)


def test_more_topics_than_documents_are_warned_of() -> None:
    with pytest.warns(UserWarning, match=r"n_topics=60 is more than the 48 documents"):
        model = small(60, epochs=1).fit(TEXTS)
    assert np.isfinite(model.transform(TEXTS)).all()


def test_empty_documents_are_kept_in_training() -> None:
    model = small().fit([*TEXTS, "", "..."])
    assert model.transform([*TEXTS, "", "..."]).shape == (50, 2)
    with pytest.raises(DataError, match="no document has 10 words"):
        model.perplexity(["", "cat"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seed_words": {"money": ["bondz"]}}, "'bondz' is not one of the 9 words.*bonds"),
        ({"seed_words": {"7": ["cat"]}}, "number of topic '7' must be at least 0 and at most 1"),
        ({"seed_words": ["cat"]}, "must be a list of words for each topic"),
        ({"seed_words": {"a": "cat"}}, "must be a list of words for each topic"),
        ({"alpha": (0.1, 0.1, 0.1)}, "one for each of the 2 topics"),
        ({"alpha": 0.0}, "alpha must be above 0"),
        ({"alpha": "learn"}, "alpha must be 'auto' or"),
        ({"eta": -1.0}, "eta must be above 0"),
        ({"n_topics": 0}, "n_topics must be at least 1"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"kappa": 1.5}, "kappa must be"),
        ({"inference": "gibbs"}, "inference must be one of 'map', 'vb'"),
        ({"plan": {"holdout": 0.1}}, "holdout"),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        small(**arguments).fit(TEXTS)


def test_seed_words_need_words() -> None:
    with pytest.raises(ArgumentError, match="no names"):
        LDA(n_topics=3, seed_words={"a": ["cat"]}).fit(planted(n=20)[0])


def test_what_is_learned_is_there_only_after_fit() -> None:
    for name in ("topic_word_", "alpha_", "eta_"):
        assert not hasattr(LDA(), name)
    with pytest.raises(NotFittedError):
        LDA().topics()
