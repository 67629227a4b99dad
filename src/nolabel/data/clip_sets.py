"""Raw clips -> `Dataset`: how many frames each clip has, which are taken, and what is done about those that do not fit.

    frames=None   all clips must have the same number of frames
    frames=T      the first T of each clip; shorter ones are refused, or left out with on_error="skip"
    a sequence    is cut into clips of T frames, one after the other; what is left over at its end is left out

With a spec that was learned before, T is what it says. A picture of a GIF that is shown k times as long as the shortest
one of the set counts as k frames, for whoever writes a GIF leaves out pictures that equal the one before. (In sets
whose GIFs have no such measure in common, each has its own.) Frames become pixels as image files do, by the rule in
`pictures`, and are kept in the same cache.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from nolabel.data import clips, decoded, memory
from nolabel.data.assembling import labels_of, put_together
from nolabel.data.cache import Entry
from nolabel.data.clip_frames import ClipFrames, durations, is_animated
from nolabel.data.dataset import Dataset
from nolabel.data.decoding import Progress, pillow_is_quiet
from nolabel.data.labels import Labels, from_folders
from nolabel.data.pictures import why_unreadable
from nolabel.data.raw import FramesOf, RawArray, RawFrames, RawImages
from nolabel.errors import ArgumentError, BrokenFilesError, DataError, Problem
from nolabel.types import DataSpec

_SHOWN = 10
_USUAL = 16  # frames of a clip
_TICK = 10  # milliseconds: what GIFs count in


@final
@dataclass(frozen=True)
class Wishes:
    """The arguments of `nolabel.open` that concern clips."""

    spec: DataSpec | None
    labels: object
    frames: int | None
    size: tuple[int, int] | None
    channels: int | None
    on_error: str
    cache: Path | None
    in_memory: bool | None
    progress: Progress | None


@final
@dataclass(frozen=True)
class _Clip:
    """A clip's name, and the file of each of its frames with the number of the picture in it."""

    name: str
    frames: Sequence[tuple[str, int]]

    def __len__(self) -> int:
        return len(self.frames)

    def part(self, name: str, start: int, stop: int) -> "_Clip":
        """Some of its frames, under another name."""
        return _Clip(name, self.frames[start:stop])


@final
@dataclass(frozen=True)
class _Taken:
    """Clips of T frames each, which of all that were found they are, and what is wrong with the others."""

    clips: Sequence[_Clip]
    rows: Sequence[int]
    total: int
    problems: Sequence[Problem]


def dataset(raw: RawArray | RawFrames, wishes: Wishes) -> Dataset:
    """The clips.

    Raises
    ------
    DataError
        Clips are of several lengths, too short, or not of the spec's size.
    BrokenFilesError
        Some files cannot be read.
    ArgumentError
        An argument does not fit these clips.
    ModalityError
        An array holds images.
    """
    if isinstance(wishes.labels, str):
        raise ArgumentError(f"labels={wishes.labels!r}: clips have no columns; pass one label for each clip")
    if wishes.spec is not None:
        clips.refuse_other_length(wishes.spec, wishes.frames)
    return _from_array(raw, wishes) if isinstance(raw, RawArray) else _from_files(raw, wishes)


def _from_array(raw: RawArray, wishes: Wishes) -> Dataset:
    how: dict[str, Any] = {"frames": wishes.frames, "channels_first": raw.channels_first}
    spec = wishes.spec or clips.learn(raw.values, **how)
    stored = clips.encode(raw.values, spec, **how)
    channels, _, *size = spec.shape
    if wishes.size not in (None, tuple(size)) or wishes.channels not in (None, channels):
        raise ArgumentError(
            f"size and channels are for clips in files; this array holds {clips.size(spec.shape)}: convert it first"
        )
    known = labels_of(raw, wishes.labels, len(stored))
    return put_together(spec, memory.settle(stored, wishes.in_memory), range(len(stored)), known, raw.name)


# --- what there is ---------------------------------------------------------------------------------------------------


def _found(raw: RawFrames, step: int | None) -> tuple[list[_Clip | Problem], int | None]:
    """All clips with all their frames, and the milliseconds of one where they are GIFs; `step` if those are known."""
    shown = [_shown(raw, clip) for clip in raw.clips]
    step = step or _common_step([one for one in shown if isinstance(one, list) and one])
    return [_whole(clip, one, step) for clip, one in zip(raw.clips, shown)], step


