"""What a model makes of codes, for the page: reconstructions, new samples, a walk along each dimension of the code.

It knows models by their types only: `Reconstructor` and `Sampler`, whose learners are a `Codec` and a `Draw`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nolabel.data.dataset import Dataset
from nolabel.data.recipe_columns import column_names, column_slices
from nolabel.methods._base import Reconstructor, Sampler
from nolabel.randomness import Draws
from nolabel.report.content import Pictures, Rows, Traversal
from nolabel.report.looks import is_seen, network_values, pixels, restored_texts, texts
from nolabel.types import DataSpec
from nolabel.views.roles import Corrupt

PICTURES, TABLE_ROWS = 12, 6  # samples shown side by side
MOST_COLUMNS = 60
_SAMPLES = 24
_DIMENSIONS, _STEPS, _FARTHEST = 8, 11, 3.0
_MOVED_COLUMNS = 4
_CHUNK = 1024  # codes decoded at a time


def rebuilt(
    model: Reconstructor, data: Dataset, codes: NDArray[np.float32], *, of: str, seed: int
) -> list[Pictures | Rows]:
    """Some samples over their reconstructions: drawn at random, and those that are hardest to rebuild.

    `codes` (n, L) are those of `data`; `of` names the samples that were looked at, for the caption.
    """
    count = PICTURES if is_seen(data.spec) else TABLE_ROWS
    drawn = np.random.default_rng(seed).permutation(len(data))[:count]
    hardest = np.argsort(model.score_samples(data), kind="stable")[:count]
    explained = _explained(data, decode(model, codes)) if data.spec.modality == "table" else ()
    shown = [_versions(model, data.subset(drawn), "Drawn at random", explained, seed, damage=True)]
    if len(data) > count:
        shown.append(_versions(model, data.subset(hardest), f"Hardest to rebuild, of {of}", (), seed, damage=False))
    return shown


def drawn_samples(model: Sampler, spec: DataSpec, *, seed: int) -> Pictures | Rows:
    """New samples."""
    learner: Any = model.learner_  # type: ignore[attr-defined]
    count = _SAMPLES if is_seen(spec) else TABLE_ROWS
    with torch.no_grad(), resting(learner):
        generator = torch.Generator(_device(learner)).manual_seed(seed)
        values = learner.sample(count, generator).float().cpu()
    ids = [f"new {place}" for place in range(1, count + 1)]
    if is_seen(spec):
        return Pictures(f"{count} new samples.", ids, [("sample", pixels(values))])
    return _rows(f"{count} new rows", ids, spec, [("sample", restored_texts(spec, values))])


def traversal(model: Reconstructor, data: Dataset, codes: NDArray[np.float32]) -> Traversal | None:
    """What each of the most active dimensions of the code does, or None when no dimension varies."""
    spread = codes.std(axis=0)
    active = [int(place) for place in np.argsort(-spread, kind="stable")[:_DIMENSIONS] if spread[place] > 0]
    if not active:
        return None
    image = is_seen(data.spec)
    steps = np.linspace(-_FARTHEST, _FARTHEST, _STEPS if image else 2)
    start = int(((codes - codes.mean(axis=0)) ** 2).sum(axis=1).argmin())
    path = np.tile(codes[start], (len(active), len(steps), 1))
    for row, place in enumerate(active):
        path[row, :, place] += steps * spread[place]
    values = decode(model, path.reshape(-1, codes.shape[1]))
    return Traversal(
        dimensions=active,
        spread=[float(spread[place]) for place in active],
        steps=steps.tolist(),
        start=f"The walk starts from sample {data.ids[start]}, whose code is nearest to the mean.",
        pictures=_grid(pixels(values), len(active)) if image else None,
        changes=() if image else _changes(data.spec, values.reshape(len(active), 2, -1)),
    )


@torch.no_grad()
def decode(model: Reconstructor, codes: NDArray[np.float32]) -> Tensor:
    """Codes (n, L) to network values (n, *shape), on the CPU."""
    learner: Any = model.learner_
    device, tensor = _device(learner), torch.from_numpy(codes)
    with resting(learner):
        starts = range(0, len(tensor), _CHUNK)
        parts = [learner.decode(tensor[start : start + _CHUNK].to(device)).float().cpu() for start in starts]
    return torch.cat(parts)


@contextmanager
def resting(learner: nn.Module) -> Iterator[None]:
    """Evaluation mode inside the block, every module's training flag as it was after it."""
    was = [(module, module.training) for module in learner.modules()]
    learner.eval()
    try:
        yield
    finally:
        for module, training in was:
            module.training = training


