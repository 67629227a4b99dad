"""`Stack`: stages applied one after the other, whose outputs can be looked at.

Every encoder and decoder of the autoencoder family is a Stack, so that a layer-wise loss, greedy pre-training and tied
weights need to know nothing of whether a stage is a matrix or a convolution.
"""

from collections.abc import Sequence

from torch import Tensor, nn


class Stack(nn.Module):
    """`entry`, then the stages in order, then `exit`; entry and exit only reshape.

    Parameters
    ----------
    stages
        The layers, activations included.
    entry, exit
        Modules without weights that bring data to the first stage's shape, and the last stage's output to the data's.
    """

    def __init__(self, stages: Sequence[nn.Module], entry: nn.Module | None = None, exit: nn.Module | None = None):
        super().__init__()
        self.entry = entry or nn.Identity()
        self.stages = nn.ModuleList(stages)
        self.exit = exit or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """The whole stack."""
        x = self.entry(x)
        for stage in self.stages:
            x = stage(x)
        return self.exit(x)  # type: ignore[no-any-return]

    def trace(self, x: Tensor) -> list[Tensor]:
        """Output of every stage, first to last; `exit` is applied to the last."""
        outputs = []
        x = self.entry(x)
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        outputs[-1] = self.exit(outputs[-1])
        return outputs
