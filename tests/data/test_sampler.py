"""The order of samples is a function of (seed, epoch); processes take disjoint parts; the reading thread is well behaved."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nolabel.data.dataset import Dataset
from nolabel.data.sampler import Loader, Order, part, split_rows
from nolabel.types import DataSpec

small = st.integers(1, 40)
seeds = st.integers(0, 2**31)


def numbered(count: int, mask: bool = False) -> Dataset:
    """Samples whose value is their row number."""
    store = torch.arange(count, dtype=torch.float32)[:, None].repeat(1, 2)
    known = torch.rand(count, 2) < 0.5 if mask else None
    return Dataset(DataSpec("table", (2,), "real"), store, range(count), mask=known)


def mapped(count: int, folder: Path) -> Dataset:
    """The same, in a memory map."""
    store = np.memmap(folder / "store", dtype=np.float32, mode="w+", shape=(count, 2))
    store[:] = np.arange(count, dtype=np.float32)[:, None]
    return Dataset(DataSpec("table", (2,), "real"), store, range(count))


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "nolabel-read-ahead"]


@given(count=small, batch_size=small, seed=seeds, epoch=st.integers(0, 1000))
def test_an_epoch_is_a_permutation(count: int, batch_size: int, seed: int, epoch: int) -> None:
    rows = torch.arange(count) * 3 + 1
    order = Order(rows, batch_size, seed)
    found = order.epoch(epoch)
    assert sorted(found.tolist()) == rows.tolist()
    assert torch.equal(found, Order(rows, batch_size, seed).epoch(epoch))  # whoever asks, whenever
    assert order.steps == len(range(0, count, batch_size))


def test_every_epoch_and_seed_has_an_order_of_its_own() -> None:
    rows = torch.arange(50)
    orders = {tuple(Order(rows, 8, seed).epoch(epoch).tolist()) for seed in range(20) for epoch in range(20)}
    assert len(orders) == 400


def test_the_order_does_not_change_between_versions() -> None:
    assert Order(torch.arange(8), 3, 7).epoch(2).tolist() == [
        6,
        0,
        2,
        3,
        7,
        5,
        1,
        4,
    ]  # or no old run could be gone on with


def test_every_row_comes_first_equally_often() -> None:
    order = Order(torch.arange(10), 3, 1)
    firsts = np.bincount([int(order.epoch(epoch)[0]) for epoch in range(2000)], minlength=10)
    assert firsts.min() > 200 - 5 * 14  # 5 sd
    assert firsts.max() < 200 + 5 * 14


@given(total=st.integers(2, 200), holdout=st.floats(0.001, 0.9), seed=seeds)
def test_a_holdout_is_disjoint_and_of_the_size_that_was_asked(total: int, holdout: float, seed: int) -> None:
    train, held = split_rows(total, holdout, seed)
    assert sorted([*train.tolist(), *held.tolist()]) == list(range(total))
    assert train.tolist() == sorted(train.tolist())
    assert 1 <= len(held) < total  # some to learn from and some to watch, however few there are
    assert len(held) == round(total * holdout) or len(held) in (1, total - 1)
    again = split_rows(total, holdout, seed)
    assert torch.equal(train, again[0])
    assert torch.equal(held, again[1])


def test_without_a_holdout_all_rows_are_trained_on() -> None:
    train, held = split_rows(9, 0.0, 1)
    assert train.tolist() == list(range(9))
    assert held.tolist() == []
    assert [len(rows) for rows in split_rows(1, 0.5, 0)] == [1, 0]


@given(total=st.integers(0, 60), world=st.integers(1, 9))
def test_processes_share_a_batch_evenly_and_none_goes_without(total: int, world: int) -> None:
    parts = [range(total)[part(total, rank, world)] for rank in range(world)]
    if 0 < total < world:  # everyone's
        assert all(list(one) == list(range(total)) for one in parts)
    else:
        assert [row for one in parts for row in one] == list(range(total))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


@given(count=small, batch_size=small, world=st.integers(1, 4), seed=seeds)
def test_what_processes_get_is_what_one_gets(count: int, batch_size: int, world: int, seed: int) -> None:
    data, order = numbered(count, mask=True), Order(torch.arange(count), batch_size, seed)
    whole = list(Loader(data, order).epoch(3))
    assert torch.equal(torch.cat([share.index for share in whole]), order.epoch(3))
    for one, *several in zip(whole, *(Loader(data, order, rank=r, world=world).epoch(3) for r in range(world))):
        for rank, share in enumerate(several):
            assert share.total == len(one.index) == one.total
            assert share.rows == part(one.total, rank, world)
            assert torch.equal(share.index, one.index[share.rows])
            assert torch.equal(share.stored[:, 0].long(), share.index)
            assert share.mask is not None
            assert data.mask is not None
            assert torch.equal(share.mask, data.mask[share.index])


@pytest.mark.parametrize("on_disk", [False, True])
def test_an_epoch_can_be_entered_anywhere(on_disk: bool, tmp_path: Path) -> None:
    data = mapped(23, tmp_path) if on_disk else numbered(23)
    loader = Loader(data, Order(torch.arange(23), 5, 1))
    whole = [share.index.tolist() for share in loader.epoch(2)]
    for skip in range(6):
        assert [share.index.tolist() for share in loader.epoch(2, skip)] == whole[skip:]


def test_a_memory_map_gives_what_memory_gives(tmp_path: Path) -> None:
    order = Order(torch.arange(23), 5, 1)
    for a, b in zip(Loader(numbered(23), order).epoch(1), Loader(mapped(23, tmp_path), order).epoch(1), strict=True):
        assert torch.equal(a.stored, b.stored)
        assert torch.equal(a.index, b.index)
    assert readers() == []


def test_reading_goes_on_while_the_caller_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, read = mapped(40, tmp_path), []
    rows = data.rows
    monkeypatch.setattr(data, "rows", lambda index: read.append(len(index)) or rows(index))
    shares = Loader(data, Order(torch.arange(40), 2, 1)).epoch(0)
    next(shares)
    deadline = time.monotonic() + 5
    while len(read) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert 5 <= len(read) <= 6  # four lie ready, one is in the reader's hand, one was taken
    shares.close()


def test_an_error_of_the_reading_thread_is_raised_where_the_caller_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = mapped(40, tmp_path)
    rows, calls = data.rows, iter(range(100))

    def fail_at_third(index: torch.Tensor) -> tuple[torch.Tensor, None]:
        if next(calls) == 2:
            raise OSError("the disk went away")
        return rows(index)

    monkeypatch.setattr(data, "rows", fail_at_third)
    taken = []
    with pytest.raises(OSError, match="the disk went away"):
        for share in Loader(data, Order(torch.arange(40), 5, 1)).epoch(0):
            taken.append(share)
    assert len(taken) == 2
    assert readers() == []


def test_the_reading_thread_ends_when_the_caller_stops_early(tmp_path: Path) -> None:
    shares = Loader(mapped(400, tmp_path), Order(torch.arange(400), 2, 1)).epoch(0)
    next(shares)
    assert len(readers()) == 1
    shares.close()
    assert readers() == []


def test_waiting_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = mapped(6, tmp_path)
    rows = data.rows

    def slow(index: torch.Tensor) -> tuple[torch.Tensor, None]:
        time.sleep(0.05)
        return rows(index)

    monkeypatch.setattr(data, "rows", slow)
    loader = Loader(data, Order(torch.arange(6), 2, 1))
    shares: Iterator[object] = loader.epoch(0)
    for _ in shares:
        pass
    assert 0.14 <= loader.waited < 5
