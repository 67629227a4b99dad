"""Coherence against loops over its equations, and against gensim's numbers.

The stored numbers are those of gensim 4.4.0 (`CoherenceModel(topics=TOPICS, texts=texts, dictionary=Dictionary(texts),
coherence=measure, topn=n, window_size=window, processes=1).get_coherence_per_topic()`, with `texts = corpus()` and
`TOPICS` as they stand below), which is not needed to run this file.
"""

import math
import random
from itertools import combinations, permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from nolabel.errors import ArgumentError, DataError
from nolabel.objectives.coherence import EPSILON, coherence, document_counts, protocol, window_counts

MEASURES = ("u_mass", "c_v", "c_uci", "c_npmi")
TOPICS = [
    [f"w{j}" for j in range(0, 8)],
    [f"w{j}" for j in range(10, 18)],
    [f"w{j}" for j in range(3, 27, 3)],
    ["w29", "w0"],
]
GENSIM = {
    ("u_mass", 20, None): [-0.5302177672659939, -0.5500858709181661, -0.9327456557292376, -1.3862943611078904],
    ("u_mass", 5, None): [-0.47962984078075477, -0.608772725488706, -1.0293534936711337, -1.3862943611078904],
    ("c_v", 20, None): [0.5828743313400959, 0.5102767851378233, 0.653241029163655, 0.6889090620471701],
    ("c_v", 5, None): [0.539796371026321, 0.635056458835142, 0.7544802251994851, 0.6889090620471701],
    ("c_v", 8, 4): [0.5502107367917511, 0.5908993103137911, 0.1111127683444828, 0.5319090444454129],
    ("c_uci", 20, None): [0.40434457873234536, 0.5466009502287694, -0.45647384615862074, -1.4837539237339432],
    ("c_uci", 5, None): [0.3614155337838413, 0.5151581190314625, -0.5269254038731052, -1.4837539237339432],
    ("c_uci", 8, 4): [0.3154661200490928, 0.4505780848012056, -2.219839613833135, -1.2304267459530076],
    ("c_npmi", 20, None): [0.16285774558844748, 0.18048456334484606, -0.07146406111427332, -0.34875504628854287],
    ("c_npmi", 5, None): [0.14167911944504047, 0.17102535506735336, -0.0591496684421827, -0.34875504628854287],
    ("c_npmi", 8, 4): [0.08731640996519563, 0.1117812643253092, -0.14574940224125216, -0.22839634568284115],
}


def corpus(seed=0, documents=60, words=30, longest=160):
    """Documents on three themes of ten words each; some empty, some as long as a window, some longer."""
    rng = random.Random(seed)
    made = []
    for _ in range(documents):
        theme = rng.randrange(3)
        length = rng.choice([0, 1, 5, 9, 10, 11, 40, longest])
        drawn = (
            (theme * 10 + rng.randrange(10)) if rng.random() < 0.7 else rng.randrange(words) for _ in range(length)
        )
        made.append([f"w{word}" for word in drawn])
    return made


@pytest.mark.parametrize(("measure", "n", "window"), list(GENSIM))
def test_values_are_gensims(measure, n, window):
    got = coherence(TOPICS, corpus(), measure, n=n, window=window)
    np.testing.assert_allclose(got, GENSIM[measure, n, window], rtol=0, atol=1e-9)


# --- slow versions ---------------------------------------------------------------------------------------------------


def windows_of(document, window, exact):
    """The set of words of every window, by sliding; without `exact` a word is forgotten when it slides out."""
    if window is None or len(document) <= window:
        return [set(document)]
    sets = [set(document[:window])]
    for start in range(1, len(document) - window + 1):
        if exact:
            sets.append(set(document[start : start + window]))
        else:
            sets.append((sets[-1] - {document[start - 1]}) | {document[start + window - 1]})
    return sets


