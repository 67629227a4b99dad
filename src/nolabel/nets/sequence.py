"""Nets over sequences of token numbers. Knows nothing of where tokens come from."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn


class TokenPrior(nn.Module):
    """p(k) = Π_t p(k_t | k_1 ... k_{t−1}) over sequences of token numbers, by a gated recurrent net (Cho et al. 2014).

    Parameters
    ----------
    vocabulary
        V, how many different tokens there are.
    width
        Units of the recurrent layer.
    """

    def __init__(self, vocabulary: int, width: int = 64) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.embed = nn.Embedding(vocabulary + 1, width)  # the last stands for "nothing yet"
        self.recur = nn.GRU(width, width, batch_first=True)
        self.read = nn.Linear(width, vocabulary)

    def negative_log(self, k: Int[Tensor, "B T"]) -> Float[Tensor, "B T"]:
        """−log p(k_t | k_1 ... k_{t−1}) in nats."""
        before = torch.cat([torch.full_like(k[:, :1], self.vocabulary), k[:, :-1]], 1)
        states, _ = self.recur(self.embed(before))
        return F.cross_entropy(self.read(states).transpose(1, 2), k, reduction="none")

    @torch.no_grad()
    def sample(self, count: int, length: int, generator: torch.Generator) -> Int[Tensor, "B T"]:
        """`count` sequences of `length` tokens."""
        token = torch.full((count, 1), self.vocabulary, device=generator.device)
        state, drawn = None, []
        for _ in range(length):
            output, state = self.recur(self.embed(token), state)
            p = self.read(output[:, 0]).softmax(1)
            token = torch.multinomial(p, 1, generator=generator)
            drawn.append(token)
        return torch.cat(drawn, 1)
