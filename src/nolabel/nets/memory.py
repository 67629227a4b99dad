"""A queue of the newest embeddings, to compare with more samples than a batch holds (He et al. 2020, MoCo).

Knows nothing of losses; over processes, who pushes the rows of all of them keeps the same queue in each.
"""

from typing import final

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from nolabel.nets.pieces import Pieces


@final
class Queue(nn.Module):
    """A ring of K rows of width D: the newest replace the oldest. All of it is in the state dict.

    Beside each row stands its owner: the number of the sample that it is of, -1 if it was not said.

    Parameters
    ----------
    size, width
        K and D.
    """

    rows: Tensor
    owner: Tensor
    at: Tensor
    filled: Tensor

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.register_buffer("rows", F.normalize(torch.randn(size, width), dim=1))
        self.register_buffer("owner", torch.full((size,), -1))
        self.register_buffer("at", torch.zeros((), dtype=torch.int64))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))
        self._noticed: Pieces[tuple[Tensor, Tensor | None]] = Pieces()
        self._read: tuple[Tensor, int, int] | None = None  # `filled`, its version, and its value then

    @torch.no_grad()
    def push(self, z: Float[Tensor, "B D"], owner: Int[Tensor, "B"] | None = None) -> None:
        """Put rows into the ring, in order; of more than K, the last K stay."""
        size = len(self.rows)
        place = ((self.at + torch.arange(len(z), device=z.device)) % size)[-size:]
        self.rows[place] = z[-size:].to(self.rows.dtype)
        self.owner[place] = -1 if owner is None else owner[-size:].to(self.owner.device)
        self.at.copy_((self.at + len(z)) % size)
        held = min(self._held() + len(z), size)
        self.filled.fill_(held)
        self._read = self.filled, self.filled._version, held

    def _held(self) -> int:
        """`filled` as a number; read anew only when others have written it, for that waits for all a GPU has to do."""
        if self._read is None or self._read[0] is not self.filled or self._read[1] != self.filled._version:
            self._read = self.filled, self.filled._version, int(self.filled)
        return self._read[2]

    def notice(self, z: Float[Tensor, "B D"], piece: int, owner: Int[Tensor, "B"] | None = None) -> None:
        """Keep the rows of a step's piece until `take_in`.

        The first piece (0) begins anew: a step that failed took nothing in, and what was noticed in it is forgotten.
        """
        self._noticed.note((z.detach(), owner), piece)

    def take_in(self) -> None:
        """Push what was noticed; once the step is done."""
        for z, owner in self._noticed.take():
            self.push(z, owner)

    def candidates(self) -> Float[Tensor, "K D"]:
        """The rows that have been pushed, in the order of the ring: (filled, D). Not to be changed in place."""
        return self.rows[: self._held()]

    def not_of(self, owner: Int[Tensor, "B"]) -> Bool[Tensor, "B K"]:
        """Whether each of `candidates` is of another sample than each of these: (B, filled)."""
        return owner.to(self.owner.device)[:, None] != self.owner[: self._held()]

    def share_filled(self) -> Float[Tensor, ""]:
        """The fraction of the ring that has been filled."""
        return self.filled / len(self.rows)
