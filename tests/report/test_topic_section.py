"""The section on topics: the words that are sent rank as all words would, and nothing the user wrote is markup."""

import json
from dataclasses import replace

import numpy as np
import pytest

import nolabel
from nolabel.evaluation.evaluate import evaluate
from nolabel.evaluation.intertopic import distances, marginal, principal_coordinates, relevance, saliency
from nolabel.methods.lda import LDA
from nolabel.report.content import Content, Topics, Typical
from nolabel.report.gather import gather
from nolabel.report.page import render
from nolabel.report.topic_values import STEP, shown_topics, topic_rows, topic_values


@pytest.fixture
def found(with_topics: Content) -> Topics:
    assert with_topics.topics is not None
    return with_topics.topics


def test_everything_is_plain_json(found: Topics) -> None:
    json.dumps(topic_values(found), allow_nan=False)


@pytest.mark.parametrize("position", [0, 1, 7, 12, 20])
def test_the_words_sent_rank_as_all_words_would(found: Topics, position: int) -> None:
    weight, values = position * STEP, topic_values(found)
    expected = relevance(found.phi, marginal(found.phi, found.shares), weight)
    for topic in values["topics"]:
        scores = weight * np.array(topic["log_phi"]) + (1 - weight) * np.array(topic["log_lift"])
        best = np.argsort(-scores, kind="stable")[: values["most"]]
        names = [values["words"][topic["word"][place]] for place in best]
        truth = expected[topic["topic"]]
        ranked = np.argsort(-truth, kind="stable")[: values["most"]]
        np.testing.assert_allclose(np.sort(scores[best]), np.sort(truth[ranked]), atol=2e-4)
        assert truth[found.words.index(names[0])] == pytest.approx(truth[ranked[0]], abs=2e-4)


def test_only_words_that_can_come_to_the_top_are_sent(found: Topics) -> None:
    values = topic_values(found)
    assert len(values["words"]) < len(found.words)
    assert all(len(topic["word"]) < 3 * values["most"] for topic in values["topics"])
    largest = replace(found, phi=np.full((2, 5), 0.2), words=list("abcde"), shares=np.array([0.4, 0.6]))
    assert topic_values(largest)["words"] == list("abcde")


def test_a_word_that_a_topic_has_not_is_not_sent_for_it(found: Topics) -> None:
    phi = np.eye(8, 300)
    values = topic_values(replace(found, phi=phi))
    assert all(len(topic["word"]) == 1 for topic in values["topics"])
    json.dumps(values, allow_nan=False)


def test_counts_are_those_of_the_model(found: Topics) -> None:
    values = topic_values(found)
    p = marginal(found.phi, found.shares)
    for place, word in enumerate(values["words"]):
        assert values["overall"][place] == pytest.approx(p[found.words.index(word)] * found.tokens, abs=0.06)
    assert sum(topic["tokens"] for topic in values["topics"]) == pytest.approx(found.tokens, abs=1)


def test_topics_stand_where_the_distances_put_them_largest_first(found: Topics) -> None:
    values = topic_values(found)
    order = np.argsort(-found.shares)
    assert [topic["topic"] for topic in values["topics"]] == order.tolist()
    plane = principal_coordinates(distances(found.phi[order]))
    np.testing.assert_allclose([[t["x"], t["y"]] for t in values["topics"]], plane, atol=1e-5)


def test_a_word_knows_its_other_topics(found: Topics) -> None:
    values = topic_values(found)
    place = values["words"].index("<b>everywhere</b>")
    given = found.shares * found.phi[:, 0] / (found.shares @ found.phi[:, 0])
    for at, share in values["elsewhere"][place]:
        assert share == pytest.approx(given[values["topics"][at]["topic"]], abs=1e-3)
    assert len(values["elsewhere"][place]) >= 5


def test_salient_words_are_those_shown_without_a_topic(found: Topics) -> None:
    values = topic_values(found)
    best = np.argsort(-saliency(found.phi, found.shares))[: values["most"]]
    assert [values["words"][place] for place in values["salient"]] == [found.words[int(word)] for word in best]


