"""The queue against a list: order, wrapping around, batches larger than itself, and its state."""

import copy

import torch
from hypothesis import given
from hypothesis import strategies as st

from nolabel.nets.memory import Queue


@given(st.integers(1, 7), st.lists(st.integers(0, 9), max_size=6))
def test_it_holds_the_newest_rows(size: int, pushes: list[int]) -> None:
    queue, newest, count = Queue(size, 2), [], 0
    for length in pushes:
        numbers = torch.arange(count, count + length).float()
        queue.push(torch.stack([numbers, -numbers], 1))
        newest = [*newest, *numbers.tolist()][-size:]
        count += length
        assert sorted(queue.candidates()[:, 0].tolist()) == newest
        assert int(queue.at) == count % size
        assert int(queue.filled) == min(count, size)


def test_rows_lie_where_they_wrap_to() -> None:
    queue = Queue(5, 1)
    queue.push(torch.tensor([[0.0], [1], [2], [3]]))
    assert queue.candidates().flatten().tolist() == [0, 1, 2, 3]
    queue.push(torch.tensor([[4.0], [5], [6]]))
    assert queue.candidates().flatten().tolist() == [5, 6, 2, 3, 4]


def test_first_rows_are_of_unit_length_and_no_candidates() -> None:
    queue = Queue(6, 3)
    torch.testing.assert_close(queue.rows.norm(dim=1), torch.ones(6))
    assert queue.candidates().shape == (0, 3)


def test_what_is_pushed_is_detached_and_copied() -> None:
    queue, z = Queue(4, 2), torch.ones(2, 2, requires_grad=True)
    queue.push(z * 2)
    assert not queue.candidates().requires_grad
    with torch.no_grad():
        z.zero_()
    assert (queue.candidates() == 2).all()


def test_all_of_it_is_state() -> None:
    queue, other = Queue(5, 2), Queue(5, 2)
    queue.push(torch.randn(7, 2))
    other.load_state_dict(queue.state_dict())
    assert torch.equal(other.candidates(), queue.candidates())
    more = torch.randn(2, 2)
    queue.push(more), other.push(more)
    assert torch.equal(other.rows, queue.rows)


def test_how_full_it_is_is_read_again_when_others_wrote_it() -> None:
    """A checkpoint, or a step taken back, writes the buffers alone."""
    queue = Queue(5, 2)
    queue.push(torch.randn(3, 2))
    with torch.no_grad():
        queue.filled.copy_(torch.tensor(1))
    assert len(queue.candidates()) == 1
    queue.push(torch.randn(1, 2))
    assert (len(queue.candidates()), int(queue.filled)) == (2, 2)
    twin = copy.deepcopy(queue)
    twin.push(torch.randn(2, 2))
    assert (len(twin.candidates()), len(queue.candidates())) == (4, 2)
