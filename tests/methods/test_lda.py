"""What is special about LDA: planted topics, seed words, priors, growing vocabulary, threads, what it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.exceptions import NotFittedError

import nolabel
from nolabel import LDA
from nolabel.data import toys
from nolabel.errors import ArgumentError, BrokenFilesError, DataError
from nolabel.methods._topics import _chosen
from nolabel.randomness import Draws
from nolabel.training.learner import Step

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
@pytest.mark.parametrize("eta", ["auto", 0.01])
def test_any_number_of_threads_gives_the_same_bits(inference: Any, eta: Any) -> None:
    X = csr_matrix(np.random.default_rng(0).poisson(0.02, size=(600, 9000)))  # V K > 2^16: torch splits such sums
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            model = LDA(n_topics=8, inference=inference, eta=eta, epochs=2, batch_size=512, random_state=0).fit(X)
            found.append((model.topic_word_, model.alpha_, model.transform(X), model.perplexity(X)))
    finally:
        torch.set_num_threads(before)
    assert all(np.array_equal(one, same) for one, same in zip(*found, strict=True))


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


def test_seeds_with_a_number_and_with_a_name_do_not_share_a_topic() -> None:
    model = small(3, seed_words={"1": ["cat"], "money": ["bonds"], "²": ["dog"]}).fit(TEXTS)
    seeds = model.learner_.seeds
    assert (seeds.topics, seeds.named) == ([1, 0, 2], {0: "money", 2: "²"})
    assert [topic.label for topic in model.topics()][::2] == ["money", "²"]


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


def with_eta(eta: float, seed: int = 0) -> np.ndarray:
    """Counts of documents, nearly each from one of 4 topics that were drawn from Dir(η)."""
    rng = np.random.default_rng(seed)
    phi = rng.dirichlet(np.full(60, eta), size=4)
    return np.array([rng.multinomial(80, rng.dirichlet(np.full(4, 0.05)) @ phi) for _ in range(400)])


@pytest.mark.parametrize("inference", ["map", "vb"])
def test_eta_is_learned(inference: Any) -> None:
    peaked, flat = (
        LDA(n_topics=4, inference=inference, eta="auto", epochs=40, random_state=0).fit(with_eta(eta)).eta_
        for eta in (0.1, 2.0)
    )
    assert 0.05 < peaked < 0.2
    assert 0.4 < flat < 5
    assert LDA(n_topics=4, eta=0.02, epochs=1).fit(with_eta(0.1)).eta_ == pytest.approx(0.02)


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


@pytest.mark.parametrize("inference", ["map", "vb"])
def test_a_stream_goes_on_from_what_was_fitted(inference: Any) -> None:
    X, _ = planted(n=500)
    model = LDA(n_topics=4, inference=inference, batch_size=100, random_state=0).fit(X[:400])
    for number, part in enumerate(np.split(X[400:], 2), start=1):
        model.partial_fit(part)
        assert float(model.learner_.documents) == 400 + 50 * number


@pytest.mark.parametrize("inference", ["map", "vb"])
def test_one_more_document_does_not_replace_the_topics(inference: Any) -> None:
    X, _ = planted()
    model = LDA(n_topics=4, inference=inference, epochs=20, random_state=0).fit(X)
    before = model.topic_word_
    model.partial_fit(60 * np.eye(1, 60, dtype=int))
    moved = np.abs(model.topic_word_ - before).sum(1).max() / 2
    assert 0 < moved < 0.05


def test_variational_updates_are_those_of_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    X, _ = planted(n=300)
    data = nolabel.open(X[:240], modality="text")
    theirs = LatentDirichletAllocation(
        4, doc_topic_prior=0.2, topic_word_prior=0.05, learning_offset=10.0, random_state=0, max_doc_update_iter=100
    )
    theirs._init_latent_vars(60)
    e_step = theirs._e_step
    monkeypatch.setattr(
        theirs, "_e_step", lambda X, cal_sstats, random_init, parallel=None: e_step(X, cal_sstats, False, parallel)
    )
    model = LDA(n_topics=4, inference="vb", alpha=0.2, eta=0.05, steps=100, tau0=11.0, kappa=0.7)
    ours = model.build(data.spec)
    ours.documents.fill_(300)
    ours.words.copy_((torch.from_numpy(theirs.components_.T) - 0.05) / 300)
    for number, batch in enumerate(data.batches(80)):
        theirs._em_step(csr_matrix(X[80 * number : 80 * (number + 1)]).astype(float), 300, batch_update=False)
        step = Step(number, 0.0, Draws(0))
        ours.refresh(ours.absorb(batch, step), step)
        np.testing.assert_allclose(ours._lambda().T, theirs.components_, rtol=1e-6)
    gamma = e_step(csr_matrix(X[:240]).astype(float), False, False)[0]
    found = ours._infer(data.rows(torch.arange(240))[0], 100, statistics=False)
    np.testing.assert_allclose(found.weights, gamma, rtol=1e-5)


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
    assert choice.seeds == (0, 1, 2)
    assert choice.protocol == "u_mass, whole documents"
    assert choice.best >= 2
    frame = choice.to_frame()
    assert frame["perplexity"].tolist() == list(choice.perplexity)
    assert (frame["perplexity_deviation"] > 0).all()
    alone = model.choose(TEXTS, [1, 2], seeds=[5])
    assert alone.protocol == "c_npmi, windows of 10 tokens"
    assert np.isnan(alone.perplexity_deviation).all()
    assert alone.perplexity[alone.n_topics.index(alone.best)] == min(alone.perplexity)
    assert choice.perplexity[1] < choice.perplexity[0]
    assert np.isfinite(choice.coherence).all()
    assert model.n_topics == 2
    assert len(model.stability(TEXTS, range(3))) == 3
    assert model.diversity(2) == 1.0
    assert -1 <= model.coherence(TEXTS) <= 1
    assert model.coherences(TEXTS, "u_mass", 3).shape == (2,)


def test_the_number_is_the_fewest_within_one_standard_error() -> None:
    runs = np.array([[[10.0, 6.0, 5.5], [0, 0, 0]], [[10.0, 5.0, 5.5], [0, 0, 0]], [[10.0, 6.2, 5.0], [0, 0, 0]]])
    choice = _chosen((5, 10, 20), runs, "", (0, 1, 2))
    assert choice.best == 20  # the mean of 10 lies 0.4 above, the standard error is 0.17
    runs[:, 0, 1:] = [[5.6, 5.6], [5.4, 5.0], [5.5, 5.5]]  # now the mean of 10 lies 0.13 above, the error is 0.19
    assert _chosen((5, 10, 20), runs, "", (0, 1, 2)).best == 10


def test_coherence_is_not_of_another_kind_when_texts_were_not_kept() -> None:
    model = small().fit(TEXTS)
    data = nolabel.open(TEXTS, spec=model.spec_, in_memory=False)
    for ask in (model.coherence, model.coherences):
        with pytest.raises(DataError, match="c_npmi needs the order of words, .*in_memory=True"):
            ask(data)
    with pytest.raises(DataError, match="c_v needs the order of words"):
        model.choose(data, [2], measure="c_v")
    assert np.isfinite(model.coherence(data, "u_mass"))
    with pytest.raises(DataError, match="of no topic do two of the 10 first words occur"):
        model.coherence(["cat cat", "cat"])


def test_texts_are_counted_by_the_models_own_rules() -> None:
    opened = nolabel.open(TEXTS, modality="text", labels=[0, 1] * 24)
    with pytest.warns(UserWarning, match=r"counted anew, with stop_words='english', min_df=2, min_length=3 in place"):
        model = small(epochs=2).fit(opened)
    assert model.vocabulary_ == small(epochs=1).fit(TEXTS).vocabulary_
    same = nolabel.open(TEXTS, **small().options())
    assert small(epochs=1).fit(same).vocabulary_ == model.vocabulary_
    bare = nolabel.open(TEXTS, modality="text", in_memory=False)
    with pytest.raises(DataError, match=r"was opened with .*min_length=1; here words are counted with .*not kept"):
        small().fit(bare)
    plain = {"stop_words": None, "min_df": 1, "min_length": 1, "epochs": 1}
    assert small(**plain).fit(bare).vocabulary_ == list(bare.spec.recipe["tokens"])


def test_broken_files_may_be_left_out_and_guesses_are_told(tmp_path: Path) -> None:
    for number, text in enumerate(TEXTS[:12]):
        (tmp_path / f"{number:02}.txt").write_text(text)
    (tmp_path / "broken.txt").write_bytes(b"cat\0mouse")
    with pytest.raises(BrokenFilesError, match=r"broken\.txt"):
        small().fit(tmp_path)
    model = small(on_error="skip", epochs=1).fit(tmp_path)
    model.partial_fit(tmp_path)
    with pytest.raises(BrokenFilesError, match=r"broken\.txt"):  # a row for each file, or none
        model.transform(tmp_path)
    (tmp_path / "broken.txt").write_bytes("the cat chased a mouse in Café Müller".encode("latin-1"))
    with pytest.warns(UserWarning, match="1 in cp1252 of 13 texts are not UTF-8"):
        small(epochs=1).fit(tmp_path)


def test_alpha_may_be_an_array(tmp_path: Path) -> None:
    model = small(alpha=np.array([0.1, 0.3]), epochs=1).fit(TEXTS)
    assert model.alpha_.tolist() == [0.1, 0.3]
    model.save(tmp_path / "model")
    assert nolabel.load(tmp_path / "model").alpha_.tolist() == [0.1, 0.3]


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
        ({"seed_words": {"1": ["cat"], "01": ["dog"]}}, "gives topic 1 twice"),
        ({"seed_words": {"a": ["cat"], "0": ["dog"], "b": []}}, "is of 3 topics, and there are only 2"),
        ({"seed_words": ["cat"]}, "must be a list of words for each topic"),
        ({"seed_words": {"a": "cat"}}, "must be a list of words for each topic"),
        ({"alpha": (0.1, 0.1, 0.1)}, "one for each of the 2 topics"),
        ({"alpha": 0.0}, "alpha must be above 0"),
        ({"alpha": "learn"}, "alpha must be 'auto' or"),
        ({"eta": -1.0}, "eta must be above 0"),
        ({"n_topics": 0}, "n_topics must be at least 1"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"kappa": 1.5}, "kappa must be"),
        ({"kappa": 0.0}, "kappa must be above 0"),
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


def test_topics_begin_with_clusters_of_documents() -> None:
    x, truth = planted(n=600)
    begun = LDA(n_topics=truth.shape[1], epochs=1, random_state=0, min_df=1, max_df=1.0)
    plain = LDA(n_topics=truth.shape[1], epochs=1, random_state=0, min_df=1, max_df=1.0, start="random")
    assert begun.fit(x).perplexity(x) < 0.97 * plain.fit(x).perplexity(x)


def test_seeded_topics_begin_where_their_words_are() -> None:
    seeds = {"1": ["cat", "dog"]}
    model = small(seed_words=seeds, seed_weight=0.0, epochs=1).fit(TEXTS)
    phi, words = model.topic_word_, model.vocabulary_
    assert phi[1, words.index("cat")] > phi[0, words.index("cat")]
