"""The codebook against loops over the equations of its paper, and its restarts."""

import math

import pytest
import torch
from torch import Tensor

from nolabel.nets.quantize import Codebook
from nolabel.randomness import Draws


def placed(entries: Tensor, decay: float = 0.9, restart_below: float = 0.0) -> Codebook:
    """A codebook that has seen data and stands at `entries`, each with a running count of 1."""
    book = Codebook(len(entries), entries.shape[1], decay, restart_below)
    book.entries.copy_(entries)
    book.counts.fill_(1)
    book.sums.copy_(entries)
    book.placed.fill_(True)
    return book


def test_the_nearest_entry_is_chosen() -> None:
    book, z = Codebook(7, 3, 0.9, 0.0), torch.randn(4, 5, 3)
    k, found = book(z)
    for b in range(4):
        for p in range(5):
            distances = [(z[b, p] - entry).norm().item() for entry in book.entries]
            assert k[b, p].item() == distances.index(min(distances))
            assert torch.equal(found[b, p], book.entries[k[b, p]])
    assert torch.equal(book.look_up(k), found)


def test_entries_follow_the_running_means_of_the_paper() -> None:
    gamma = 0.8
    book = placed(torch.randn(3, 2), gamma)
    counts = [1.0, 1.0, 1.0]
    sums = [entry.double() for entry in book.entries.clone()]
    for step in range(4):
        z = torch.randn(6, 2, 2)
        k, _ = book(z)
        vectors = list(zip(k.flatten().tolist(), z.flatten(0, 1).double()))
        for j in range(3):  # N ← γ N + (1 − γ) n,  m ← γ m + (1 − γ) Σ z,  e = m / N
            mine = [vector for number, vector in vectors if number == j]
            counts[j] = gamma * counts[j] + (1 - gamma) * len(mine)
            sums[j] = gamma * sums[j] + (1 - gamma) * sum(mine, torch.zeros(2, dtype=torch.float64))
        book.notice(z, k)
        book.follow(Draws(step))
        expected = torch.stack([m / n for m, n in zip(sums, counts)]).float()
        torch.testing.assert_close(book.entries, expected)
        torch.testing.assert_close(book.counts, torch.tensor(counts))


def test_a_step_in_pieces_is_the_step_in_one() -> None:
    z = torch.randn(6, 2, 3)
    books = [placed(torch.arange(12.0).view(4, 3) - 5, 0.7, 0.3) for _ in range(2)]
    books[0].notice(z, books[0](z)[0])
    for piece, part in enumerate(z.split(2)):
        books[1].notice(part, books[1](part)[0], piece)
    for book in books:
        book.follow(Draws(1))
    torch.testing.assert_close(books[0].entries, books[1].entries)


def test_following_twice_moves_once() -> None:
    book = placed(torch.randn(3, 2))
    z = torch.randn(4, 1, 2)
    book.notice(z, book(z)[0])
    book.follow(Draws(1))
    before = book.entries.clone()
    book.follow(Draws(2))
    assert torch.equal(book.entries, before)


def test_first_entries_are_vectors_of_the_first_batch() -> None:
    book, z = Codebook(8, 3, 0.99, 0.05), torch.randn(5, 4, 3) + 10
    book.notice(z, book(z)[0])
    book.follow(Draws(3))
    for entry in book.entries:
        assert (z.flatten(0, 1) - entry).norm(dim=1).min() < 1e-5
    assert book.placed


def test_a_dead_entry_is_restarted_on_a_vector_of_the_batch_and_a_live_one_is_not() -> None:
    book = placed(torch.tensor([[0.0, 0.0], [100.0, 100.0]]), 0.5, 0.05)
    for step in range(10):
        z = torch.randn(8, 1, 2)
        book.notice(z, book(z)[0])
        book.follow(Draws(step))
        if (book.entries[1] < 50).all():
            break
    assert step == 2  # after 3 steps its count is 1/8 and the other's 8 - 7/8, the first time below 1/20 of their mean
    assert (z.flatten(0, 1) - book.entries[1]).norm(dim=1).min() < 1e-5
    assert book.entries[0].norm() < 2


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
def test_an_entry_that_is_never_restarted_stays_where_it_is(decay: float) -> None:
    """Its running count falls to 0 in time; 0 / 0 must not become the entry."""
    book = placed(torch.tensor([[0.0, 0.0], [100.0, 100.0]]), decay, 0.0)
    if decay == 0.99:  # what 10,000 steps would do
        book.counts[1] = 1e-42
        book.sums[1] = 1e-40
    for step in range(300):
        z = torch.randn(8, 1, 2)
        book.notice(z, book(z)[0])
        book.follow(Draws(step))
        assert torch.isfinite(book.entries).all(), f"step {step}"
    assert (book.entries[1] - 100).abs().max() < 1


def test_perplexity_counts_the_entries_in_even_use() -> None:
    book = Codebook(8, 2, 0.9, 0.0)
    assert book.perplexity(torch.zeros(3, 4, dtype=torch.int64)).item() == pytest.approx(1)
    assert book.perplexity(torch.arange(8).view(2, 4)).item() == pytest.approx(8)
    p = [0.75, 0.25]
    expected = math.exp(-sum(value * math.log(value) for value in p))
    assert book.perplexity(torch.tensor([[0, 0, 0, 5]])).item() == pytest.approx(expected)


def test_no_gradient_reaches_the_codebook() -> None:
    book = Codebook(4, 2, 0.9, 0.0)
    assert list(book.parameters()) == []
    z = torch.randn(3, 2, 2, requires_grad=True)
    assert not book(z)[1].requires_grad
