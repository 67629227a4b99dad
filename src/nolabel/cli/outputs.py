"""Files and folders that a command writes: never over something that is in the way, never half, never elsewhere.

Names come from ids, and ids from paths in other people's folders and archives, so they are made safe here. It knows
nothing of models or pictures.
"""

import csv
import re
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, final

from nolabel.cli.flags import Flag
from nolabel.errors import ArgumentError, OutputError, nearest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

OVERWRITE = Flag("overwrite", None, "replace what is in the way")
_LONGEST = 120  # bytes of one part of a name, well under the 255 that file systems take
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\ud800-\udfff]')
_PICTURE = re.compile(r"\.(png|jpe?g|webp|bmp|tiff?|gif|ppm|pgm)$", re.IGNORECASE)


# --- what is in the way ----------------------------------------------------------------------------------------------


def new_file(path: str, suffixes: Collection[str], *, overwrite: bool) -> Path:
    """A path that may be written.

    Raises
    ------
    ArgumentError
        Its suffix is none of `suffixes`.
    OutputError
        It is a folder, lies in a folder that does not exist, or exists and may not be replaced.
    """
    file = Path(path).expanduser()
    if file.suffix.lower() not in suffixes:
        listed = ", ".join(suffixes)
        raise ArgumentError(f"{file} must end in one of {listed}; got {file.suffix!r}{_meant(file.suffix, suffixes)}")
    if file.is_dir():
        raise OutputError(f"{file} is a folder; name a file in it, as {file / f'output{file.suffix}'}")
    if not file.parent.is_dir():
        raise OutputError(f"cannot write {file}: the folder {file.parent} does not exist; make it first")
    if file.exists() and not overwrite:
        raise OutputError(f"{file} exists. Choose another name, or add --overwrite to replace it")
    return file


def _meant(suffix: str, suffixes: Collection[str]) -> str:
    """Whoever asks for a picture means a picture; else what is spelled most like it."""
    pictures = [one for one in suffixes if _PICTURE.search(one)]
    if pictures and _PICTURE.search(suffix):
        return f"; did you mean {pictures[0]!r}?"
    return nearest(suffix, suffixes)


def new_folder(path: str, *, overwrite: bool) -> Path:
    """A folder that may be filled, made if need be; with `overwrite`, files of the same names are replaced.

    Raises
    ------
    OutputError
        It is a file, holds something and may not be written to, or cannot be made.
    """
    folder = Path(path).expanduser()
    refuse_full(folder, overwrite=overwrite, ways="--overwrite to write into it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    return folder


def refuse_full(folder: Path, *, overwrite: bool, ways: str, harmless: Collection[str] = ()) -> None:
    """Raise OutputError when something is in the way of a folder; files called as one of `harmless` are not."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; name a folder")
    if not overwrite and folder.is_dir() and any(entry.name not in harmless for entry in folder.iterdir()):
        raise OutputError(f"{folder} exists and is not empty. Choose another folder, or add {ways}")


# --- whole or not at all ---------------------------------------------------------------------------------------------


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well. A link at `path` is not followed.

    Raises
    ------
    OutputError
        It cannot be written; what was at `path` is as it was.
    """
    part = path.with_name(f".{secrets.token_hex(8)}.part{path.suffix}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}. What was there is as it was") from error
    finally:
        part.unlink(missing_ok=True)


# --- names from ids --------------------------------------------------------------------------------------------------


def safe_path(name: str | int, digits: int = 5) -> PurePosixPath:
    """A relative path for an id, without its image suffix, that stays in the folder it is put in.

    Row numbers get leading zeros. Of paths, folders are kept; `..`, a leading slash or dot, and characters that some
    file system refuses are not.
    """
    if isinstance(name, int):
        return PurePosixPath(f"{name:0{digits}d}")
    parts = [_safe_part(part) for part in re.split(r"[/\\]", _PICTURE.sub("", name)) if part.strip(". ")]
    folders = [_PICTURE.sub(r".\1_", part) for part in parts[:-1]]  # a folder a.png must not stand where a file may
    return PurePosixPath(*folders, *(parts[-1:] or ["unnamed"]))


def _safe_part(part: str) -> str:
    plain = _UNSAFE.sub("_", part)
    plain = "_" + plain[1:] if plain.startswith(".") else plain
    return plain.encode()[:_LONGEST].decode(errors="ignore").rstrip(". ")


@final
class Places:
    """Paths in a folder, one for each id; ids that lead to the same place are numbered apart."""

    def __init__(self, folder: Path, suffix: str, count: int) -> None:
        self.folder = folder
        self.suffix = suffix
        self._digits = len(str(max(count - 1, 0)))
        self._taken: set[str] = set()
        self._new: list[Path] = []
        self.index: list[tuple[str, str]] = []

    def of(self, name: str | int) -> Path:
        """The path for an id; its folder exists.

        Raises
        ------
        OutputError
            A link leads out of the folder, or the path's folder cannot be made.
        """
        plain = safe_path(name, self._digits)
        relative, number = plain, 1
        while str(relative).casefold() in self._taken:  # some file systems do not tell a.png from A.PNG
            number += 1
            relative = plain.with_name(f"{plain.name}-{number}")
        self._taken.add(str(relative).casefold())
        path = self.folder / f"{relative}{self.suffix}"
        self._make_room(path)
        if not path.exists():
            self._new.append(path)
        self.index.append((f"{relative}{self.suffix}", text_of(name)))
        return path

    @contextmanager
    def all_or_none(self) -> Iterator[None]:
        """When the block fails, files that were not there before it are removed, with folders left empty by that."""
        try:
            yield
        except BaseException:
            for file in self._new:
                file.unlink(missing_ok=True)
            for folder in sorted({folder for file in self._new for folder in file.parents}, reverse=True):
                if folder.is_relative_to(self.folder):
                    with suppress(OSError):
                        folder.rmdir()
            raise

    def _make_room(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder {path.parent}: {error.strerror or error}") from error
        if not path.parent.resolve().is_relative_to(self.folder.resolve()):
            raise OutputError(
                f"{path.parent} is a link that leads out of {self.folder}; remove it, or choose another folder"
            )

    def write_index(self) -> None:
        """`index.csv`: which file is which id."""
        with whole(self.folder / "index.csv") as part, part.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("file", "id"), *self.index])


