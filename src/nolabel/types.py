"""The few types that every room shares, and the one vocabulary of axis letters.

    B batch   C channels   H height   W width   T time or position   L latents or sequence length
    D features of a flat sample, or width of a code   K units, codes or classes   V vocabulary
    N all samples of a data set

Two spaces are spoken of throughout:

* *stored* values: compact, as a `Dataset` holds them (uint8 images, float32 tables, counts of words without their
  zeros);
* *network* values: float32, what losses and nets see. `to_network` is the only road from one to the other.

This file knows nothing of files, nets or training.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

# "audio" and "dna" join here, each with a file of its own in data/
Modality = Literal["image", "table", "text", "video"]


@dataclass(frozen=True)
class DataSpec:
    """What one sample looks like to a network, and the recipe that makes it so.

    A spec is learned from the training data, saved with the model, and applied to new raw data, so that `transform`
    treats tomorrow's rows exactly as `fit` treated today's.

    Parameters
    ----------
    modality
        Which room of `data/` made the samples.
    shape
        Shape of one sample in network space: `(C, H, W)` for images, `(C, T, H, W)` for clips, `(D,)` for tables,
        `(V,)` for texts: how often each word of the vocabulary occurs.
    values
        `"unit"` when every network value lies in [0, 1], so that a Bernoulli likelihood (`bce`) has a meaning;
        `"real"` otherwise.
    recipe
        Whatever the modality's room needs to encode raw data and to decode it again. Plain JSON, owned by that room.
    """

    modality: Modality
    shape: tuple[int, ...]
    values: Literal["unit", "real"]
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Number of values in one sample (D)."""
        width = 1
        for size in self.shape:
            width *= size
        return width

    def to_json(self) -> str:
        """The spec as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "DataSpec":
        """A spec from the text that `to_json` wrote."""
        raw = json.loads(text)
        return cls(raw["modality"], tuple(raw["shape"]), raw["values"], raw["recipe"])


@dataclass(frozen=True, slots=True)
class Batch:
    """Some samples, in network space and on the training device unless said otherwise.

    x: (B, *shape) float32; of layout `torch.sparse_csr` where the data are sparse and the learner counts.
    index: (B,) int64, row numbers in the data set.
    y: (B,) int64 class codes with -1 for "unknown", or None.  mask: (B, D) bool, True where observed, or None.
    """

    x: Tensor
    index: Tensor
    y: Tensor | None = None
    mask: Tensor | None = None

    def __len__(self) -> int:
        return self.x.shape[0]


@dataclass(frozen=True, slots=True)
class Losses:
    """What a learner returns for a batch.

    `parts` are scalars, weights applied, that *sum to the objective*; `signals` are scalars worth logging that do not
    enter it (codebook perplexity, accuracy, ...). Every part is a mean over the samples of the batch.
    """

    parts: dict[str, Tensor]
    signals: dict[str, Tensor] = field(default_factory=dict)

    @property
    def total(self) -> Tensor:
        """The objective: the sum of the parts."""
        parts = list(self.parts.values())
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total


def to_network(stored: Tensor) -> Tensor:
    """Stored values to network values: uint8 becomes float32 in [0, 1] (divided by 255), floats become float32.

    Sparse rows are float32 as they are read.
    """
    if stored.dtype == torch.uint8:
        return stored.to(torch.float32).mul_(1 / 255)
    return stored.to(torch.float32)
