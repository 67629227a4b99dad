"""Texts and counts as samples: recipes, what later data are matched with, and what is no text or no count."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from nolabel.data.source import open as open_source
from nolabel.data.source import restore
from nolabel.errors import ArgumentError, DataError, ModalityError
from nolabel.methods.autoencoder import Autoencoder
from nolabel.types import DataSpec

TEXTS = ["the cat sat", "a cat and a dog", "dogs bark"]


def dense(data: object) -> list[list[int]]:
    return data.store.to_scipy().toarray().astype(int).tolist()  # type: ignore[attr-defined]


def test_strings_that_name_no_files_are_texts() -> None:
    data = open_source(TEXTS)
    assert (data.spec.modality, data.spec.values, data.spec.shape) == ("text", "real", (8,))
    assert data.spec.recipe["kind"] == "texts"
    assert data.spec.recipe["tokens"] == ["a", "and", "bark", "cat", "dog", "dogs", "sat", "the"]
    assert data.texts == TEXTS
    assert list(data.ids) == [0, 1, 2]
    assert data.is_sparse
    assert dense(data)[1] == [2, 1, 0, 1, 1, 0, 0, 0]
    for same in (tuple(TEXTS), np.array(TEXTS), pd.Series(TEXTS)):
        assert dense(open_source(same)) == dense(data)
        assert open_source(same, modality="text").spec == data.spec


def test_a_series_keeps_its_index() -> None:
    assert open_source(pd.Series(TEXTS, index=["p", "q", "r"]), modality="text").ids == ["p", "q", "r"]


def test_new_texts_by_the_same_recipe() -> None:
    spec = DataSpec.from_json(open_source(TEXTS, stop_words=["the"], min_length=3).spec.to_json())
    assert spec.recipe["tokens"] == ["and", "bark", "cat", "dog", "dogs", "sat"]
    new = open_source(["The dog barks at a cat, cat!", "nothing known"], spec=spec, stop_words="english")
    assert new.spec is spec
    assert dense(new) == [[0, 0, 2, 1, 0, 0], [0] * 6]
    assert dense(open_source(["cat"], spec=spec)) == [[0, 0, 1, 0, 0, 0]]  # one text


def test_a_vocabulary_that_grows() -> None:
    spec = open_source(["cat dog", "cat"], min_df=1).spec
    more = open_source(["ant cat", "bee"], spec=spec, grow=True)
    assert more.spec.recipe["tokens"] == ["cat", "dog", "ant", "bee"]
    assert more.spec.shape == (4,)
    assert {**more.spec.recipe, "tokens": None} == {**spec.recipe, "tokens": None}
    assert dense(more) == [[1, 0, 1, 0], [0, 0, 0, 1]]
    assert open_source(["cat"], spec=spec, grow=True).spec is spec


def test_missing_texts_are_empty_ones_and_ids_stay_in_step() -> None:
    for missing in (None, float("nan"), pd.NA, pd.NaT, np.float32("nan")):
        data = open_source(["cat", missing, "dog", ""], modality="text")
        assert dense(data) == [[1, 0], [0, 0], [0, 1], [0, 0]]
        assert data.texts == ["cat", "", "dog", ""]
    frame = pd.DataFrame({"t": ["a cat sat", None, "a dog sat"]})
    assert dense(open_source(frame, text="t"))[1] == [0, 0, 0, 0]


def test_texts_can_have_labels_and_parts() -> None:
    data = open_source(TEXTS, modality="text", labels=["x", "y", "x"])
    assert (data.classes, data.labels.tolist()) == (("x", "y"), [0, 1, 0])
    part = data.subset(np.array([2, 0]))
    assert part.texts == [TEXTS[2], TEXTS[0]]
    assert part.labels.tolist() == [0, 0]
    again = open_source(data, labels=[1, 2, 3])
    assert again.texts == TEXTS
    assert again.labels.tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="labels has 2 entries and the data 3 samples"):
        open_source(TEXTS, modality="text", labels=[0, 1])
    with pytest.raises(ArgumentError, match="labels='topic': 3 texts has no columns"):
        open_source(TEXTS, modality="text", labels="topic")


def test_texts_are_not_kept_when_the_user_says_so_or_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_source(TEXTS, in_memory=False).texts is None
    monkeypatch.setattr("nolabel.data.memory.WHOLE_BYTES", 20)
    data = open_source(TEXTS)
    assert data.texts is None
    assert len(data) == 3


def test_a_tokenizer_must_be_given_again() -> None:
    data = open_source(["a|b c", "b c|d"], modality="text", tokenizer=lambda text: text.split("|"))
    assert data.spec.recipe["tokens"] == ["a", "b c", "d"]
    assert "lambda" in data.spec.recipe["tokenizer"]
    new = open_source(["d|a|d"], spec=data.spec, tokenizer=lambda text: text.split("|"))
    assert dense(new) == [[1, 0, 2]]
    with pytest.raises(DataError, match="found by a tokenizer, .*give it again, as tokenizer="):
        open_source(["d"], spec=data.spec)


# --- counts that somebody has made


COUNTS = np.array([[1, 0, 2], [0, 0, 0], [3, 1, 0]])


@pytest.mark.parametrize(
    "given",
    [COUNTS, COUNTS.tolist(), COUNTS.astype(float), scipy.sparse.coo_array(COUNTS), torch.from_numpy(COUNTS)],
)
def test_rows_of_numbers_are_counts(given: object) -> None:
    data = open_source(given, modality="text", min_df=2)  # the rules are for texts
    assert data.spec == DataSpec("text", (3,), "real", {"kind": "counts", "tokens": None, "column": None})
    assert dense(data) == COUNTS.tolist()
    assert data.texts is None


def test_the_columns_of_a_frame_of_counts_are_the_words() -> None:
    data = open_source(pd.DataFrame(COUNTS, columns=["cat", "dog", "ant"]), modality="text")
    assert data.spec.recipe["tokens"] == ["cat", "dog", "ant"]
    new = pd.DataFrame([[5, 1, 7]], columns=["ant", "bee", "cat"])
    assert dense(open_source(new, spec=data.spec)) == [[7, 0, 5]]
    grown = open_source(new, spec=data.spec, grow=True)
    assert grown.spec.recipe["tokens"] == ["cat", "dog", "ant", "bee"]
    assert dense(grown) == [[7, 0, 5, 1]]
    assert dense(open_source(["A cat, an ant!"], spec=data.spec)) == [[1, 0, 1]]  # the words are known
    assert dense(open_source(COUNTS[:1], spec=data.spec)) == COUNTS[:1].tolist()  # by place
    with pytest.raises(DataError, match=r"none of the columns \(x, \.\.\.\) is a word that the model was fitted to"):
        open_source(pd.DataFrame({"x": [1]}), spec=data.spec)


def test_counts_for_a_vocabulary_learned_from_texts() -> None:
    spec = open_source(["cat dog", "dog"]).spec
    assert dense(open_source(scipy.sparse.csr_array([[0, 4]]), spec=spec)) == [[0, 4]]
    assert dense(open_source(pd.DataFrame({"dog": [1]}), spec=spec)) == [[0, 1]]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (-COUNTS, r"Negative values in data passed to X: row 0, column 0 holds -1; counts are 0 or more"),
        (COUNTS * 0.5, r"counts must be whole numbers; row 0, column 0 holds 0\.5\..*TF-IDF"),
        (np.where(COUNTS == 2, np.nan, COUNTS), r"row 0, column 2 holds NaN: a word that does not occur"),
        (np.where(COUNTS == 3, np.inf, COUNTS), r"row 2, column 0 holds an infinite number"),
        (COUNTS * 1j, "[Cc]omplex"),
        (np.zeros((0, 3)), r"0 sample\(s\)"),
        (np.zeros((3, 4, 4)), "texts, or counts of words, were expected; array 3 x 4 x 4 holds images"),
    ],
)
def test_what_is_no_count_is_refused_in_words(bad: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words):
        open_source(bad, modality="text")
    if bad.ndim == 2 and len(bad):
        with pytest.raises(DataError, match=words.replace("[Cc]omplex", "dtype complex")):
            open_source(scipy.sparse.csr_array(bad), modality="text")


def test_another_width_or_nameless_words() -> None:
    spec = open_source(COUNTS, modality="text").spec
    with pytest.raises(DataError, match="X has 2 features, but nolabel is expecting 3 features as input"):
        open_source(COUNTS[:, :2], spec=spec)
    with pytest.raises(DataError, match="fitted to a count matrix with 3 columns without names.*give counts"):
        open_source(TEXTS, spec=spec)
    with pytest.raises(DataError, match="several columns of the counts are named 'a'"):
        open_source(pd.DataFrame(COUNTS, columns=["a", "b", "a"]), modality="text")


# --- what is no text


@pytest.mark.parametrize("source", [COUNTS, np.zeros((3, 4, 4), np.uint8), scipy.sparse.csr_array(COUNTS)])
def test_rules_for_words_are_refused_where_there_are_none(source: object) -> None:
    with pytest.raises(ArgumentError, match="min_df=5 is for texts; .* was opened as .*: say modality='text'"):
        open_source(source, min_df=5)
    with pytest.raises(ArgumentError, match="stop_words='english' is for texts"):
        open_source(source, stop_words="english", ngrams=[1, 2])


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (["cat", b"dog"], r"row 1 of the texts holds bytes; decode them first: text\.decode\('utf-8'\)"),
        (["cat", 3], r"row 1 of the texts holds 3, of type int; every text must be a str"),
        ([1.5, 2.5], r"row 0 of the texts holds 1\.5, of type float"),
        (["cat", ["dog"]], r"row 1 of the texts holds \['dog'\], of type list"),
        (["", "42"], r"no word was found in 2 text\(s\); are they empty, or numbers\?"),
        ([None, None], "no word was found"),
        ("a text that is too short to be a file", r"no such file or folder.*a text itself goes into a list: \[text\]"),
        ("long " * 5000, "a text itself goes into a list"),
        (object(), "cannot open a object"),
    ],
)
def test_what_is_no_text_is_refused_in_words(bad: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        open_source(bad, modality="text")


def test_texts_and_other_data_are_told_apart() -> None:
    texts, table = open_source(TEXTS), open_source(COUNTS.astype(float))
    with pytest.raises(ModalityError, match="fitted to data of kind 'text'; Dataset.* is of kind 'table'"):
        open_source(table, spec=texts.spec)
    with pytest.raises(
        ModalityError, match=r"kind 'text' were expected; Dataset.* is of kind 'table'; open it with mod"
    ):
        open_source(table, modality="text")
    with pytest.raises(ModalityError, match="modality='table', but spec was learned from data of kind 'text'"):
        open_source(TEXTS, spec=texts.spec, modality="table")
    with pytest.raises(ModalityError, match="data of kind 'table' were expected; 3 texts is of kind 'text'"):
        open_source(TEXTS, modality="table")
    with pytest.raises(ModalityError, match="3 texts"):
        open_source(TEXTS, spec=table.spec)
    with pytest.raises(DataError, match="was not encoded as the model's data were"):
        open_source(open_source(["cat"]), spec=texts.spec)
    with pytest.raises(
        ArgumentError, match="text='t' names a column of texts, which needs modality='text'; got 'image'"
    ):
        open_source(TEXTS, modality="image", text="t")
    with pytest.raises(ArgumentError, match="text='t' names the column of a table; 3 texts has texts and no columns"):
        open_source(TEXTS, text="t")
    with pytest.raises(ArgumentError, match="size and channels are for images"):
        open_source(TEXTS, modality="text", size=8)


def test_counts_come_back_as_counts() -> None:
    data = open_source(TEXTS)
    stored, _ = data.rows(torch.arange(3))
    back = restore(data.spec, stored)
    assert list(back.columns) == data.spec.recipe["tokens"]
    assert back.to_numpy().tolist() == dense(data)
    nameless = open_source(COUNTS, modality="text")
    assert restore(nameless.spec, torch.from_numpy(COUNTS)).tolist() == COUNTS.tolist()
    with pytest.raises(ArgumentError, match=r"values must have shape \(N, 8\); got \(3, 3\)"):
        restore(data.spec, torch.from_numpy(COUNTS))


def test_a_method_that_follows_gradients_takes_texts_too() -> None:
    model = Autoencoder.tiny().set_params(epochs=1, random_state=0).fit(TEXTS * 6)
    assert model.transform(["a cat", "unknown"]).shape[0] == 2
    assert list(model.reconstruct(["a cat"]).columns) == model.spec_.recipe["tokens"]
