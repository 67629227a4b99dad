"""What a source is once it has been found and opened, and before its modality encodes it.

Readers (`files`, `archives`, `idx`, `arrays`, `hub`, `named`) make one of these; `source` hands it to its modality.
It knows nothing of models or recipes.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, final

from numpy.typing import NDArray

from nolabel.data.documents import Documents
from nolabel.data.encoded import EncodedImages


@final
@dataclass(frozen=True)
class RawArray:
    """Images in an array of three or four axes, or clips in one of five, or four.

    values: NumPy array, perhaps a memory map.  channels_first: what to assume where the shape alone does not tell,
    as (N, 3, 8, 3).  labels, classes: the class of each sample, if the source has them.  clips: whether four axes are
    known to be those of clips.
    """

    values: NDArray[Any]
    name: str
    channels_first: bool = False
    labels: object = None
    classes: Sequence[str] = ()
    clips: bool = False


@final
@dataclass(frozen=True)
class RawTable:
    """A pandas frame. kind: what the user gave, and so wants back: a frame, or an array of numbers."""

    frame: Any
    name: str
    kind: Literal["frame", "array"] = "frame"
    labels: object = None
    classes: Sequence[str] = ()


@final
@dataclass(frozen=True)
class RawImages:
    """Encoded images that are decoded later, or found decoded in the cache.

    fingerprint: changes whenever the images may have changed; None if nothing can tell, and then nothing is cached.
    opened: lists the images; whatever that needs (a temporary file) lives as long as the context.
    labels: "folders" if the folders in the names are the classes, or one label for each image, or None.
    ids: whether an image is known by its name or by its row.
    """

    name: str
    fingerprint: str | None
    opened: Callable[[], AbstractContextManager[EncodedImages]]
    labels: object = None
    classes: Sequence[str] = ()
    ids: Literal["names", "rows"] = "names"


@final
@dataclass(frozen=True)
class FramesOf:
    """A clip in files: its name, and its frames in order, or the one animated file that holds them."""

    name: str
    files: tuple[str, ...]


@final
@dataclass(frozen=True)
class RawFrames:
    """Clips whose frames are decoded later.

    fingerprint: changes whenever a file may have changed.  prefix: `prefix + file` is the path of each.
    labels: "folders" if the folders in the names are the classes, or None.
    sequence: whether it is one clip, to be cut into several.
    """

    name: str
    fingerprint: str
    prefix: str
    clips: Sequence[FramesOf]
    labels: object = None
    classes: Sequence[str] = ()
    sequence: bool = False


@final
@dataclass(frozen=True)
class RawSparse:
    """A scipy sparse matrix or array, (N, D)."""

    matrix: Any
    name: str
    labels: object = None
    classes: Sequence[str] = ()


@final
@dataclass(frozen=True)
class RawTexts:
    """Texts that are read later.

    opened: lists them; whatever that needs (a temporary file) lives as long as the context.
    labels: "folders" if the folders in the names are the classes, or one label for each text, or None.
    ids: an id for each text, "names" for those that `opened` gives, or "rows".
    encoding: that of all files, where the source is known to have one.
    body: whether a text begins after its first blank line, as that of a mail.
    column: the column of a table that they were found in.
    """

    name: str
    opened: Callable[[], AbstractContextManager[Documents]]
    labels: object = None
    classes: Sequence[str] = ()
    ids: "Sequence[str | int] | Literal['names', 'rows']" = "names"
    encoding: str | None = None
    body: bool = False
    column: str | None = None


Raw = RawArray | RawTable | RawImages | RawFrames | RawSparse | RawTexts
