import math

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from nolabel.data import source
from nolabel.evaluation.baselines import raw_values
from nolabel.evaluation.sparse_values import is_counted, reduced_values

TEXTS = ["red red apple", "green apple", "green green green tree", "tall tree", "red tree"]


def test_texts_become_tf_idf() -> None:
    data = source.open(TEXTS, modality="text")
    values, note = reduced_values(data)
    words = data.spec.recipe["tokens"]
    row = np.zeros(len(words))
    for word, count in (("red", 2), ("apple", 1)):
        holding = sum(word in text for text in TEXTS)
        row[words.index(word)] = (1 + math.log(count)) * (1 + math.log((1 + 5) / (1 + holding)))
    np.testing.assert_allclose(values[0], row / np.linalg.norm(row), rtol=1e-5)
    assert note == "The raw and PCA columns see TF-IDF of the words."


def test_wide_rows_keep_their_distances_in_fewer_columns() -> None:
    low = random_array((60, 4), density=1.0, random_state=0) @ random_array((4, 500), density=0.2, random_state=1)
    data = source.open(csr_array(low.astype(np.float32)))
    values, note = reduced_values(data, width=8)
    assert values.shape == (60, 8)
    assert note == "The raw and PCA columns see the values reduced to 8 columns by truncated SVD."
    np.testing.assert_allclose(values @ values.T, (low @ low.T).toarray(), atol=1e-3)


def test_narrow_sparse_rows_are_themselves() -> None:
    rows = random_array((30, 12), density=0.3, format="csr", dtype=np.float32, random_state=0)
    data = source.open(rows)
    values, note = raw_values(data)
    np.testing.assert_array_equal(values, rows.toarray())
    assert note == ""


@pytest.mark.parametrize(("made", "counted"), [("wine", False), (TEXTS, True)])
def test_only_texts_and_sparse_rows_are_reduced(made: object, counted: bool) -> None:
    data = source.open(made, modality="text" if counted else "auto")
    assert is_counted(data) is counted