def text_of(name: str | int) -> str:
    """An id that any text file can hold; file names need not be text."""
    return str(name).encode("utf-8", "backslashreplace").decode()


# --- tables ----------------------------------------------------------------------------------------------------------


def with_ids(ids: Sequence[str | int], frame: "pd.DataFrame") -> "pd.DataFrame":
    """A table with the id of every row in front: whole numbers if all are, else text."""
    import pandas as pd

    names = list(ids)
    column = names if all(isinstance(name, int) for name in names) else [text_of(name) for name in names]
    frame = frame.reset_index(drop=True)
    return pd.concat([pd.Series(column, name=free_name("id", frame.columns)), frame], axis=1)


def free_name(name: str, taken: "pd.Index[str]") -> str:
    """The name of a new column, with as many underscores after it as it takes to be the only one."""
    while name in taken:
        name += "_"
    return name


def codes_table(ids: Sequence[str | int], codes: "NDArray[np.float32]") -> "pd.DataFrame":
    """Vectors (N, L) as the columns id, z0, z1, ..."""
    import pandas as pd

    return with_ids(ids, pd.DataFrame(codes, columns=[f"z{number}" for number in range(codes.shape[1])]))


def write_codes(path: Path, ids: Sequence[str | int], codes: "NDArray[np.float32]") -> Path:
    """Vectors (N, L) with their ids: .parquet and .csv with the columns id, z0, z1, ...; .npy, and its ids beside it.

    Returns the last path written.
    """
    import numpy as np
    import pandas as pd

    if path.suffix.lower() != ".npy":
        write_table(path, codes_table(ids, codes))
        return path
    beside = ids_beside(path)
    with whole(path) as part:  # which takes its place when both are written
        np.save(part, codes, allow_pickle=False)
        write_table(beside, with_ids(ids, pd.DataFrame(index=range(len(codes)))))
    return beside


def ids_beside(path: Path) -> Path:
    """Where the ids of an .npy file go."""
    return path.with_suffix(".ids.csv")


def write_table(path: Path, frame: "pd.DataFrame") -> None:
    """A table as .parquet or .csv, by the suffix of `path`."""
    with whole(path) as part:
        if path.suffix.lower() == ".parquet":
            frame.columns = frame.columns.map(str)
            frame.to_parquet(part, index=False)
        else:
            frame.to_csv(part, index=False)