def _device(learner: nn.Module) -> torch.device:
    return next((parameter.device for parameter in learner.parameters()), torch.device("cpu"))


def _grid(pictures: NDArray[np.uint8], rows: int) -> NDArray[np.uint8]:
    return pictures.reshape(rows, -1, *pictures.shape[1:])


def _versions(
    model: Reconstructor, part: Dataset, caption: str, explained: Sequence[float | None], seed: int, *, damage: bool
) -> Pictures | Rows:
    original = network_values(part)
    role = _damage_of(model) if damage else None
    seen = original if role is None else role(original, Draws(seed, 0))
    versions = [("original", original), *([] if role is None else [("damaged input", seen)])]
    versions.append(("reconstruction", _round_trip(model, seen)))
    ids = [str(name) for name in part.ids]
    if is_seen(part.spec):
        return Pictures(caption, ids, [(name, pixels(values)) for name, values in versions])
    written = [("original", texts(part)), *((name, restored_texts(part.spec, each)) for name, each in versions[1:])]
    return _rows(caption, ids, part.spec, written, explained)


def _damage_of(model: Reconstructor) -> Corrupt | None:
    """The damage that a denoiser learned to undo: a learner that holds the role `Corrupt` is one."""
    return next((value for value in vars(model.learner_).values() if isinstance(value, Corrupt)), None)


@torch.no_grad()
def _round_trip(model: Reconstructor, values: Tensor) -> Tensor:
    learner: Any = model.learner_
    with resting(learner):
        rebuilt_values: Tensor = learner.decode(learner.encode(values.to(_device(learner))))
    return rebuilt_values.float().cpu()


def _rows(
    caption: str,
    ids: Sequence[str],
    spec: DataSpec,
    versions: Sequence[tuple[str, Sequence[Sequence[str]]]],
    explained: Sequence[float | None] = (),
) -> Rows:
    names = column_names(spec)
    if len(names) > MOST_COLUMNS:
        caption += f" (first {MOST_COLUMNS} of {len(names):,} columns)"
    cut = [(version, [row[:MOST_COLUMNS] for row in rows]) for version, rows in versions]
    return Rows(caption, ids, names[:MOST_COLUMNS], cut, explained[:MOST_COLUMNS])


def _explained(data: Dataset, rebuilt_values: Tensor) -> list[float | None]:
    """Share of each column's variance that the reconstruction keeps, over observed values; None for constant ones."""
    original = network_values(data)
    seen = torch.ones_like(original) if data.mask is None else data.mask.float()
    mean = (original * seen).sum(0) / seen.sum(0).clamp(min=1)
    total = ((original - mean).square() * seen).sum(0)
    lost = ((original - rebuilt_values).square() * seen).sum(0)
    shares = []
    for where in column_slices(data.spec):
        whole = float(total[where].sum())
        shares.append(1 - float(lost[where].sum()) / whole if whole > 0 else None)
    return shares


def _changes(spec: DataSpec, ends: Tensor) -> list[list[tuple[str, str, str]]]:
    """For each dimension, the columns that move most between its ends (dimensions, 2, D), in network space."""
    names, places = column_names(spec), column_slices(spec)
    changes = []
    for low, high in ends:
        moved = [float((high[where] - low[where]).norm()) for where in places]
        first, last = restored_texts(spec, torch.stack([low, high]))
        most = sorted(range(len(names)), key=lambda column: -moved[column])[:_MOVED_COLUMNS]
        changes.append([(names[column], first[column], last[column]) for column in most])
    return changes
