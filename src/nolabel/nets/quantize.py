"""A codebook that follows what is assigned to it (van den Oord et al. 2017, arXiv:1711.00937, appendix A.1).

    N_k ← γ N_k + (1 − γ) n_k,   m_k ← γ m_k + (1 − γ) Σ_{i: k_i = k} z_i,   e_k = m_k / N_k

Entries to which almost nothing falls are restarted on vectors of the last batch. Knows nothing of nets or losses.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from nolabel.nets.pieces import Pieces
from nolabel.nets.sync import gather, total
from nolabel.randomness import Draws


class Codebook(nn.Module):
    """K entries of width d, moved by running means instead of gradients.

    Parameters
    ----------
    size, width
        K and d.
    decay
        γ.
    restart_below
        Fraction of an even share of the running count below which an entry is restarted.
    """

    entries: Tensor
    counts: Tensor
    sums: Tensor
    placed: Tensor

    def __init__(self, size: int, width: int, decay: float, restart_below: float) -> None:
        super().__init__()
        self.decay = decay
        self.restart_below = restart_below
        self.register_buffer("entries", torch.randn(size, width))
        self.register_buffer("counts", torch.zeros(size))
        self.register_buffer("sums", torch.zeros(size, width))
        self.register_buffer("placed", torch.zeros((), dtype=torch.bool))
        self._noticed: Pieces[tuple[Tensor, Tensor]] = Pieces()

    def forward(self, z: Float[Tensor, "B P d"]) -> tuple[Int[Tensor, "B P"], Float[Tensor, "B P d"]]:
        """Numbers of the nearest entries, and the entries."""
        flat = z.detach().flatten(0, 1).float()
        distances = self.entries.square().sum(1) - 2 * flat @ self.entries.t()  # ‖z‖² is the same for all entries
        k = distances.argmin(1).view(z.shape[:2])
        return k, self.look_up(k)

    def look_up(self, k: Int[Tensor, "B P"]) -> Float[Tensor, "B P d"]:
        """The entries numbered k."""
        return self.entries[k]

    def perplexity(self, k: Int[Tensor, "B P"]) -> Float[Tensor, ""]:
        """Exp of the entropy of the entries' use in the batch: how many are in even use."""
        use = total(torch.bincount(k.flatten(), minlength=len(self.entries)).float())
        p = use / use.sum()
        return torch.exp(-torch.special.xlogy(p, p).sum())

    @torch.no_grad()
    def notice(self, z: Float[Tensor, "B P d"], k: Int[Tensor, "B P"], piece: int = 0) -> None:
        """Keep the vectors of a step's piece and their entries for the next `follow`; the first (0) begins anew."""
        self._noticed.note((z.detach().flatten(0, 1).float(), k.flatten()), piece)

    @torch.no_grad()
    def follow(self, draws: Draws) -> None:
        """Move every entry to its running mean, and restart the dead ones."""
        if not (noticed := self._noticed.take()):
            return
        vectors, k = (torch.cat(parts) for parts in zip(*noticed))
        n = torch.zeros_like(self.counts).index_add_(0, k, torch.ones_like(k, dtype=self.counts.dtype))
        m = torch.zeros_like(self.sums).index_add_(0, k, vectors)
        self.counts.lerp_(total(n), 1 - self.decay)
        self.sums.lerp_(total(m), 1 - self.decay)
        self._restart_dead(vectors, draws)
        counts = self.counts[:, None]
        # the count of an entry that is out of use and not restarted falls to 0: it stays where it is
        self.entries.copy_(torch.where(counts > 1e-20, self.sums / counts, self.entries))

    def _restart_dead(self, vectors: Tensor, draws: Draws) -> None:
        even = self.counts.sum() / len(self.counts)
        dead = (self.counts < self.restart_below * even) | ~self.placed  # all of them after the first batch
        self.placed.fill_(True)
        if not bool(dead.any()):
            return
        pool = gather(vectors)
        chosen = draws.shared_integers(len(pool), len(self.counts)).to(pool.device)[dead]
        self.counts[dead] = even
        self.sums[dead] = pool[chosen] * even
