"""The pool of images: what is handed on, what stays, and that processes agree."""

import pytest
import torch

from nolabel.nets.image_pool import ImagePool
from nolabel.randomness import Draws


def numbered(first: int, count: int) -> torch.Tensor:
    return torch.arange(first, first + count, dtype=torch.float32)[:, None, None, None].expand(count, 1, 2, 2)


def test_it_hands_on_what_comes_until_it_is_full():
    pool = ImagePool(5, (1, 2, 2))
    assert torch.equal(pool.exchange(numbered(1, 4), Draws(0)), numbered(1, 4))
    assert pool.filled == 4
    assert torch.equal(pool.images[:4], numbered(1, 4))


def test_once_full_about_half_of_what_is_handed_on_is_older():
    pool = ImagePool(50, (1, 2, 2))
    pool.exchange(numbered(1, 50), Draws(0))
    first, older = 51, 0
    for step in range(40):
        new = numbered(first, 16)
        given = pool.exchange(new, Draws(1, step))
        kept = given[:, 0, 0, 0] == new[:, 0, 0, 0]
        older += int((given[~kept, 0, 0, 0] < first + 16).sum())
        in_pool = set(pool.images[:, 0, 0, 0].tolist())
        assert {*given[~kept, 0, 0, 0].tolist()}.isdisjoint(in_pool), "what is handed on has left"
        assert {*new[kept, 0, 0, 0].tolist()}.isdisjoint(in_pool), "what is handed on has not come in"
        first += 16
    assert 0.4 < older / (40 * 16) < 0.6


def test_it_is_the_loop_of_the_paper():
    """One image after the other, as the authors' program has it."""
    pool, size = ImagePool(6, (1, 2, 2)), 6
    held: list[float] = []
    for step in range(5):
        new, wanted, draws = numbered(10 * step, 4), [], Draws(3, step)
        evens, places = draws.shared_integers(2, 4).tolist(), draws.shared_integers(size, 4).tolist()
        for image, stays, place in zip(new[:, 0, 0, 0].tolist(), evens, places):
            if len(held) < size:
                held.append(image)
                wanted.append(image)
            elif stays:
                wanted.append(image)
            else:
                wanted.append(held[place])
                held[place] = image
        assert pool.exchange(new, Draws(3, step))[:, 0, 0, 0].tolist() == wanted
        assert pool.images[: len(held), 0, 0, 0].tolist() == held


def test_one_of_size_0_is_none():
    assert torch.equal(ImagePool(0, (1, 2, 2)).exchange(numbered(1, 4), Draws(0)), numbered(1, 4))


def test_its_state_is_all_there_is():
    pool, other = ImagePool(4, (1, 2, 2)), ImagePool(4, (1, 2, 2))
    pool.exchange(numbered(1, 6), Draws(0))
    other.load_state_dict(pool.state_dict())
    assert torch.equal(pool.exchange(numbered(9, 6), Draws(1)), other.exchange(numbered(9, 6), Draws(1)))


def test_what_comes_has_no_gradient_afterwards():
    new = numbered(1, 2).clone().requires_grad_()
    pool = ImagePool(1, (1, 2, 2))
    assert not pool.exchange(new, Draws(0)).requires_grad
    assert not pool.images.requires_grad


@pytest.mark.parametrize("cut", [1, 3])
def test_two_processes_keep_the_same_pool(cut, monkeypatch):
    new = numbered(7, 4)
    whole = ImagePool(3, (1, 2, 2))
    whole.exchange(numbered(1, 3), Draws(0))
    parts = []
    for start, stop in ((0, cut), (cut, 4)):
        pool = ImagePool(3, (1, 2, 2))
        pool.exchange(numbered(1, 3), Draws(0))
        monkeypatch.setattr("nolabel.nets.image_pool.offset", lambda count, start=start: start)
        draws = Draws(1, total=4, rows=slice(start, stop), gather=lambda x: new)
        parts.append(pool.exchange(new[start:stop], draws))
        state = pool.images
    monkeypatch.undo()
    assert torch.equal(torch.cat(parts), whole.exchange(new, Draws(1)))
    assert torch.equal(state, whole.images)
