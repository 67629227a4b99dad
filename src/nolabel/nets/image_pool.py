"""A pool of images made earlier, so that a discriminator sees what the generator made of late, not only right now.

After Shrivastava et al. 2017 (arXiv:1612.07828), as CycleGAN has it: an image that comes is handed on as it is; once
the pool is full, at evens, it takes the place of one in it, and that one is handed on. All of it is in the state dict.
Over processes, each keeps the same pool. Knows nothing of players.
"""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nolabel.nets.sync import offset
from nolabel.randomness import Draws


@final
class ImagePool(nn.Module):
    """At most `size` images (C, H, W); of size 0 it hands on all that comes.

    Parameters
    ----------
    size
        Images in it.
    shape
        (C, H, W).
    """

    images: Tensor
    filled: Tensor

    def __init__(self, size: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def exchange(self, new: Float[Tensor, "B C H W"], draws: Draws) -> Float[Tensor, "B C H W"]:
        """As many images as come, each new or from the pool; it changes."""
        size = len(self.images)
        if size == 0:
            return new
        everyones = draws.everyones(new)
        held, count = int(self.filled), len(everyones)
        evens = draws.shared_integers(2, count).tolist()
        places = draws.shared_integers(size, count).tolist()
        slots, given = list(range(held)), []  # numbers below `size` are of images in the pool, the rest of new ones
        for number, (stays, place) in enumerate(zip(evens, places), start=size):
            if len(slots) < size:
                slots.append(number)
                given.append(number)
            elif stays:
                given.append(number)
            else:
                given.append(slots[place])
                slots[place] = number
        both = torch.cat([self.images, everyones])
        self.images[: len(slots)] = both[slots]
        self.filled.fill_(len(slots))
        first = offset(len(new))
        return both[given[first : first + len(new)]]
