"""Texts and counts of words <-> network values: how often each word occurs, without the zeros.

A sample is (V,): the counts of the V words of a vocabulary, stored as `SparseRows`. Two kinds are met:

* *texts*, whose vocabulary is learned with `vocabulary.Rules`. New texts are counted by the same vocabulary; words that
  it does not know are ignored, unless it is to grow. A text without any known word is a row of zeros.
* *counts*, a matrix of whole numbers of 0 or more, dense or sparse, that somebody has counted. Its columns have names
  if it was a frame with such; frames that come later are matched by name, a word that they have not counts 0.

The recipe, plain JSON: kind ("texts" or "counts"), tokens (the V words, or None), column (of the table that held the
texts, or None) and, for texts, the fields of `Rules`.
Counts cannot be turned into prose: `restore` gives counts. This file knows no files and no ids.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from torch import Tensor

from nolabel.data import sparse
from nolabel.data.sparse import SparseRows
from nolabel.data.table_inputs import from_array
from nolabel.data.vocabulary import Rules, Tokenizer, Vocabulary
from nolabel.errors import ArgumentError, DataError
from nolabel.types import DataSpec

_SHOWN = 5


def learn(
    texts: Iterable[str], rules: Rules, tokenizer: Tokenizer | None = None, *, column: str | None = None
) -> tuple[DataSpec, SparseRows]:
    """Learn a vocabulary from texts, and count its words in them; each text is looked at once.

    Parameters
    ----------
    texts
        N texts.
    rules
        What is a word, and which are kept.
    tokenizer
        The function that `rules` names, if any.
    column
        Where the texts were found in a table.

    Returns
    -------
    spec, counts
        Modality "text", shape (V,), values "real"; (N, V).

    Raises
    ------
    DataError
        No word is left.
    """
    vocabulary, counts = Vocabulary.learn(texts, rules, tokenizer)
    recipe = {"kind": "texts", "tokens": list(vocabulary.tokens), "column": column, **rules.recipe()}
    return DataSpec("text", (len(vocabulary.tokens),), "real", recipe), sparse.from_scipy(counts)


def encode(texts: Iterable[str], spec: DataSpec, tokenizer: Tokenizer | None = None) -> SparseRows:
    """Counts (N, V) of the words that `spec` knows in N texts.

    Raises
    ------
    DataError
        The model was fitted to counts whose columns have no names; or it needs a tokenizer that is not given.
    """
    return sparse.from_scipy(_vocabulary(spec, tokenizer).count(texts))


def grow(texts: Iterable[str], spec: DataSpec, tokenizer: Tokenizer | None = None) -> tuple[DataSpec, SparseRows]:
    """A spec that knows the new words of N texts, too, behind those of `spec`; and the counts (N, V + new)."""
    vocabulary, counts = _vocabulary(spec, tokenizer).grow(texts)
    return _grown(spec, vocabulary.tokens), sparse.from_scipy(counts)


def learn_counts(counts: Any) -> tuple[DataSpec, SparseRows]:
    """The spec of a count matrix, and its rows.

    Parameters
    ----------
    counts
        (N, V): scipy sparse matrix or array, DataFrame, or anything `table_inputs.from_array` takes.

    Raises
    ------
    DataError
        It is empty, or holds something that is no count.
    """
    matrix, names = _counts(counts)
    recipe = {"kind": "counts", "tokens": names, "column": None}
    return DataSpec("text", (matrix.shape[1],), "real", recipe), sparse.from_scipy(matrix)


def encode_counts(counts: Any, spec: DataSpec, *, growing: bool = False) -> tuple[DataSpec, SparseRows]:
    """A count matrix as the rows of `spec`; with `growing`, its new columns are added to a spec that has names.

    Raises
    ------
    DataError
        It has another number of columns; or names, none of which is known.
    """
    matrix, names = _counts(counts)
    known = spec.recipe["tokens"]
    if names is None or known is None:
        if matrix.shape[1] != spec.width:
            raise DataError(
                f"X has {matrix.shape[1]} features, but nolabel is expecting {spec.width} features as input: give the "
                "counts of the words that the model was fitted to, in the same order"
            )
        return spec, sparse.from_scipy(matrix)
    tokens = [*known, *(_new_names(names, known) if growing else ())]
    return _grown(spec, tokens), sparse.from_scipy(_by_name(matrix, names, tokens))


def restore(spec: DataSpec, values: Tensor) -> "pd.DataFrame | NDArray[np.float32]":
    """Network values (B, V) as counts, dense: a DataFrame with a column for each word, or an array without names."""
    if values.ndim != 2 or values.shape[1] != spec.width:
        raise ArgumentError(f"values must have shape (N, {spec.width}); got {tuple(values.shape)}")
    counts = values.detach().to_dense().cpu().float().numpy()
    tokens = spec.recipe["tokens"]
    return counts if tokens is None else pd.DataFrame(counts, columns=tokens)


def _new_names(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names that are not known, sorted."""
    return sorted(set(names) - set(known))


