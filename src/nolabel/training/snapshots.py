"""Samples of the same few latents at moments of training: what a generator made of them, and when.

    RUN/snapshots/step-0000000040.safetensors        the samples; in its header the step and the epoch

The moments lie the farther apart the later, by their squares, for samples change most in the beginning. What is
kept is a function of the weights and the seed alone: a run that is gone on with writes again what it has written.
Nothing is pickled. Knows no method: what makes samples is given.
"""

import contextlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from nolabel.randomness import mix
from nolabel.training.checkpoint import write_whole
from nolabel.types import DataSpec, to_network

MOMENTS = 8
PICTURES, ROWS = 12, 256  # samples kept at each: of images, and of tables
MOST_VALUES = 2**20  # of them, at most
_SEED = 101  # apart from all other draws of a run
_PART = 64  # samples made at a time


@dataclass(frozen=True)
class Album:
    """What makes samples, and where some are kept.

    draw: how many, and a generator, to network values (N, *shape).  spec: what a sample looks like.  folder: where
    snapshots go; None keeps none.
    """

    draw: Callable[[int, torch.Generator], Tensor]
    spec: DataSpec
    folder: Path | None = None

    @torch.no_grad()
    def samples(self, count: int, seed: int, device: torch.device) -> Tensor:
        """`count` samples, the same latents for the same seed."""
        generator = torch.Generator(device).manual_seed(mix(seed, _SEED))
        parts = [min(_PART, count - done) for done in range(0, count, _PART)]
        return torch.cat([self.draw(part, generator).float() for part in parts])

    def keep(self, step: int, epoch: float, seed: int, device: torch.device) -> None:
        """Write the snapshot of this step.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        if self.folder is None or self.spec.modality == "text":
            return
        values = self.samples(_count(self.spec), seed, device).cpu()
        if self.spec.modality != "table" and self.spec.values == "unit":
            values = (255 * values.clamp(0, 1)).round().to(torch.uint8)
        header = {"facts": json.dumps({"step": step, "epoch": epoch})}
        content = safetensors.torch.save({"samples": values.contiguous()}, header)
        write_whole(self.folder / f"step-{step:010d}.safetensors", content, "go on with resume")


@dataclass(frozen=True)
class Snapshot:
    """What was made at one moment: after how many steps and epochs; network values (N, *shape)."""

    step: int
    epoch: float
    values: Tensor


def moments(whole: int) -> frozenset[int]:
    """Which of `whole` steps (or epochs) are moments: the last, and those at the squares of eighths before it."""
    return frozenset(math.ceil(whole * (part / MOMENTS) ** 2) for part in range(1, MOMENTS + 1))


def kept(folder: Path) -> list[Snapshot]:
    """The snapshots in a folder, first to last; what cannot be read is left out."""
    found = []
    for path in sorted(folder.glob("step-*.safetensors")):
        with contextlib.suppress(SafetensorError, OSError, LookupError, TypeError, ValueError, RecursionError):
            with safe_open(path, framework="pt") as file:
                facts: dict[str, Any] = json.loads((file.metadata() or {})["facts"])
                values = to_network(file.get_tensor("samples"))
            found.append(Snapshot(int(facts["step"]), float(facts["epoch"]), values))
    return found


def _count(spec: DataSpec) -> int:
    wanted = ROWS if spec.modality == "table" else PICTURES
    return max(1, min(wanted, MOST_VALUES // spec.width))
