"""`nolabel topics`: topics by share, documents by topic, mixtures in a file; other models are sent away."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nolabel
from nolabel.cli import main

CATS, DOGS = "cat purr mouse sofa whisker", "dog bark bone leash kennel"


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 texts of cats and 12 of dogs."""
    folder = tmp_path_factory.mktemp("texts") / "pets"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for row in range(36):
        words = (DOGS if row % 3 == 2 else CATS).split()
        (folder / f"{row:02d}.txt").write_text(f"\nstory {row}\n" + " ".join(rng.choice(words, 30)))
    return folder


@pytest.fixture(scope="module")
def topic_run(texts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two topics of the texts. Tests must not write into it."""
    folder = tmp_path_factory.mktemp("runs") / "pets"
    words = ["--n-topics", "2", "--max-df", "1.0", "--epochs", "30", "--random-state", "0"]
    assert main(["fit", "lda", str(texts), "--modality", "text", "--out", str(folder), "--no-report", *words]) == 0
    return folder


@pytest.fixture(scope="module")
def model(topic_run: Path):
    return nolabel.load(topic_run)


def test_topics_are_listed_the_largest_first(call, topic_run: Path, model):
    said = call("topics", topic_run, "-n", 4)
    assert said.code == 0, said.err
    header, first, second = said.out.splitlines()
    assert header.split() == ["topic", "share", "label", "words"]
    topics = model.topics(4)
    largest = max(range(2), key=lambda topic: topics[topic].share)
    assert first.split()[:2] == [str(largest), f"{topics[largest].share:.1%}"]
    assert first.endswith(", ".join(topics[largest].words))
    assert second.startswith(str(1 - largest))
    assert set(topics[largest].words) < {*CATS.split(), "story"}


def test_documents_are_told_by_topic(call, topic_run: Path, model, texts: Path):
    said = call("topics", topic_run, texts, "--documents", 2)
    assert said.code == 0, said.err
    data = nolabel.open(str(texts), spec=model.spec_)
    mixtures = model.transform(data)
    counts = np.bincount(mixtures.argmax(axis=1), minlength=2)
    assert sorted(counts.tolist()) == [12, 24]
    first, second = said.out.split("\n\n")
    assert first.splitlines()[0].startswith("topic  share in training  documents")
    for line in first.splitlines()[1:]:
        topic, _, documents = line.split()[:3]
        assert int(documents) == counts[int(topic)]
    lines = second.splitlines()
    assert lines[0].split() == ["topic", "weight", "document", "begins"]
    assert len(lines) == 5
    for line in lines[1:]:
        topic, weight, document, *begins = line.split()
        row = list(map(str, data.ids)).index(document)
        assert weight == f"{mixtures[row, int(topic)]:.2f}"
        assert begins == ["story", str(row)]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_mixtures_are_kept(call, topic_run: Path, model, texts: Path, tmp_path: Path, suffix: str):
    path = tmp_path / f"topics{suffix}"
    said = call("topics", topic_run, "-o", path)  # of the documents that it was trained on
    assert said.code == 0, said.err
    assert said.out.endswith(f"topics of 36 documents in {path}\n")
    frame = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    assert list(frame.columns) == ["id", "topic", "weight", "words", "topic0", "topic1"]
    assert (frame["words"] == 31).all()  # thirty, and `story`
    mixtures = model.transform(nolabel.open(str(texts), spec=model.spec_))
    np.testing.assert_allclose(frame[["topic0", "topic1"]], mixtures, rtol=1e-6)
    np.testing.assert_array_equal(frame["topic"], mixtures.argmax(axis=1))
    assert "add --overwrite" in call("topics", topic_run, "-o", path).err


def test_documents_without_known_words_are_of_no_topic(call, topic_run: Path, tmp_path: Path):
    texts = {"empty": "", "strange": "zebra zebra", "short": "cat", "long": CATS, "dogs": DOGS}
    for name, text in texts.items():
        (tmp_path / f"{name}.txt").write_text(text)
    said = call("topics", topic_run, tmp_path, "-o", tmp_path / "topics.csv", "--documents", 1)
    assert said.code == 0, said.err
    assert "\n2 documents hold no known word\n" in said.out
    first, _, second = said.out.split("\n\n")[:3]
    assert sorted(int(line.split()[2]) for line in first.splitlines()[1:]) == [1, 2]
    assert {line.split()[2] for line in second.splitlines()[1:]} == {"long.txt", "dogs.txt"}
    frame = pd.read_csv(tmp_path / "topics.csv").set_index("id")
    assert frame.loc[["empty.txt", "strange.txt"], "topic"].tolist() == [-1, -1]
    assert frame["words"].to_dict() == {"dogs.txt": 5, "empty.txt": 0, "long.txt": 5, "short.txt": 1, "strange.txt": 0}


def test_documents_may_be_clustered_by_their_mixtures(call, topic_run: Path, texts: Path):
    said = call("cluster", topic_run, texts, "--k", 2)
    assert said.code == 0, said.err
    lines = [line for line in said.out.splitlines() if line[:1].isdigit()][-2:]
    assert any(word in lines[0] for word in CATS.split())
    assert not any(word in lines[0] for word in DOGS.split())


def test_a_model_of_another_kind_is_sent_away(call, image_run: Path):
    said = call("topics", image_run)
    assert said.code == 2
    assert "holds a model of Autoencoder, which cannot name topics. Methods that can: lda" in said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-n", "0"], "-n must be at least 1; got 0"),
        (["--documents", "-1"], "--documents must be at least 1; got -1"),
        (["-n", "few"], "-n must be a whole number; got 'few'"),
        (["-o", "topics.txt"], "must end in one of .parquet, .csv"),
        (["--topics", "5"], "has no flag --topics"),
    ],
)
def test_mistakes_are_told_how_to_be_mended(call, topic_run: Path, words, message):
    said = call("topics", topic_run, *words)
    assert said.code == 2
    assert message in said.err


def test_a_run_of_unknown_source_needs_one_for_its_documents(call, texts: Path, tmp_path: Path, topic_run: Path, model):
    model.save(tmp_path / "run" / "model")
    assert call("topics", tmp_path / "run").code == 0
    said = call("topics", tmp_path / "run", "-o", tmp_path / "topics.csv")
    assert said.code == 2
    assert "it is not known on what" in said.err
    assert "give SOURCE: nolabel topics RUN [SOURCE] [flags]" in said.err