def _vocabulary(spec: DataSpec, tokenizer: Tokenizer | None) -> Vocabulary:
    tokens = spec.recipe["tokens"]
    if tokens is None:
        raise DataError(
            f"the model was fitted to a count matrix with {spec.width} columns without names, so nobody knows which "
            "words they count; give counts, or fit to texts"
        )
    return Vocabulary(tuple(tokens), Rules.from_recipe(spec.recipe), tokenizer)


def _grown(spec: DataSpec, tokens: Sequence[str]) -> DataSpec:
    if len(tokens) == spec.width:
        return spec
    recipe: Mapping[str, Any] = {**spec.recipe, "tokens": list(tokens)}
    return DataSpec("text", (len(tokens),), "real", recipe)


def _counts(given: Any) -> tuple[Any, list[str] | None]:
    """A sparse matrix of counts, and the names of its columns if they have some."""
    names = None
    if isinstance(given, pd.DataFrame):
        if all(isinstance(name, str) for name in given.columns):
            names = [str(name) for name in given.columns]
            _check_names(names)
        given = given.to_numpy()
    matrix = given if issparse(given) else _sparse(from_array(given).to_numpy())
    _check_counts(matrix.tocoo())
    return matrix, names


def _sparse(values: NDArray[Any]) -> csr_array:
    return csr_array(values)


def _check_names(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise DataError(f"several columns of the counts are named {twice!r}; give each word one column")


def _check_counts(matrix: Any) -> None:
    """Counts are whole numbers of 0 or more."""
    values = matrix.data
    if values.dtype.kind not in "biuf":
        raise DataError(f"counts must be real whole numbers; got values of dtype {values.dtype}")
    wrong = ~(values >= 0) | (values != np.floor(values)) | ~np.isfinite(values)
    if not wrong.any():
        return
    place = int(np.argmax(wrong))
    value, where = values[place], f"row {matrix.coords[0][place]}, column {matrix.coords[1][place]}"
    if np.isnan(value) or np.isinf(value):
        kind = "NaN: a word that does not occur has the count 0" if np.isnan(value) else "an infinite number"
        raise DataError(f"counts must be whole numbers of 0 or more; {where} holds {kind}")
    if value < 0:
        raise DataError(f"Negative values in data passed to X: {where} holds {value:g}; counts are 0 or more")
    raise DataError(
        f"counts must be whole numbers; {where} holds {value:g}. Give how often each word occurs, not weights such as "
        "those of TF-IDF"
    )


def _by_name(matrix: Any, names: Sequence[str], tokens: Sequence[str]) -> csr_array:
    place = {token: number for number, token in enumerate(tokens)}
    target = np.array([place.get(name, -1) for name in names])
    if (target < 0).all():
        raise DataError(
            f"none of the columns ({', '.join(names[:_SHOWN])}, ...) is a word that the model was fitted to "
            f"({', '.join(tokens[:_SHOWN])}, ...)"
        )
    entries = matrix.tocoo()
    rows, columns = entries.coords[0], target[entries.coords[1]]
    known = columns >= 0
    shape = (matrix.shape[0], len(tokens))
    return csr_array((entries.data[known], (rows[known], columns[known])), shape=shape)
