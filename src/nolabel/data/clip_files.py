"""Clips in files: animated GIFs, and folders of frames.

    folder/wave.gif, folder/class/walk.gif, ...                a GIF is a clip
    folder/wave/001.png, folder/class/walk/frame_2.png, ...    the images in a folder are the frames of a clip
    folder/001.png, folder/002.png, ...; wave.gif              one long sequence, which is cut into clips

Frames of a folder follow each other by their numbers: frame_2 comes before frame_10. Which folders name classes is for
`labels`; how frames become pixels, for `clip_sets`. Nothing is decoded here.
"""

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from nolabel.data.clip_frames import ANIMATED, is_animated
from nolabel.data.files import Listing, listed, split_folder, title_of
from nolabel.data.pictures import SUFFIXES
from nolabel.data.raw import FramesOf, RawFrames
from nolabel.errors import DataError

_VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v", ".wmv", ".flv")
_NUMBERS = re.compile(r"([0-9]+)")
_SHOWN = 3


def open_clip_folder(folder: Path, split: str | None = None) -> RawFrames:
    """The clips in a folder and below it.

    Parameters
    ----------
    folder
        An existing folder.
    split
        Name of a sub-folder to open instead, such as "train".

    Raises
    ------
    DataError
        There are none, or frames lie beside clips.
    """
    chosen = folder if split is None else split_folder(folder, split)
    listing = listed(str(chosen), SUFFIXES)
    if not listing.names:
        raise DataError(_no_clips(chosen, listing))
    clips, loose = _grouped(listing.names)
    if clips and loose:
        raise DataError(_loose(chosen, loose))
    prefix, where = f"{chosen}{os.sep}", listing.fingerprint(os.path.realpath(chosen))
    if loose:
        whole = FramesOf(title_of(folder, split), tuple(loose))
        return RawFrames(title_of(folder, split), f"clips {where}", prefix, [whole], sequence=True)
    return RawFrames(title_of(folder, split), f"clips {where}", prefix, clips, labels="folders")


def open_gif(path: Path) -> RawFrames:
    """One animated GIF: a sequence, which is cut into clips."""
    listing = Listing()
    listing.add(str(path), path.stat)
    whole = FramesOf(str(path), (str(path),))
    return RawFrames(path.name, f"clips {listing.fingerprint('')}", "", [whole], sequence=True)


def open_clip_list(paths: Sequence[str | os.PathLike[str]]) -> RawFrames:
    """Animated GIFs and folders of frames in a list of paths, in that order; each path is its clip's id.

    Raises
    ------
    DataError
        A path is neither.
    """
    marks, clips = [], []
    for path in [os.fspath(path) for path in paths]:
        if Path(path).is_dir():
            found = _frames_in(Path(path))
            clips.append(FramesOf(path, tuple(f"{path}{os.sep}{name}" for name in sorted(found.names, key=in_order))))
        elif is_animated(path):
            found = Listing()
            found.add(path, Path(path).stat)
            clips.append(FramesOf(path, (path,)))
        else:
            raise DataError(
                f"'{path}' is no clip{_why_not(path)}; a list of clips holds .gif files and folders of frames"
            )
        marks.append(found.fingerprint(os.path.realpath(path)))
    mark = hashlib.sha256("\0".join(marks).encode()).hexdigest()
    return RawFrames(f"{len(paths)} clips", f"clips {mark}", "", clips)


def no_video_files(path: Path) -> str | None:
    """Why a video file cannot be opened, and how to go on; None if it is none."""
    if path.suffix.lower() not in _VIDEOS:
        return None
    return (
        f"'{path}' is a video file, which nolabel cannot decode; write its frames to a folder, with "
        f"ffmpeg -i {path.name} frames/%05d.png, and open that with modality='video'"
    )


def in_order(name: str) -> list[str | int]:
    """What names are sorted by, so that frame_2 comes before frame_10."""
    parts = _NUMBERS.split(name)  # text and digits take turns, so that like is compared with like
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def _grouped(names: Sequence[str]) -> tuple[list[FramesOf], list[str]]:
    """The clips of a listing, and the frames in the folder itself, which belong to none."""
    frames: dict[str, list[str]] = {}
    for name in names:
        frames.setdefault(name if is_animated(name) else name.rpartition("/")[0], []).append(name)
    loose = sorted(frames.pop("", []), key=in_order)
    return [FramesOf(name, tuple(sorted(files, key=in_order))) for name, files in frames.items()], loose


def _frames_in(folder: Path) -> Listing:
    found = listed(str(folder), SUFFIXES)
    deeper = next((name for name in found.names if "/" in name or is_animated(name)), None)
    if not found.names or deeper is not None:
        what = "it holds no images" if deeper is None else f"it holds {deeper}"
        raise DataError(f"'{folder}' is no folder of frames: {what}. Name the folders that hold the frames of one clip")
    return found


def _why_not(path: str) -> str:
    if not os.path.exists(path):  # noqa: PTH110
        return ": there is no such file or folder"
    return f" (but {'a video' if Path(path).suffix.lower() in _VIDEOS else 'another'} file)"


def _loose(folder: Path, loose: Sequence[str]) -> str:
    more = f" and {len(loose) - _SHOWN} more" if len(loose) > _SHOWN else ""
    return (
        f"'{folder}' holds clips, and beside them images that belong to none: {', '.join(loose[:_SHOWN])}{more}. Put "
        "the frames of each clip into a folder of their own, or take the images away"
    )


def _no_clips(folder: Path, listing: Listing) -> str:
    wanted = (
        f"Expected {folder.name}/walk{ANIMATED}, ... or a folder of frames for each clip, {folder.name}/walk/001.png"
    )
    if not listing.others:
        return f"no clips in '{folder}': it is empty. {wanted}"
    videos = sum(count for suffix, count in listing.others.items() if suffix in _VIDEOS)
    fix = f" nolabel decodes no video files ({videos} here): write their frames with ffmpeg." if videos else ""
    return f"no clips in '{folder}', but {listing.others.total()} other files.{fix} {wanted}"
