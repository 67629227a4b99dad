"""Pairs of images as one data set: what is given, and behind its channels what is to be made of it.

    given (N, C, H, W), targets (N, D, H, W)  →  pairs (N, C + D, H, W)

*Matched*: two sources with names (folders, archives, lists of files) are matched by name, without the folders that all
of a side have in common and without suffixes such as .png; all else by place, and then there must be as many of each.
*Unmatched*: the i-th of the one stands beside the i-th of the other, and the shorter side begins again at its end.

The recipe of pairs holds both sides' specs, and so where the cut is. Whoever learned from pairs meets the given side
only: its spec, with the target's in its recipe. It knows no method.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nolabel.data import memory, source
from nolabel.data.dataset import Dataset
from nolabel.errors import BrokenFilesError, DataError, ModalityError
from nolabel.types import DataSpec, to_network

KIND = "pairs"
_SHOWN = 10
_PART = 1024  # samples copied at a time
_ALIKE = (
    "X and y are the same images: nothing but leaving them as they are can be learned. Give as y what is to be made of "
    "those in X"
)
_SUFFIX = re.compile(r"\.(png|jpe?g|webp|bmp|tiff?|gif|ppm|pgm|npy)$", re.IGNORECASE)


# --- specs -----------------------------------------------------------------------------------------------------------


def given_spec(spec: DataSpec) -> DataSpec:
    """The spec of what is given, with the target's in its recipe, of a spec of pairs; any other as it is."""
    if spec.recipe.get("source") != KIND:
        return spec
    given = _from_plain(spec.recipe["given"])
    return replace(given, recipe={**given.recipe, "target": spec.recipe["target"]})


def target_spec(spec: DataSpec) -> DataSpec:
    """The spec of what is to be made, out of the spec of what is given or of pairs."""
    return _from_plain(spec.recipe["target"])


def _pair_spec(given: DataSpec, target: DataSpec) -> DataSpec:
    own = {name: value for name, value in given.recipe.items() if name != "target"}
    recipe = {"source": KIND, "given": _plain(replace(given, recipe=own)), "target": _plain(target)}
    return DataSpec("image", (given.shape[0] + target.shape[0], *given.shape[1:]), "unit", recipe)


def _plain(spec: DataSpec) -> dict[str, Any]:
    """The spec as JSON would give it back."""
    return {**asdict(spec), "shape": list(spec.shape)}


def _from_plain(plain: Mapping[str, Any]) -> DataSpec:
    return DataSpec(plain["modality"], tuple(plain["shape"]), plain["values"], plain["recipe"])


# --- two sources -----------------------------------------------------------------------------------------------------


def open_targets(targets: Any, given: Dataset, options: Mapping[str, Any], spec: DataSpec | None = None) -> Dataset:
    """The targets as a data set, of the size of what is given.

    Parameters
    ----------
    targets
        Any source of images that `nolabel.open` takes, or a Dataset. Image files are brought to the size.
    given
        What stands beside them.
    options
        Of `nolabel.open`.
    spec
        Of targets that were learned from before.

    Raises
    ------
    DataError
        They are no images of that height and width.
    """
    try:
        found = source.open(targets, spec=spec, **options)
    except (BrokenFilesError, ModalityError):
        raise
    except DataError as error:
        raise DataError(f"the targets in y cannot be used: {error}") from error
    if found.spec.modality != "image":
        raise ModalityError(f"y must be images, the targets of those in X; {found!r} is of kind {found.spec.modality}")
    size = given.spec.shape[1], given.spec.shape[2]
    if found.spec.shape[1:] != size and found.spec.recipe.get("source") == "files" and not isinstance(targets, Dataset):
        found = source.open(targets, **{**options, "size": size})
    if found.spec.shape[1:] != size:
        own = " x ".join(map(str, found.spec.shape[1:]))
        raise DataError(
            f"the targets in y have {own} pixels, what is given in X has {size[0]} x {size[1]}: an image and its "
            "target must have the same height and width. Resize one side, or open files with size="
        )
    return found