def _shown(raw: RawFrames, clip: FramesOf) -> list[int] | Problem:
    """How long each picture of a GIF is shown, nothing for frames in files of their own; or why nobody can tell."""
    if not is_animated(clip.files[0]):
        return []
    try:
        with pillow_is_quiet():
            return durations(raw.prefix + clip.files[0])
    except Exception as error:  # decoders meet damaged data with errors of any type
        return Problem(clip.name, why_unreadable(error))


def _common_step(shown: Sequence[list[int]]) -> int | None:
    """The shortest time for which a picture is shown, if all GIFs keep to it; GIFs count hundredths of a second."""
    shortest = [min(one) for one in shown]
    step = min(shortest, default=0)
    return step if step and all(abs(one - step * round(one / step)) <= _TICK for one in shortest) else None


def _whole(clip: FramesOf, shown: list[int] | Problem, step: int | None) -> _Clip | Problem:
    if isinstance(shown, Problem):
        return shown
    if not shown:
        return _Clip(clip.name, [(file, 0) for file in clip.files])
    own = step or min(shown)
    numbers = [number for number, time in enumerate(shown) for _ in range(max(1, round(time / own)))]
    return _Clip(clip.name, [(clip.files[0], number) for number in numbers])


# --- what is taken ---------------------------------------------------------------------------------------------------


def _from_files(raw: RawFrames, wishes: Wishes) -> Dataset:
    known = wishes.spec
    found, step = _found(raw, None if known is None else known.recipe.get("step"))
    frames = _frames(raw, found, wishes.frames if known is None else known.shape[1])
    taken = _of_sequence(raw, found[0], frames) if raw.sequence else _each(found, frames)
    if taken.problems and (wishes.on_error == "raise" or not taken.clips):
        raise BrokenFilesError(_said(taken.problems, taken.total), taken.problems)
    return _decoded(raw, taken, frames, step, wishes)


def _frames(raw: RawFrames, found: Sequence[_Clip | Problem], wanted: int | None) -> int:
    """T.

    Raises
    ------
    DataError
        It was not said, and cannot be told.
    """
    lengths = Counter(len(clip) for clip in found if isinstance(clip, _Clip))
    if wanted is not None or not lengths:  # where all are broken, whoever minds them says so
        return wanted or 1
    if raw.sequence:
        raise DataError(_one_sequence(raw.name, next(iter(lengths))))
    if len(lengths) > 1:
        raise DataError(_several(raw, found, lengths))
    return next(iter(lengths))


