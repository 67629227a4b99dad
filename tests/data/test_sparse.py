"""Sparse rows: gathered, cut and compared like dense ones, and followed through `Dataset`, engine and estimators."""

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st

from nolabel.data import sparse
from nolabel.data.sampler import Loader, Order
from nolabel.data.source import open as open_source
from nolabel.data.source import restore
from nolabel.errors import DataError, ModalityError
from nolabel.methods._folder import fingerprint
from nolabel.methods.autoencoder import Autoencoder
from nolabel.training.engine import _near
from nolabel.types import DataSpec, to_network

DENSE = np.random.default_rng(0).poisson(0.4, (12, 7)).astype(np.float32)
DENSE[3] = 0
DENSE[5, 2] = 300  # more than a byte


def rows_of(dense: np.ndarray) -> sparse.SparseRows:
    return sparse.from_scipy(scipy.sparse.csr_array(dense))


@given(st.lists(st.integers(0, 11), max_size=20))
def test_any_rows_in_any_order_as_often_as_asked(index: list[int]) -> None:
    found = rows_of(DENSE).gather(torch.tensor(index, dtype=torch.int64))
    assert found.layout == torch.sparse_csr
    assert found.dtype == torch.float32
    assert np.array_equal(found.to_dense().numpy(), DENSE[index])


@given(st.integers(0, 12), st.integers(0, 12))
def test_neighbours_and_parts_of_a_batch(first: int, last: int) -> None:
    first, last = min(first, last), max(first, last)
    found = rows_of(DENSE).gather(torch.arange(first, last))
    assert np.array_equal(found.to_dense().numpy(), DENSE[first:last])
    whole = rows_of(DENSE).gather(torch.arange(12))
    for stored in (whole, torch.from_numpy(DENSE)):
        assert np.array_equal(sparse.part_of(stored, slice(first, last)).to_dense().numpy(), DENSE[first:last])


def test_a_batch_keeps_its_promises() -> None:
    mixed = scipy.sparse.coo_array(([1.0, 2.0, 0.0, 3.0, 4.0], ([0, 0, 0, 1, 1], [5, 1, 3, 2, 2])), shape=(2, 6))
    rows = sparse.from_scipy(mixed)
    assert mixed.nnz == 5  # the user's matrix is left alone
    batch = rows.gather(torch.arange(2))
    assert batch.col_indices().tolist() == [1, 5, 2]
    assert batch.values().tolist() == [2, 1, 7]
    assert batch.crow_indices().tolist() == [0, 2, 3]
    assert (batch.crow_indices().dtype, batch.col_indices().dtype) == (torch.int64, torch.int64)


def test_a_users_csr_matrix_is_not_changed() -> None:
    matrix = scipy.sparse.csr_matrix(([1.0, 0.0, 2.0], [4, 0, 1], [0, 3]), shape=(1, 5))
    before = (matrix.data.copy(), matrix.indices.copy())
    assert sparse.from_scipy(matrix).nnz == 2
    assert np.array_equal(matrix.data, before[0])
    assert np.array_equal(matrix.indices, before[1])


def test_counts_are_held_in_bytes_where_that_loses_nothing() -> None:
    assert rows_of(np.minimum(DENSE, 200)).values.dtype == torch.uint8
    assert rows_of(DENSE).values.dtype == torch.float32
    assert rows_of(DENSE * 0.5).values.dtype == torch.float32
    assert rows_of(-DENSE).values.dtype == torch.float32
    assert rows_of(DENSE > 0).values.dtype == torch.uint8


