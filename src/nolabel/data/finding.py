"""Which reader reads a source. It looks at the kind of an object, the name of a file, and at most its first bytes."""

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.sparse import issparse
from torch import Tensor

from nolabel.data import arrays, files, hub, named
from nolabel.data.archives import is_archive, open_archive, open_text_archive
from nolabel.data.clip_files import no_video_files, open_clip_folder, open_clip_list, open_gif
from nolabel.data.clip_frames import is_animated
from nolabel.data.documents import TEXT_SUFFIXES, GivenTexts
from nolabel.data.encoded import OpenedPictures
from nolabel.data.idx import is_idx, open_idx
from nolabel.data.pictures import SUFFIXES
from nolabel.data.raw import Raw, RawImages, RawTable, RawTexts
from nolabel.errors import ArgumentError, DataError, nearest

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
_SUFFIX = 16  # characters at the end of a string that are looked at for a suffix
_TRIED = 20  # strings that are looked for on disk


def read(
    source: Any,
    *,
    split: str | None = None,
    label: str | None = None,
    texts: bool = False,
    clips: bool = False,
    encoding: str | None = None,
) -> Raw:
    """The raw data of a source of any kind.

    Parameters
    ----------
    source
        As for `nolabel.open`.
    split
        Part of a source that has parts.
    label
        The column of labels, for a source that has several.
    texts
        Whether the user has said that texts, or counts of words, are in it.
    clips
        Whether the user has said that clips are in it.
    encoding
        Of a table or text file; None to detect it.

    Raises
    ------
    DataError
        There is nothing there, or it cannot be understood.
    ArgumentError
        The split or column is not there.
    """
    if isinstance(source, str) and named.split_name(source)[0] in named.NAMES:
        return _read_named(source, split)
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        return _read_clips(path, split) if clips and _holds_clips(path) else _read_path(path, split, texts, encoding)
    if hub.is_hub(source):
        return hub.open_hub(source, split, label)
    if split is not None:
        raise ArgumentError(f"split={split!r}: a {type(source).__name__} has no splits; pass the part you mean")
    return _read_object(source, texts, clips)


def _read_object(source: Any, texts: bool, clips: bool) -> Raw:
    if isinstance(source, Tensor):
        return arrays.open_tensor(source)
    if _is_pandas(source, "DataFrame"):
        return RawTable(source, f"table {source.shape[0]} x {source.shape[1]}")
    if issparse(source):
        return arrays.open_sparse(source)
    items = _items(source)
    if clips and items and all(isinstance(item, str | Path) for item in items):
        return open_clip_list(items)
    if texts and (items or _is_pandas(source, "Series")):
        return _texts(source, items)
    if items and all(isinstance(item, str) for item in items) and not _name_files(items):
        return _texts(source, items)
    if items and all(isinstance(item, str | Path) for item in items):
        return files.open_list(items)
    if items and all(isinstance(item, Image.Image) for item in items):
        return _pictures(items)
    if not any(hasattr(source, way) for way in ("__array__", "toarray", "__len__")):
        raise DataError(_not_a_source(source))
    return arrays.open_array(source)


def _items(source: Any) -> Sequence[Any]:
    """The items of a list, or of a one-dimensional array or Series of text or objects; else nothing."""
    if isinstance(source, list | tuple):
        return source
    if _is_pandas(source, "Series"):
        return list(source)
    if isinstance(source, np.ndarray) and source.ndim == 1 and source.dtype.kind in "UO":
        return [str(item) if isinstance(item, np.str_) else item for item in source]
    return ()


def _texts(source: Any, items: Sequence[Any]) -> Raw:
    """Texts, or paths of files of them, or rows of counts."""
    if all(isinstance(item, Path) for item in items) or _are_files(items):
        return files.open_text_list(items)
    if all(isinstance(item, Sequence | np.ndarray) and not isinstance(item, str | bytes) for item in items):
        return arrays.open_array(source)
    ids: Any = "rows"
    if _is_pandas(source, "Series"):
        from nolabel.data.assembling import row_ids

        ids = row_ids(source)
    texts = GivenTexts(items)
    return RawTexts(f"{len(items)} texts", lambda: nullcontext(texts), ids=ids)


def _are_files(items: Sequence[Any]) -> bool:
    """Whether the first of them are strings that name files which are there."""
    return all(isinstance(item, str) and os.path.isfile(item) for item in items[:_TRIED])  # noqa: PTH113