def slow(topic, documents, measure, window, exact=False):
    sets = [words for document in documents for words in windows_of(document, window, exact)]

    def p(*words):
        return sum(set(words) <= held for held in sets) / len(sets)

    def pmi(a, b):
        return math.log((p(a, b) + EPSILON) / (p(a) * p(b)))

    def npmi(a, b):
        return 1.0 if p(a, b) == 1 else pmi(a, b) / -math.log(p(a, b) + EPSILON)

    topic = [word for word in topic if p(word)]
    if measure == "u_mass":
        return np.mean([math.log((p(a, b) + EPSILON) / p(b)) for b, a in combinations(topic, 2)])
    if measure == "c_uci":
        return np.mean([pmi(a, b) for a, b in permutations(topic, 2)])
    if measure == "c_npmi":
        return np.mean([npmi(a, b) for a, b in permutations(topic, 2)])
    vectors = [np.array([npmi(a, b) for b in topic]) for a in topic]
    whole = sum(vectors)
    return np.mean([v @ whole / math.sqrt((v @ v) * (whole @ whole)) for v in vectors])


small = st.lists(st.lists(st.sampled_from("abcde"), max_size=12), min_size=1, max_size=5)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("windows", ["gensim", "exact"])
@given(documents=small, window=st.integers(1, 8))
def test_coherence_is_its_equation(measure, windows, documents, window):
    seen = {word for document in documents for word in document}
    window = None if measure == "u_mass" else window
    if not seen:
        with pytest.raises(DataError):
            coherence(["abc"], documents, measure, window=window, windows=windows)
        return
    topics = [list("abc"), list("edcba"), sorted(seen)]
    got = coherence(topics, documents, measure, window=window, windows=windows)
    for topic, value in zip(topics, got):
        if len(seen & set(topic)) < 2:
            assert np.isnan(value)
        else:
            wanted = slow(topic, documents, measure, window, exact=windows == "exact")
            assert value == pytest.approx(wanted, abs=1e-9, nan_ok=True)


@given(documents=small, window=st.integers(1, 14))
def test_windows_are_counted_as_if_looked_at_one_by_one(documents, window):
    for exact in (False, True):
        counts = window_counts("abcde", documents, window, exact=exact)
        sets = [words for document in documents for words in windows_of(document, window, exact)]
        assert counts.total == len(sets)
        assert counts.single.tolist() == [sum(word in held for held in sets) for word in "abcde"]
        pairs = counts.pairs.toarray()
        for (i, a), (j, b) in permutations(enumerate("abcde"), 2):
            assert pairs[i, j] == sum({a, b} <= held for held in sets)


def test_a_part_at_a_time_is_the_same(monkeypatch):
    whole = coherence(TOPICS, corpus(), "c_v")
    monkeypatch.setattr("nolabel.objectives.coherence._PAIRS", 7)
    np.testing.assert_array_equal(coherence(TOPICS, corpus(), "c_v"), whole)


def test_a_word_that_recurs_in_a_window_is_forgotten_as_gensim_does_unless_asked():
    document = [list("abaccc")]  # windows of 3: aba, bac, acc, ccc; gensim's second one has no a
    assert window_counts("a", document, 3, exact=True).single.tolist() == [3]
    assert window_counts("a", document, 3, exact=False).single.tolist() == [1]


# --- what it says of made-up documents -------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", MEASURES)
def test_words_that_go_together_score_above_words_that_do_not(measure):
    together, apart = coherence([TOPICS[0], TOPICS[2]], corpus(), measure)
    assert (together < apart) if measure == "c_v" else (together > apart)  # c_v rewards avoiding the same words, too


def test_npmi_has_its_known_ends():
    always, never = coherence(["ab", "ac"], [list("ab"), list("c"), list("ab"), list("d")], "c_npmi")
    assert always == pytest.approx(1)
    assert never == pytest.approx(-1, abs=0.1)  # ε keeps it above −1
    assert coherence(["ab"], [list("ab"), list("ba")], "c_npmi")[0] == 1  # in every window: ε alone would make it −1


@pytest.mark.parametrize("measure", MEASURES)
def test_a_topics_value_does_not_depend_on_the_others(measure):
    together = coherence(TOPICS, corpus(), measure)
    alone = [coherence([topic], corpus(), measure)[0] for topic in TOPICS]
    np.testing.assert_allclose(alone, together, rtol=1e-12)


# --- a matrix of counts ----------------------------------------------------------------------------------------------


def counted():
    return np.array([[document.count(f"w{word}") for word in range(30)] for document in corpus()], dtype=np.float32)