def test_documents_and_labels_of_a_topic(found: Topics) -> None:
    topic = topic_values(found)["topics"][0]
    number = topic["topic"]
    assert topic["typical"][1] == [f"post {number}", f"line of {number}", 0.8]
    assert topic["leading"] == 3 * number
    assert found.votes is not None
    assert dict(topic["classes"]) == {
        name: int(n) for name, n in zip(("space", "cars"), found.votes[number], strict=True) if n
    }


def test_the_list_of_topics_reads_without_a_script(with_topics: Content, found: Topics) -> None:
    page = render(with_topics)
    rows = topic_rows(found)
    assert [row.topic for row in rows] == shown_topics(found)
    assert rows[0].bar == 100.0
    for row in rows:
        assert f"<b>{row.label}</b>" in page
    assert "8 topics over 300 words, from 5,000 words of text." in page
    assert "Coherence" in page


def test_words_of_the_user_are_text(with_topics: Content) -> None:
    page = render(with_topics)
    assert "<b>everywhere</b>" not in page
    assert "<script>window.hacked" not in page


def test_a_text_is_shown_by_its_first_line(with_topics: Content) -> None:
    page = render(with_topics)
    values = json.loads(page.split('id="values">')[1].split("</script>")[0])
    assert values["map"]["lines"][3] == "first line 3"
    assert values["map"]["noun"] == "topic"
    assert values["map"]["groups"]["cluster"][0]["name"] == "Topic 0 · label of 0"
    assert values["map"]["groups"]["cluster"][1]["name"] == "Topic 1"
    assert "Pictures</button>" not in page


def test_very_many_topics_and_words_do_not_fill_the_page(with_topics: Content) -> None:
    rng = np.random.default_rng(0)
    count, words = 250, 8000
    many = Topics(
        phi=rng.dirichlet(np.full(words, 0.02), count),
        words=[f"a-rather-long-word-{place}" for place in range(words)],
        shares=rng.dirichlet(np.ones(count)),
        labels=[f"one two three four {k}" for k in range(count)],
        tokens=1e6,
        typical=[[Typical("a/rather/long/path/to/a/text.txt", "x" * 160, 0.5)] * 5] * count,
        leading=np.arange(count),
    )
    page = render(replace(with_topics, topics=many))
    assert len(page) < 6_000_000
    assert "The 50 smallest topics are not shown." in page


def test_one_topic_is_enough(with_topics: Content) -> None:
    one = Topics(np.array([[0.5, 0.5]]), ["a", "b"], np.ones(1), ["a, b"], 10.0, [[]], np.array([3]))
    render(replace(with_topics, topics=one))


# --- from a model to the section -------------------------------------------------------------------------------------

SKY, KITCHEN = "moon star orbit comet planet rocket", "salt pepper onion garlic butter pan"


def planted(count: int = 60) -> tuple[list[str], list[str]]:
    """Texts on the sky or the kitchen, ten words each, and which; the last one has no word that is known."""
    rng = np.random.default_rng(0)
    kinds = [("sky", SKY) if place % 3 else ("kitchen", KITCHEN) for place in range(count)]
    texts = [f"Note {place}\n{' '.join(rng.choice(words.split(), 10))}" for place, (_, words) in enumerate(kinds)]
    return [*texts, "!!!"], [*(name for name, _ in kinds), "sky"]


@pytest.fixture(scope="module")
def model() -> LDA:
    return LDA(n_topics=2, epochs=10, max_df=1.0, stop_words=["note"], random_state=0).fit(planted()[0])


@pytest.fixture(scope="module")
def of_texts(model: LDA) -> Content:
    texts, labels = planted()
    return gather(model, texts, labels=labels)


def shown(content: Content) -> Topics:
    assert content.topics is not None
    return content.topics


