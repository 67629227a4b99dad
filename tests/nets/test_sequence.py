"""The prior over token numbers: it looks only back, is a distribution, and draws from it."""

import itertools

import torch

from nolabel.nets.sequence import TokenPrior


def test_probabilities_of_all_sequences_sum_to_one() -> None:
    prior = TokenPrior(3, 5)
    every = torch.tensor(list(itertools.product(range(3), repeat=4)))
    torch.testing.assert_close(torch.exp(-prior.negative_log(every).sum(1)).sum(), torch.tensor(1.0))


def test_a_token_depends_on_those_before_it_alone() -> None:
    prior = TokenPrior(6, 8)
    k = torch.randint(6, (2, 7))
    changed = k.clone()
    changed[:, 4:] = (changed[:, 4:] + 1) % 6
    before, after = prior.negative_log(k), prior.negative_log(changed)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.isclose(before[:, 4:], after[:, 4:]).any()


def test_samples_come_from_the_distribution() -> None:
    prior = TokenPrior(3, 5)
    drawn = prior.sample(4000, 2, torch.Generator().manual_seed(0))
    assert drawn.shape == (4000, 2)
    every = torch.tensor(list(itertools.product(range(3), repeat=2)))
    expected = torch.exp(-prior.negative_log(every).sum(1))
    counts = torch.stack([(drawn == pair).all(1).float().mean() for pair in every])
    torch.testing.assert_close(counts, expected.detach(), atol=0.03, rtol=0)
    again = prior.sample(4000, 2, torch.Generator().manual_seed(0))
    assert torch.equal(drawn, again)