def _one_sequence(name: str, frames: int) -> str:
    own = "give each clip a folder or a .gif of its own"
    half = min(_USUAL, frames // 2)  # two clips are the fewest that can be learned from
    if half < 2:
        return f"{name} is one sequence of {frames} frames, too few to cut into clips that move: {own}"
    return f"{name} is one sequence of {frames} frames: say into how long clips to cut it, as frames={half}, or {own}"


def _several(raw: RawFrames, found: Sequence[_Clip | Problem], lengths: Counter[int]) -> str:
    first = {len(clip): clip.name for clip in reversed(found) if isinstance(clip, _Clip)}
    listed = [
        f"  {_counted(length)}: {first[length]}{f' and {lengths[length] - 1} more' if lengths[length] > 1 else ''}"
        for length in sorted(lengths)[:_SHOWN]
    ]
    more = [f"  and {len(lengths) - _SHOWN} more lengths"] if len(lengths) > _SHOWN else []
    return "\n".join([f"the clips of {raw.name} differ in length:", *listed, *more, _one_length(found, lengths)])


def _counted(frames: int) -> str:
    return f"{frames} frame{'s' if frames > 1 else ''}"


def _one_length(found: Sequence[_Clip | Problem], lengths: Counter[int]) -> str:
    """How clips of several lengths become those of one; of a single frame there are none, for it does not move."""
    if min(lengths) > 1:
        return f"Say how many of the first frames to keep of each, as frames={min(lengths)}, which all of them have"
    stills = [clip.name for clip in found if isinstance(clip, _Clip) and len(clip) == 1]
    named = ", ".join(stills[:_SHOWN]) + (", ..." if len(stills) > _SHOWN else "")
    rest = min(length for length in lengths if length > 1)
    one = "which has one frame and does not move" if len(stills) == 1 else "which have one frame and do not move"
    return f"Remove {named}, {one}; or leave such out, by frames={rest} and on_error='skip'"


def _of_sequence(raw: RawFrames, clip: _Clip | Problem, frames: int) -> _Taken:
    if isinstance(clip, Problem):
        return _Taken((), (), 1, (clip,))
    if len(clip) < frames:
        raise DataError(f"{raw.name} has {len(clip)} frames, fewer than one clip of frames={frames}")
    starts = range(0, len(clip) - frames + 1, frames)
    parts = [clip.part(_frame_name(clip, start), start, start + frames) for start in starts]
    return _Taken(parts, range(len(parts)), len(parts), ())


def _each(found: Sequence[_Clip | Problem], frames: int) -> _Taken:
    clips, rows, problems = [], [], []
    for row, clip in enumerate(found):
        if isinstance(clip, Problem):
            problems.append(clip)
        elif len(clip) < frames:
            problems.append(Problem(clip.name, f"it has {_counted(len(clip))}, not {frames}"))
        else:
            clips.append(clip.part(clip.name, 0, frames))
            rows.append(row)
    return _Taken(clips, rows, len(found), problems)


def _said(problems: Sequence[Problem], total: int) -> str:
    shown = [f"  {one.where}: {one.why}" for one in problems[:_SHOWN]]
    more = [f"  ... and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    fix = "Repair or remove them, pass on_error='skip' to go on without them, or ask for fewer frames="
    if len(problems) == total:
        fix = "None is left to go on with"
    return "\n".join([f"{len(problems)} of {total} clips cannot be used:", *shown, *more, fix])


# --- pixels ----------------------------------------------------------------------------------------------------------


def _decoded(raw: RawFrames, taken: _Taken, frames: int, step: int | None, wishes: Wishes) -> Dataset:
    spec = wishes.spec
    wanted = decoded.Wanted(wishes.size, wishes.channels)
    if spec is not None:
        wanted = decoded.Wanted((spec.shape[2], spec.shape[3]), spec.shape[0])
    entry = decoded.pixels(_as_images(raw, taken), wanted, wishes.cache, wishes.progress)
    broken = entry.about.broken
    whole = np.setdiff1d(np.arange(len(taken.clips)), [one.row // frames for one in broken])
    if broken and (wishes.on_error == "raise" or not len(whole)):
        raise decoded.broken_files(broken, len(taken.clips) * frames)
    values = _as_clips(entry, frames, len(taken.clips), whole)
    problems = [*taken.problems, *(Problem(one.where, one.why) for one in broken)]
    ids = [taken.clips[row].name for row in whole.tolist()]
    known = _labels(raw, wishes.labels, ids, taken, whole)
    learned = spec or clips.learn_files(*values.shape[1:], step=step)
    return put_together(learned, memory.settle(values, wishes.in_memory), ids, known, raw.name, skipped=problems)


def _as_images(raw: RawFrames, taken: _Taken) -> RawImages:
    """All frames of all clips, clip after clip."""
    files = [file for clip in taken.clips for file, _ in clip.frames]
    numbers = [number for clip in taken.clips for _, number in clip.frames]
    names = [_frame_name(clip, place) for clip in taken.clips for place in range(len(clip))]
    images = ClipFrames(raw.prefix, files, numbers, names)
    mark = "\0".join([raw.fingerprint, *(f"{file} {number}" for file, number in zip(files, numbers))])
    fingerprint = hashlib.sha256(mark.encode(errors="surrogateescape")).hexdigest()
    return RawImages(raw.name, fingerprint, lambda: nullcontext(images))


def _frame_name(clip: _Clip, place: int) -> str:
    file, _ = clip.frames[place]
    return f"{file} frame {place + 1}" if is_animated(file) else file


def _as_clips(entry: Entry, frames: int, count: int, whole: NDArray[np.int64]) -> NDArray[np.uint8]:
    """(N, C, T, H, W) of the clips in `whole`; a view of the file where no frame is broken."""
    pixels: NDArray[np.uint8] = entry.pixels
    if len(whole) < count:
        left = np.delete(np.arange(count * frames), [one.row for one in entry.about.broken])
        pixels = np.asarray(pixels[np.isin(left // frames, whole)])
    return pixels.reshape(len(whole), frames, *pixels.shape[1:]).swapaxes(1, 2)


def _labels(
    raw: RawFrames, labels: object, ids: Sequence[str], taken: _Taken, whole: NDArray[np.int64]
) -> Labels | None:
    """Labels of the clips that are left; those that a user gave count the others, too."""
    if labels is None and raw.labels == "folders":
        return from_folders(ids)
    known = labels_of(raw, labels, taken.total)
    kept = {taken.rows[row] for row in whole.tolist()}
    return None if known is None else known.without([row for row in range(taken.total) if row not in kept])