def _name_files(items: Sequence[str]) -> bool:
    """Whether strings are names of files: by their suffix, or because some of the first are there."""
    if any(Path(item[-_SUFFIX:]).suffix.lower() in SUFFIXES for item in items):
        return True
    return any(os.path.exists(item) for item in items[:_TRIED])  # noqa: PTH110 - a long text is no error here


def _is_pandas(source: object, kind: str) -> bool:
    pandas = sys.modules.get("pandas")  # whoever has a frame has imported pandas; nobody else should wait for it
    return pandas is not None and isinstance(source, getattr(pandas, kind))


def _pictures(items: Sequence[Image.Image]) -> RawImages:
    images = OpenedPictures(items, [f"row {row}" for row in range(len(items))])
    return RawImages(f"{len(items)} pictures", None, lambda: nullcontext(images), ids="rows")


def _read_named(source: str, split: str | None) -> Raw:
    name, own = named.split_name(source)
    if own is not None and split is not None and own != split:
        raise ArgumentError(f"{source!r} asks for the split {own!r}, and split= for {split!r}; give one of them")
    return named.open_named(name, own if own is not None else split)


def _read_path(path: Path, split: str | None, texts: bool, encoding: str | None) -> Raw:
    if not os.path.exists(path):  # noqa: PTH110 - a text given as a path may be too long for one
        raise DataError(_not_there(path) + ("; a text itself goes into a list: [text]" if texts else ""))
    if path.is_dir():
        return files.open_text_folder(path, split) if texts else files.open_folder(path, split)
    if path.suffix.lower() == ".npz":
        return arrays.open_npz(path, split)
    if split is not None:
        raise ArgumentError(f"split={split!r}: '{path}' has no splits; open the file you mean")
    return _read_text_file(path, encoding) if texts else _read_file(path, encoding)


def _holds_clips(path: Path) -> bool:
    """Whether a path is that of a folder, or of a file that is a clip; arrays are read as ever."""
    return path.is_dir() or (path.is_file() and is_animated(path.name))


def _read_clips(path: Path, split: str | None) -> Raw:
    if path.is_dir():
        return open_clip_folder(path, split)
    if split is not None:
        raise ArgumentError(f"split={split!r}: '{path}' has no splits; open the file you mean")
    return open_gif(path)


def _read_text_file(path: Path, encoding: str | None) -> Raw:
    """Texts in an archive or line by line, or a table with a column of them."""
    if is_archive(path):
        return open_text_archive(path)
    if path.suffix.lower() == ".npy":
        return arrays.open_npy(path)
    if Path(path.name.lower().removesuffix(".gz")).suffix in TEXT_SUFFIXES:
        return files.open_lines(path, encoding)
    return _read_file(path, encoding)


def _read_file(path: Path, encoding: str | None = None) -> Raw:
    if path.suffix.lower() == ".npy":
        return arrays.open_npy(path)
    if is_archive(path):
        return open_archive(path)
    if Path(path.name.lower().removesuffix(".gz")).suffix in TABLE_SUFFIXES:
        return _read_table(path, encoding)
    if is_idx(path):
        return open_idx(path)
    raise DataError(_not_understood(path))


def _read_table(path: Path, encoding: str | None) -> RawTable:
    from nolabel.data import tables  # only here: pandas takes a while to import

    return RawTable(tables.read(path, encoding), path.name)


def _not_a_source(source: object) -> str:
    return (
        f"cannot open a {type(source).__name__}; expected an array, tensor, DataFrame, list of paths, `datasets` "
        f"object, the path of a folder or file, or one of the names {', '.join(named.NAMES)}"
    )


def _not_there(path: Path) -> str:
    if "/" in str(path) and str(path).split("/")[0].endswith(":"):
        return f"'{path}' is an address; download it and open the file"
    bare = path.parent == Path()
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    close = nearest(path.name, [*named.NAMES, *beside] if bare else beside)
    names = f"{'' if close else '.'} Data sets known by name: {', '.join(named.NAMES)}" if bare else ""
    return f"no such file or folder: '{path}'{close}{names}"


def _not_understood(path: Path) -> str:
    if path.suffix.lower() in SUFFIXES:
        clip = ", or say modality='video' to cut it into clips" if is_animated(path.name) else ""
        return f"'{path}' is one image; open the folder that holds it, or pass a list of paths{clip}"
    return no_video_files(path) or (
        f"cannot tell what '{path}' holds, by its name or its first bytes. Understood are folders of images, .tar "
        "(.gz, .xz, .bz2), .zip, IDX, .npy, .npz, .csv, .tsv, .txt and .parquet"
    )