def test_the_section_holds_what_the_model_says(model: LDA, of_texts: Content) -> None:
    found = shown(of_texts)
    np.testing.assert_array_equal(found.phi, model.topic_word_)
    assert list(found.words) == model.vocabulary_
    assert list(found.labels) == [topic.label for topic in model.topics()]
    assert found.shares.sum() == pytest.approx(1)
    assert found.tokens == 600
    assert of_texts.summary.first.endswith("describes each of 61 documents by its shares of 2 topics.")
    assert of_texts.summary.second.startswith("Coherence (c_npmi) ")
    assert [measure.name for measure in found.measures] == ["Coherence (c_npmi)", "Diversity", "Perplexity"]
    assert {"vocabulary": "12 words"}.items() <= dict(of_texts.facts).items()
    render(of_texts)


def test_the_topics_that_were_planted_are_told_with_their_documents(model: LDA, of_texts: Content) -> None:
    found = shown(of_texts)
    sky = int(found.phi[:, list(found.words).index("comet")].argmax())
    assert found.leading.tolist() == ([40, 20] if sky == 0 else [20, 40])  # the empty text belongs to none
    assert found.votes is not None
    assert sorted(found.votes.ravel().tolist()) == [0, 0, 20, 40]
    mixtures = model.transform(planted()[0])
    for topic, typical in enumerate(found.typical):
        assert [each.share for each in typical] == sorted(mixtures[:60, topic], reverse=True)[:5]
        assert all(each.line == f"Note {each.id}" for each in typical)


def test_texts_on_the_map_have_a_line_and_a_topic_and_no_pixels(model: LDA, of_texts: Content) -> None:
    assert of_texts.map is not None
    assert of_texts.map.thumbnails is None
    assert of_texts.map.lines[:2] == ["Note 0", "Note 1"]
    assert of_texts.map.noun == "topic"
    assert of_texts.map.clusters[-1] == -1
    np.testing.assert_array_equal(of_texts.map.clusters[:-1], model.predict(planted()[0])[:-1])
    assert of_texts.map.names == [topic.label for topic in model.topics()]


def test_counts_without_texts_show_what_they_hold_most_of() -> None:
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.5, (40, 30))
    counts[0] = 0
    counts[0, [4, 7]] = [3, 9]
    counts[1] = 0
    content = gather(LDA(n_topics=3, epochs=3, max_df=1.0, random_state=0).fit(counts), counts)
    assert content.map is not None
    assert content.map.lines[:2] == ["word 7 9, word 4 3", "all zero"]
    assert shown(content).words[:2] == ["0", "1"]
    render(content)


def test_measures_say_how_they_were_taken(model: LDA, of_texts: Content) -> None:
    coherence, _, perplexity = shown(of_texts).measures
    assert "Taken as c_npmi, windows of 10 tokens, on all 61 documents; words outside" in coherence.meaning
    unigram = model.unigram_perplexity(planted()[0])
    assert model.perplexity(planted()[0]) < unigram <= 12.5
    assert f"{unigram:.0f} for guesses by how common each word is, 12 for blind ones" in perplexity.meaning
    assert "those of 10 known words or more, cut with seed 0" in perplexity.meaning


def test_texts_that_were_not_kept_have_no_coherence(model: LDA) -> None:
    data = nolabel.open(planted()[0], spec=model.spec_, in_memory=False)
    assert shown(gather(model, data)).measures[0].value == "–"


def test_documents_too_short_to_be_cut_leave_perplexity_out(model: LDA) -> None:
    content = gather(model, ["moon star", "salt onion", "moon planet"] * 4)
    assert [measure.name for measure in shown(content).measures] == ["Coherence (c_npmi)", "Diversity"]
    render(content)


def test_words_that_are_not_known_at_all(model: LDA) -> None:
    content = gather(model, ["nothing known", "nor here"] * 4)
    assert shown(content).leading.tolist() == [0, 0]
    assert shown(content).typical == [[], []]
    render(content)


def test_evidence_on_texts_stands_beside_tf_idf(model: LDA) -> None:
    texts, labels = planted()
    found = evaluate(model, texts[:60], labels[:60], seeds=2)
    content = gather(model, texts[:60], labels=labels[:60], evidence=found)
    assert "raw words" in content.summary.first
    assert any("TF-IDF" in note for note in content.evidence["notes"])
    assert not [row for row in content.evidence["rows"] if row["group"] == "reconstruction"]