FORMS = {
    "dense": lambda x: x,
    "csr": sparse.csr_array,
    "csc": sparse.csc_matrix,
    "torch": torch.from_numpy,
    "torch csr": lambda x: torch.sparse_csr_tensor(
        *(torch.from_numpy(part) for part in (sparse.csr_array(x).indptr, sparse.csr_array(x).indices)),
        torch.from_numpy(sparse.csr_array(x).data),
        size=x.shape,
    ),
}


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("measure", MEASURES)
def test_a_matrix_is_documents_as_windows(measure, form):
    numbers = [[int(word[1:]) for word in topic] for topic in TOPICS]
    got = coherence(numbers, FORMS[form](counted()), measure)
    wanted = coherence(TOPICS, corpus(), measure, **({} if measure == "u_mass" else {"window": 10_000}))
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_stored_zeros_are_no_words():
    counts = sparse.csr_array(np.eye(3))
    counts.data[1] = 0
    assert document_counts(np.arange(3), counts).single.tolist() == [1, 0, 1]


def test_a_protocol_says_which_windows():
    assert protocol("c_npmi", ordered=True) == "c_npmi, windows of 10 tokens"
    assert protocol("c_v", ordered=True, window=20) == "c_v, windows of 20 tokens"
    assert protocol("c_npmi", ordered=False) == "c_npmi, whole documents"
    assert protocol("u_mass", ordered=True) == "u_mass, whole documents"


# --- numbers for words, unseen words, bad input ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [list, np.array])
def test_tokens_may_be_numbers(kind):
    documents = [kind([int(word[1:]) for word in document]) for document in corpus()]
    topics = np.array([[int(word[1:]) for word in topic] for topic in TOPICS[:3]])
    np.testing.assert_array_equal(coherence(topics, documents, "c_v"), coherence(TOPICS[:3], corpus(), "c_v"))


@pytest.mark.parametrize("measure", MEASURES)
def test_words_never_seen_are_left_out(measure):
    got = coherence([["w0", "never", "w1", "w2"], ["never", "w0"], ["never", "ever"]], corpus(), measure)
    assert got[0] == coherence([["w0", "w1", "w2"]], corpus(), measure)[0]
    assert np.isnan(got[1:]).all()


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("measure must be one of 'u_mass', .*; got 'c_vv'; did you mean 'c_v'", {"measure": "c_vv"}),
        ("windows must be one of 'gensim', 'exact'; got 'exactly'; did you mean 'exact'", {"windows": "exactly"}),
        ("n must be at least 2, .* got 1", {"n": 1}),
        ("window must be at least 1, .* got 0", {"window": 0}),
        ("window must be .* None for u_mass; got 5", {"window": 5, "measure": "u_mass"}),
        ("topics must be at least one sequence", {"topics": []}),
        (r"topics\[0\] holds 'a' more than once", {"topics": [["a", "b", "a"]]}),
        ("documents must be sequences of tokens, not text", {"documents": ["some text"]}),
        ("window must be None when documents is a matrix", {"documents": np.ones((2, 3)), "window": 5}),
        (r"column numbers from 0 to 2 .* got 'a'", {"documents": np.ones((2, 3))}),
        (r"column numbers from 0 to 2 .* got 7", {"documents": np.ones((2, 3)), "topics": [[0, 7]]}),
    ],
)
def test_wrong_arguments_are_named(words, changes):
    arguments = {"topics": [["a", "b"]], "documents": [["a", "b"]], **changes}
    with pytest.raises(ArgumentError, match=words):
        coherence(**arguments)


@pytest.mark.parametrize(
    ("words", "topics", "documents"),
    [
        ("hold no token at all", [["a", "b"]], [[], []]),
        ("hold no token at all", [["a", "b"]], []),
        ("topics hold words such as 0, documents tokens such as 'a'", [[0, 1]], [["a"]]),
        ("must hold counts of at least 0", [[0, 1]], np.array([[1, -1.0]])),
        ("must hold counts of at least 0", [[0, 1]], np.array([[1, np.nan]])),
        ("are 0 in all of those columns", [[0, 1]], np.array([[0, 0, 1]])),
    ],
)
def test_unusable_documents_are_refused(words, topics, documents):
    with pytest.raises(DataError, match=words):
        coherence(topics, documents)
