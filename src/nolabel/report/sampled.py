"""What a model that makes samples has made, for the page: over training, beside the data, beside the nearest of them.

For pictures, clips and tables, of any `Sampler`; of a `Generator` also ways from one sample to another, and along
directions of its latents. It knows models by these types only.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nolabel.data import source
from nolabel.data.dataset import Dataset
from nolabel.data.named import NAMES, split_name
from nolabel.data.recipe_columns import column_names
from nolabel.errors import NolabelError
from nolabel.evaluation.latent_directions import latent_directions
from nolabel.evaluation.nearest_data import Nearest as Found
from nolabel.evaluation.nearest_data import nearest_data
from nolabel.evaluation.splits import some_rows
from nolabel.methods._generator import Generator, way
from nolabel.objectives.copies import AMONG_NEW
from nolabel.report.content import Clouds, Generated, Measure, Nearest, Pictures, Rows, Strips
from nolabel.report.decoded import MOST_COLUMNS, resting
from nolabel.report.looks import is_seen, network_values, pixels, restored_texts
from nolabel.report.numbers import number
from nolabel.training.snapshots import Snapshot, kept
from nolabel.types import DataSpec

PICTURES, TABLE_ROWS = 24, 6  # of the data, beside as many samples
NEAREST = 12  # samples shown beside the nearest data, of images; of tables half as many
COMPARED = 128  # samples that are held against the data
MOST_VALUES = 2**28  # of the data that they are held against; of more, a part is
_ROWS, _STEPS = 3, 10  # ways from sample to sample
_DIRECTIONS, _FARTHEST = 6, 3.0  # and along directions, in standard deviations of a latent
_POINTS = 500  # of the data in a cloud
_MOMENTS = 10  # snapshots shown


@dataclass(frozen=True)
class Made:
    """What is looked at: the model, the data it is held against, and features of some of these, if it has any.

    model: a `Sampler`.  data: all of the data.  part, codes: some, and the codes (n, L) of them, or None.  run: the
    run folder, if there is one.  seed: of all draws.
    """

    model: Any
    data: Dataset
    part: Dataset
    codes: NDArray[np.float32] | None
    run: Path | None
    seed: int

    @property
    def spec(self) -> DataSpec:
        """What a sample looks like."""
        return self.data.spec

    @property
    def is_picture(self) -> bool:
        """Whether samples are shown as pixels."""
        return is_seen(self.spec)


def generated(made: Made) -> tuple[Generated, float]:
    """What is shown, and the share of samples that are copies of the data, by their values."""
    ways: dict[str, Any] = {}
    if isinstance(made.model, Generator) and made.is_picture:
        ways = {"between": _between(made), "directions": _directions(made)}
    moments = [] if made.run is None else _fitting(kept(made.run / "snapshots"), made.spec)
    if moments:
        ways["film" if made.is_picture else "clouds"] = (_film if made.is_picture else _clouds)(made, moments)
    nearest, copied = _nearest(made)
    return Generated(data=_real(made), nearest=nearest, **ways), copied


# --- data and samples ------------------------------------------------------------------------------------------------


def _real(made: Made) -> Pictures | Rows:
    """As many of the data as there are new samples, drawn at random."""
    count = PICTURES if made.is_picture else TABLE_ROWS
    part = made.data.subset(some_rows(len(made.data), count, made.seed, 31))
    ids = [str(name) for name in part.ids]
    return _shown(made.spec, "Drawn at random from the data", ids, [("data", network_values(part))])


def _shown(spec: DataSpec, caption: str, ids: list[str], versions: list[tuple[str, Tensor]]) -> Pictures | Rows:
    if is_seen(spec):
        return Pictures(caption, ids, [(name, pixels(values)) for name, values in versions])
    names = column_names(spec)[:MOST_COLUMNS]
    written = [(name, [row[:MOST_COLUMNS] for row in restored_texts(spec, values)]) for name, values in versions]
    return Rows(caption, ids, names, written)


def _samples(made: Made, count: int, purpose: int) -> Tensor:
    """New samples, as network values on the CPU."""
    learner = made.model.learner_
    generator = torch.Generator(_device(learner)).manual_seed(made.seed + purpose)
    with torch.no_grad(), resting(learner):
        values: Tensor = learner.sample(count, generator).float().cpu()
    return values


def _device(learner: torch.nn.Module) -> torch.device:
    return next((parameter.device for parameter in learner.parameters()), torch.device("cpu"))


# --- over training ---------------------------------------------------------------------------------------------------


def _fitting(snapshots: list[Snapshot], spec: DataSpec) -> list[Snapshot]:
    """Those of samples like these, thinned evenly to as many as can be shown; the first and the last stay."""
    found = [one for one in snapshots if tuple(one.values.shape[1:]) == spec.shape]
    places = np.linspace(0, len(found) - 1, min(_MOMENTS, len(found))).round().astype(int)
    return [found[place] for place in places]


def _film(made: Made, moments: list[Snapshot]) -> Strips:
    least = min(len(one.values) for one in moments)
    return Strips(
        "The same latents at moments of training, from the first to the last.",
        [_when(one) for one in moments],
        [f"step {one.step:,}" for one in moments],
        ("", ""),
        np.stack([pixels(one.values[:least]) for one in moments]),
    )


def _when(one: Snapshot) -> str:
    epochs = f"{one.epoch:.2g}" if one.epoch < 10 else f"{one.epoch:,.0f}"
    return f"epoch {epochs}"


def _clouds(made: Made, moments: list[Snapshot]) -> Clouds:
    """Points of data and samples on the two columns that there are, or on the data's principal axes."""
    rows = some_rows(len(made.data), 4 * _POINTS, made.seed, 32)
    real = network_values(made.data.subset(rows)).flatten(1)
    middle, axes, how = _axes(made.spec, real)
    drawn = [(_when(one), ((one.values.flatten(1) - middle) @ axes).numpy()) for one in moments]
    return Clouds(how, ((real - middle) @ axes).numpy()[:_POINTS], drawn)