@pytest.mark.parametrize("format", ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"])
@pytest.mark.parametrize("kind", ["array", "matrix"])
def test_every_kind_of_scipy_makes_a_table_without_scaling(format: str, kind: str) -> None:
    made = scipy.sparse.coo_array(DENSE) if kind == "array" else scipy.sparse.coo_matrix(DENSE)
    data = open_source(made.asformat(format))
    assert (data.spec.modality, data.spec.shape, data.spec.recipe["kind"]) == ("table", (7,), "sparse")
    assert data.in_memory
    assert data.is_sparse
    assert list(data.ids) == list(range(12))
    assert np.array_equal(torch.cat([batch.x.to_dense() for batch in data.batches(5)]).numpy(), DENSE)
    assert np.array_equal(data.store.to_scipy().toarray(), DENSE)


def test_sparse_tensors_of_torch() -> None:
    for tensor in (torch.from_numpy(DENSE).to_sparse(), rows_of(DENSE).gather(torch.arange(12))):
        data = open_source(tensor)
        assert np.array_equal(data.as_dense().rows(torch.arange(12))[0].numpy(), DENSE)


def test_dense_batches_of_sparse_samples() -> None:
    data = open_source(scipy.sparse.csr_array(DENSE))
    dense = data.as_dense()
    assert not dense.is_sparse
    assert dense.as_dense() is dense
    assert dense.store.values.data_ptr() == data.store.values.data_ptr()  # nothing is copied
    stored, mask = dense.rows(torch.tensor([4, 0]))
    assert mask is None
    assert np.array_equal(to_network(stored).numpy(), DENSE[[4, 0]])
    assert data.is_sparse


def test_a_part_of_a_data_set() -> None:
    data = open_source(scipy.sparse.csr_array(np.minimum(DENSE, 9)), labels=np.arange(12) % 2)
    part = data.subset(np.array([7, 3, 3]))
    assert part.ids == [7, 3, 3]
    assert part.labels.tolist() == [1, 1, 1]
    assert part.store.values.dtype == torch.uint8
    assert np.array_equal(part.store.to_scipy().toarray(), np.minimum(DENSE, 9)[[7, 3, 3]])
    assert part.nbytes < data.nbytes
    assert data.to(torch.device("cpu")) is data
    assert _near(data, torch.device("cpu")) is data


def test_the_loader_gives_sparse_shares() -> None:
    data = open_source(scipy.sparse.csr_array(DENSE))
    for rank in range(2):
        for share in Loader(data, Order(torch.arange(12), 5, 3), rank=rank, world=2).epoch(0):
            assert share.stored.layout == torch.sparse_csr
            assert np.array_equal(share.stored.to_dense().numpy(), DENSE[share.index.numpy()])


def test_whether_all_rows_are_the_same() -> None:
    same, other = np.tile(DENSE[:1], (4, 1)), DENSE[:4]
    for dense, answer in ((same, True), (other, False), (np.zeros((4, 7)), True)):
        rows = rows_of(dense)
        first = rows.gather(torch.tensor([0]))
        assert sparse.all_equal(rows.gather(torch.arange(4)), first) is answer
    shifted = np.roll(same, 1, axis=1)
    shifted[0] = same[0]
    rows = rows_of(shifted)
    assert not sparse.all_equal(rows.gather(torch.arange(4)), rows.gather(torch.tensor([0])))


def test_a_fingerprint_sees_columns_and_values() -> None:
    one = open_source(scipy.sparse.csr_array(DENSE))
    again = open_source(scipy.sparse.csr_array(DENSE))
    moved = open_source(scipy.sparse.csr_array(np.roll(DENSE, 1, axis=1)))
    higher = open_source(scipy.sparse.csr_array(DENSE + (DENSE > 0)))
    assert fingerprint(one) == fingerprint(again)
    assert len({fingerprint(one), fingerprint(moved), fingerprint(higher)}) == 3


def test_a_spec_takes_sparse_and_dense_rows_and_goes_into_json() -> None:
    data = open_source(scipy.sparse.csr_array(DENSE))
    spec = DataSpec.from_json(data.spec.to_json())
    assert spec == data.spec
    for new in (DENSE[:3], scipy.sparse.coo_array(DENSE[:3])):
        assert np.array_equal(open_source(new, spec=spec).store.to_scipy().toarray(), DENSE[:3])
    dense = open_source(DENSE, scaling="none")
    assert np.array_equal(open_source(scipy.sparse.csr_array(DENSE), spec=dense.spec).store.numpy(), DENSE)
    assert np.array_equal(restore(spec, torch.from_numpy(DENSE)), DENSE)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (scipy.sparse.csr_array(DENSE[:, :3]), "X has 3 features, but nolabel is expecting 7 features as input"),
        (scipy.sparse.csr_array(DENSE * np.nan), r"contains NaN \(row 0, column"),
        (scipy.sparse.csr_array(np.where(DENSE > 100, np.inf, DENSE)), r"contains infinity \(row 5, column 2\)"),
        (scipy.sparse.csr_array(DENSE * 1j), "Complex data not supported"),
        (scipy.sparse.csr_array((0, 7)), r"Found array with 0 sample\(s\)"),
        (scipy.sparse.csr_array((3, 0)), r"0 feature\(s\)"),
        (scipy.sparse.coo_array(np.ones(4)), "two axes"),
    ],
)
def test_what_is_no_sparse_table_is_refused_in_words(bad: object, words: str) -> None:
    spec = open_source(scipy.sparse.csr_array(DENSE)).spec
    with pytest.raises(DataError, match=words):
        open_source(bad, spec=spec)
    if "features" not in words:
        with pytest.raises(DataError, match=words):
            open_source(bad)


def test_images_and_sparse_tables_are_told_apart() -> None:
    images = open_source(np.zeros((3, 4, 4), np.uint8)).spec
    with pytest.raises(ModalityError, match=r"fitted to images.*sparse table 12 x 7 is a table"):
        open_source(scipy.sparse.csr_array(DENSE), spec=images)
    with pytest.raises(ModalityError, match="data of kind 'image' were expected; sparse table"):
        open_source(scipy.sparse.csr_array(DENSE), modality="image")


def test_a_method_that_follows_gradients_learns_the_same_from_either() -> None:
    unit = np.minimum(DENSE, 1)
    matrix = scipy.sparse.csr_array(unit)
    sparse_model = Autoencoder.tiny().set_params(epochs=2, random_state=0).fit(matrix)
    spec = sparse_model.spec_
    dense = open_source(matrix).as_dense()
    dense_model = Autoencoder.tiny().set_params(epochs=2, random_state=0).fit(dense)
    assert spec.values == "unit"
    assert np.array_equal(sparse_model.transform(matrix), dense_model.transform(dense))
    assert np.array_equal(sparse_model.transform(matrix), sparse_model.transform(unit))
    assert sparse_model.reconstruct(matrix).shape == unit.shape
    sparse_model.partial_fit(matrix)
