"""Toys have the structure they promise, are the same every time, and refuse sizes that make no sense."""

import hashlib

import numpy as np
import pytest
import torch
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from nolabel.data import tables, toys
from nolabel.errors import ArgumentError


def accuracy(values: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy of five neighbours, over five folds."""
    return float(cross_val_score(KNeighborsClassifier(5), values, labels, cv=5).mean())


def test_blobs_are_clusters_on_a_plane() -> None:
    data = toys.blobs(300, 12, 3, seed=1)
    assert data.store.shape == (300, 12)
    assert data.spec.modality == "table"
    assert np.bincount(data.labels).tolist() == [100, 100, 100]
    assert accuracy(data.store.numpy(), data.labels) > 0.99
    raw = np.asarray(tables.restore(data.spec, data.store))
    strength = np.linalg.svd(raw - raw.mean(axis=0), compute_uv=False)
    assert strength[1] > 8 * strength[2]


@pytest.mark.parametrize("k", [1, 2, 7])
def test_blobs_stand_apart_whatever_their_number(k: int) -> None:
    data = toys.blobs(280, 5, k, seed=2)
    raw = np.asarray(tables.restore(data.spec, data.store))
    centres = np.stack([raw[data.labels == c].mean(axis=0) for c in range(k)])
    apart = np.linalg.norm(centres[:, None] - centres, axis=-1) + 99 * np.eye(k)
    assert apart.min() > 6
    assert data.classes == tuple(str(c) for c in range(k))


def test_stripes_hide_their_class_from_pixels_but_not_from_spectra() -> None:
    data = toys.stripes(200, 16, seed=0)
    assert data.store.dtype == torch.uint8
    assert data.store.shape == (200, 1, 16, 16)
    assert data.spec.values == "unit"
    pixels = data.store.numpy().reshape(200, -1).astype(float)
    spectra = np.abs(np.fft.fft2((pixels - pixels.mean(axis=1, keepdims=True)).reshape(200, 16, 16))).reshape(200, -1)
    assert 0.4 < accuracy(pixels, data.labels) < 0.8
    assert accuracy(spectra, data.labels) > 0.95


def test_mixed_has_columns_of_every_kind_that_know_the_class() -> None:
    frame, labels = toys.mixed(300, seed=0)
    assert [dtype.kind for dtype in frame.dtypes] == ["f", "f", "i", "b", "O", "O", "M"]
    assert frame.isna().any().tolist() == [False, True, False, False, True, False, True]
    spec = tables.learn(frame)
    values, mask = tables.encode(frame, spec)
    assert mask is not None
    assert not spec.recipe["left_out"]
    assert accuracy(values.numpy(), labels) > 0.9


def test_the_same_seed_gives_the_same_data_and_another_seed_other_data() -> None:
    torch.testing.assert_close(toys.blobs(seed=3).store, toys.blobs(seed=3).store, rtol=0, atol=0)
    assert torch.equal(toys.stripes(seed=3).store, toys.stripes(seed=3).store)
    assert toys.mixed(seed=3)[0].equals(toys.mixed(seed=3)[0])
    assert not torch.equal(toys.stripes(seed=3).store, toys.stripes(seed=4).store)
    assert not torch.equal(toys.blobs(seed=3).store, toys.blobs(seed=4).store)


def test_stripes_are_the_same_on_every_machine() -> None:
    labels = toys.stripes(50, 16, seed=7).labels
    assert hashlib.sha256(np.ascontiguousarray(labels, "<i8").tobytes()).hexdigest()[:16] == "7839bb794a104674"
    corner = toys.stripes(50, 16, seed=7).store[:3, 0, 0, :4].to(torch.int64)
    assert (corner - torch.tensor(CORNER)).abs().max() <= 1  # sin and log may round otherwise elsewhere


CORNER = [[233, 182, 75, 182], [30, 94, 96, 77], [98, 126, 145, 207]]


def test_global_generators_are_left_alone() -> None:
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    toys.blobs(), toys.stripes(), toys.mixed()
    assert np.array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(before[1], torch.get_rng_state())


@pytest.mark.parametrize("n", [1, 2, 5])
def test_very_few_samples(n: int) -> None:
    assert len(toys.blobs(n)) == len(toys.stripes(n)) == len(toys.mixed(n)[0]) == n


def test_sizes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ArgumentError, match="d must be at least 2; got 1"):
        toys.blobs(d=1)
    with pytest.raises(ArgumentError, match="n must be at least 1; got 0"):
        toys.mixed(0)
    with pytest.raises(ArgumentError, match="size must be at least 8; got 4"):
        toys.stripes(size=4)
    with pytest.raises(ArgumentError, match="seed must be at least 0; got -1"):
        toys.stripes(seed=-1)