def paired(given: Dataset, targets: Dataset, *, matched: bool) -> Dataset:
    """One data set of both; ids and labels are those of what is given.

    Raises
    ------
    DataError
        Names are unmatched (they are listed), there are not as many of each, or they fit into no memory.
    """
    rows = _matched(given, targets) if matched else _cycled(len(given), len(targets))
    spec = _pair_spec(given.spec, targets.spec)
    chosen = [int(row) for row in rows[0]]
    known = None if given.labels is None else given.labels[rows[0]]
    pairs = _side_by_side(given, targets, *rows, spec)
    alike = [_ALIKE] if _are_alike(pairs, given.spec.shape[0]) else []
    return Dataset(
        spec,
        pairs,
        given.ids if chosen == list(range(len(given))) else [given.ids[row] for row in chosen],
        labels=known,
        classes=given.classes,
        skipped=(*given.skipped, *targets.skipped),
        name=f"{given.name} → {targets.name}",
        notes=tuple(dict.fromkeys((*given.notes, *targets.notes, *alike))),
    )


def _are_alike(pairs: Tensor, cut: int) -> bool:
    """Whether each image of (N, C + D, H, W) stands beside itself."""
    return pairs.shape[1] == 2 * cut and all(
        torch.equal(part[:, :cut], part[:, cut:]) for part in torch.split(pairs, _PART)
    )


def _cycled(given: int, targets: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows = np.arange(max(given, targets))
    return rows % given, rows % targets


def _side_by_side(
    given: Dataset, targets: Dataset, rows: NDArray[np.int64], partners: NDArray[np.int64], spec: DataSpec
) -> Tensor:
    """Stored values of pairs; of uint8 if both sides are."""
    compact = all(one.rows(torch.tensor([0]))[0].dtype == torch.uint8 for one in (given, targets))
    kind = torch.uint8 if compact else torch.float32
    size = len(rows) * spec.width * kind.itemsize
    if size > memory.allowed_bytes() // 2:
        raise DataError(
            f"{len(rows):,} pairs of {spec.shape[1]} x {spec.shape[2]} pixels take {size / 2**30:.1f} GiB, and pairs "
            "are held in memory; open both sides with a smaller size="
        )
    pairs = torch.empty(len(rows), *spec.shape, dtype=kind)
    cut = given.spec.shape[0]
    for side, index, place in ((given, rows, slice(0, cut)), (targets, partners, slice(cut, None))):
        for start in range(0, len(index), _PART):
            stored, _ = side.rows(torch.from_numpy(index[start : start + _PART]))
            pairs[start : start + _PART, place] = stored if compact else to_network(stored)
    return pairs


# --- who belongs to whom ---------------------------------------------------------------------------------------------


def _matched(given: Dataset, targets: Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of both sides, in the order of what is given."""
    rows = np.arange(len(given))
    if not (_has_names(given) and _has_names(targets)):
        if len(given) != len(targets):
            raise DataError(
                f"X has {len(given)} images and y has {len(targets)}, and they are matched by place: give one target "
                "for each image, or folders whose files have the same names"
            )
        return rows, rows
    names, others = _bare(given.ids), _bare(targets.ids)
    places = {name: row for row, name in enumerate(others)}
    alone, unused = [name for name in names if name not in places], sorted(places.keys() - set(names))
    if alone or unused:
        raise DataError(_unmatched(alone, unused, len(names)))
    return rows, np.asarray([places[name] for name in names])


def _has_names(data: Dataset) -> bool:
    return all(isinstance(name, str) for name in data.ids)


def _bare(ids: Sequence[str | int]) -> list[str]:
    """Names without the folders that all have in common, and without suffixes unless those tell two apart."""
    paths = [PurePath(str(name)) for name in ids]
    common = 0
    for parts in zip(*(path.parent.parts for path in paths)):
        if len(set(parts)) > 1:
            break
        common += 1
    whole = ["/".join(path.parts[common:]) for path in paths]
    short = [_SUFFIX.sub("", name) for name in whole]
    return whole if max(Counter(short).values()) > 1 else short


def _unmatched(alone: Sequence[str], unused: Sequence[str], total: int) -> str:
    parts = []
    sides = (alone, "image", "X without a target in y"), (unused, "target", "y without an image in X")
    for names, one, where in sides:
        if names:
            many = f"{one}s" if len(names) > 1 else one
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            parts.append(f"{len(names)} {many} in {where} ({', '.join(names[:_SHOWN])}{more})")
    return (
        f"names do not match: {'; '.join(parts)}; {total - len(alone)} do. Give the two files of a pair the same name, "
        "in two folders; or arrays, which are matched by place; or learn without pairs, by CycleGAN"
    )
