"""A folder's pictures at their own sizes, those of one size together: for what shall come back as large as it came.

`nolabel.open` brings pictures of mixed sizes to one, as training needs them. It knows no model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from nolabel.cli import speech
from nolabel.errors import ArgumentError, BrokenFilesError, DataError, Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHOWN = 10
Size = tuple[int, int]


@final
@dataclass(frozen=True)
class Group:
    """Pictures of one size: their names in the folder, without and with it."""

    size: Size
    names: Sequence[str]
    paths: Sequence[str]


def groups(place: Path, part: int, *, skip: bool) -> list[Group]:
    """The pictures in a folder and below it, or the one in a file, by size, at most `part` together.

    Raises
    ------
    DataError
        There are none.
    BrokenFilesError
        Some cannot be read, and are not to be skipped; else they are said.
    """
    folder, names = (place.parent, [place.name]) if place.is_file() else (place, _pictures_in(place))
    sizes, broken = _sizes(folder, names)
    if broken:
        _tell(broken, len(names), skip=skip and len(broken) < len(names))
    found: dict[Size, list[str]] = {}
    for name, size in sizes.items():
        found.setdefault(size, []).append(name)
    cuts = [(size, own[start : start + part]) for size, own in found.items() for start in range(0, len(own), part)]
    return [Group(size, some, [str(folder / name) for name in some]) for size, some in cuts]


def is_place(source: str) -> bool:
    """Whether a source is a folder, or the file of one picture."""
    from nolabel.data.pictures import SUFFIXES

    place = Path(source).expanduser()
    return place.is_dir() or (place.is_file() and place.suffix.lower() in SUFFIXES)


def _pictures_in(folder: Path) -> list[str]:
    from nolabel.data.files import listed
    from nolabel.data.pictures import SUFFIXES

    names = listed(str(folder), SUFFIXES).names
    if not names:
        raise DataError(f"no pictures found in {folder}; name a folder of image files")
    return names


def _sizes(folder: Path, names: Sequence[str]) -> tuple[dict[str, Size], list[Problem]]:
    from nolabel.data.pictures import look, why_unreadable

    sizes, broken = {}, []
    for name in names:
        try:
            facts = look((folder / name).read_bytes())
            sizes[name] = facts.height, facts.width
        except Exception as error:  # Pillow's readers raise errors of many types
            broken.append(Problem(name, why_unreadable(error)))
    return sizes, broken


def _tell(broken: Sequence[Problem], total: int, *, skip: bool) -> None:
    listed = [f"  {problem.where}: {problem.why}" for problem in broken[:_SHOWN]]
    more = [f"  and {len(broken) - _SHOWN} more"] if len(broken) > _SHOWN else []
    said = "\n".join([f"{len(broken)} of {total} pictures cannot be read:", *listed, *more])
    if not skip:
        raise BrokenFilesError(f"{said}\nRepair or remove them", broken)
    speech.remark(said)


def read(group: Group, channels: int, *, skip: bool) -> tuple[list[str], "NDArray[np.uint8]"]:
    """Names and pixels (N, H, W, channels) of the pictures of a group; those that cannot be read are said and left out.

    Raises
    ------
    BrokenFilesError
        Some cannot be read, and are not to be skipped.
    """
    import numpy as np

    from nolabel.data.pictures import Plan, decode, why_unreadable

    plan = Plan(channels, *group.size, resize=False, convert=True)
    found, broken = {}, []
    for name, path in zip(group.names, group.paths):
        try:
            found[name] = decode(Path(path).read_bytes(), plan).reshape(*group.size, channels)
        except Exception as error:  # Pillow's decoders raise errors of many types
            broken.append(Problem(name, why_unreadable(error)))
    if broken:
        _tell(broken, len(group.names), skip=skip)
    return list(found), np.array(list(found.values()), dtype=np.uint8).reshape(-1, *group.size, channels)


# --- masks -----------------------------------------------------------------------------------------------------------


def masks_of(found: Sequence[Group], masks: Path) -> dict[str, Path]:
    """The mask of each picture, by its name: that of the same name in the folder `masks`, or the one file for all.

    Raises
    ------
    ArgumentError
        There is no such folder or file.
    DataError
        A picture has no mask, or one of another size; the first ten are named.
    """
    if not masks.exists():
        raise ArgumentError(f"--mask: there is no folder or file {masks}")
    sizes = {name: one.size for one in found for name in one.names}
    paths = _named_alike(list(sizes), masks)
    own = {path: _size_of(path) for path in set(paths.values())}
    unlike = [name for name, size in sizes.items() if own[paths[name]] != size]
    _refuse(unlike, "have another size than their mask")
    return paths


def read_masks(names: Sequence[str], paths: Mapping[str, Path], size: Size) -> "NDArray[np.bool_]":
    """Where the pictures are missing (N, H, W), for their mask is at least half white there."""
    _, white = read(Group(size, names, [str(paths[name]) for name in names]), 1, skip=False)
    return white[..., 0] >= 128


def _named_alike(names: Sequence[str], masks: Path) -> dict[str, Path]:
    if masks.is_file():
        return dict.fromkeys(names, masks)
    by_stem = {_stem(name): masks / name for name in _pictures_in(masks)}
    lacking = [name for name in names if _stem(name) not in by_stem]
    _refuse(lacking, f"have no mask of the same name in {masks}")
    return {name: by_stem[_stem(name)] for name in names}


def _refuse(names: Sequence[str], why: str) -> None:
    if names:
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        raise DataError(f"--mask: {len(names)} pictures {why}: {shown}")


def _stem(name: str) -> str:
    return str(Path(name).with_suffix("")).casefold()


def _size_of(path: Path) -> Size:
    facts = _sizes(path.parent, [path.name])
    if facts[1]:
        raise DataError(f"--mask: {path} cannot be read: {facts[1][0].why}")
    return facts[0][path.name]