def _axes(spec: DataSpec, real: Tensor) -> tuple[Tensor, Tensor, str]:
    """The middle (D,), two axes (D, 2), and what they are."""
    if spec.width == 2:
        names = column_names(spec)
        across, up = names if len(names) == 2 else ("first value", "second value")
        return torch.zeros(2), torch.eye(2), f"Across: {across}; up: {up}."
    middle = real.mean(0)
    _, _, rows = torch.linalg.svd((real - middle).double(), full_matrices=False)
    rows = torch.cat([rows, torch.zeros(max(0, 2 - len(rows)), spec.width, dtype=rows.dtype)])[:2]
    signs = rows.gather(1, rows.abs().argmax(1, keepdim=True)).sign()
    return middle, (rows * signs).float().T, "On the first two principal axes of the data."


# --- copies ----------------------------------------------------------------------------------------------------------


def _nearest(made: Made) -> tuple[Nearest | None, float]:
    """The samples that look most like copies, beside the data that they are nearest to; by values and by features."""
    data = made.data if len(made.data) * made.spec.width <= MOST_VALUES else made.part
    if len(data) < 3:
        return None, 0.0
    samples, real = _samples(made, COMPARED, 1), network_values(data)
    held_out = _held_out(made)
    known = None if held_out is None else network_values(held_out).flatten(1)
    by_values = nearest_data(samples.flatten(1), real.flatten(1), known)
    first = np.argsort(by_values.ratios, kind="stable")[: NEAREST if made.is_picture else NEAREST // 2]
    versions = [("sample", samples[first]), (f"nearest by {_values(made)}", real[by_values.rows[first]])]
    by_features = _by_features(made, samples)
    if by_features is not None:
        rows = by_features.rows[first]
        versions.append(("nearest by features", network_values(made.part.subset(rows))))
    usual = by_values.usual or 1.0
    ids = [_of_usual(distance / usual) for distance in by_values.distances[first].tolist()]
    told = "below" if made.is_picture else "above"
    caption = (
        f"The {len(first)} of {len(samples)} samples that look most like copies; {told} each, how far the nearest is, "
        "of the usual distance"
    )
    shown = _shown(made.spec, caption, ids, versions)
    return Nearest(shown, _told(made, data, by_values, by_features, held_out)), by_values.copied


def _of_usual(ratio: float) -> str:
    return f"{ratio:.0%}" if ratio < 10 else f"{ratio:,.0f} ×"


def _values(made: Made) -> str:
    return "pixels" if made.is_picture else "values"


def _by_features(made: Made, samples: Tensor) -> Found | None:
    """The same by the model's own codes, among the data of which they are at hand."""
    if made.codes is None or len(made.codes) < 3 or not np.isfinite(made.codes).all():
        return None
    learner = made.model.learner_
    with torch.no_grad(), resting(learner):
        codes = learner.encode(samples.to(_device(learner))).float().cpu()
    return nearest_data(codes, torch.from_numpy(made.codes)) if bool(torch.isfinite(codes).all()) else None


def _held_out(made: Made) -> Dataset | None:
    """Some of the test split of a named data set, if there is one at hand."""
    known, split = split_name(made.data.name)
    if known not in NAMES or split not in (None, "train") or "test" not in NAMES[known].samples:
        return None
    try:
        test = source.open(known, split="test", spec=made.spec, **made.model._later())
    except NolabelError:
        return None
    return test.subset(some_rows(len(test), COMPARED, made.seed, 33))


def _told(
    made: Made, data: Dataset, by_values: Found, by_features: Found | None, held: Dataset | None
) -> list[Measure]:
    among = f"{len(data):,} {'images' if made.is_picture else 'rows'}"
    explained = (
        f"Samples as much nearer to one of {among} than to any other as {AMONG_NEW:.0%} of new ones would be, by "
        f"{_values(made)}; far more than {AMONG_NEW:.0%}: copies."
    )
    usual = (
        "from each of the data to the nearest other"
        if held is None
        else f"from {len(held):,} samples of the test split, which were not trained on"
    )
    median = float(np.median(by_values.distances))
    told = [
        Measure("Copies", f"{by_values.copied:.0%}", explained),
        Measure(
            "Distance to the nearest",
            number(median),
            f"Median, by {_values(made)}; usual is {number(by_values.usual)}, {usual}. Copies are far nearer; a blur "
            "is near to much.",
        ),
    ]
    if by_features is None:
        return told
    how = f"The same by the model's own features, among {len(made.part):,}."
    return [*told, Measure("Copies by features", f"{by_features.copied:.0%}", how)]


# --- ways through the latents ----------------------------------------------------------------------------------------


def _between(made: Made) -> Strips:
    """From one sample to another, and on."""
    learner = made.model.learner_
    generator = torch.Generator(_device(learner)).manual_seed(made.seed + 2)
    ends = learner.latents(2 * _ROWS, generator)
    ways = torch.cat([way(ends[row], ends[row + 1], learner.latent, _STEPS) for row in range(0, 2 * _ROWS, 2)])
    return Strips(
        "Each row goes from one sample to another along a great circle of the latents. A generator that has understood "
        "the data passes through good samples on its way; one that knows them by heart jumps.",
        [str(row + 1) for row in range(_ROWS)],
        [""] * _ROWS,
        ("one sample", "another"),
        _drawn(made, ways, _ROWS),
    )


def _directions(made: Made) -> Strips | None:
    """One sample moved along each of the directions that change it most; None if they cannot be read."""
    learner = made.model.learner_
    try:
        found = latent_directions(made.model, min(_DIRECTIONS, learner.latent))
    except NolabelError:
        return None
    generator = torch.Generator(_device(learner)).manual_seed(made.seed + 3)
    start, count = learner.latents(1, generator), len(found.strengths)
    steps = torch.linspace(-_FARTHEST, _FARTHEST, _STEPS + 1, device=start.device)
    vectors = torch.from_numpy(found.vectors).to(start.device)
    latents = start.repeat(count, len(steps), 1)
    latents[..., : learner.latent] += steps[:, None] * vectors[:, None]
    strongest = float(found.strengths[0]) or 1.0
    return Strips(
        "One sample, moved along the directions of the latents that change the first layer's output most (SeFa, Shen & "
        "Zhou 2021): found without labels, so what each means is for you to see.",
        [str(place + 1) for place in range(count)],
        [f"{strength / strongest:.0%} as strong" if place else "strongest" for place, strength in _ranked(found)],
        (f"{number(-_FARTHEST, 0)} sd", f"+{_FARTHEST:.0f} sd"),
        _drawn(made, latents.flatten(0, 1), count),
    )


def _ranked(found: Any) -> list[tuple[int, float]]:
    return list(enumerate(found.strengths.tolist()))


def _drawn(made: Made, latents: Tensor, rows: int) -> NDArray[np.uint8]:
    """(rows, steps, H, W[, 3]) what is made of latents (rows * steps, L)."""
    learner = made.model.learner_
    with torch.no_grad(), resting(learner):
        values = torch.cat([learner.generate(part).float().cpu() for part in torch.split(latents, 64)])
    pictures = pixels(values)
    return pictures.reshape(rows, -1, *pictures.shape[1:])
