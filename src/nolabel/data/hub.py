"""Hugging Face `datasets` objects, known by their shape alone: the package is not needed, nor imported.

Such an object has `column_names`, `features` (name -> type), a length, and gives columns by name and rows by slice.
A set with one column of images is a set of images; any other is a table.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, final, runtime_checkable

from PIL import Image

from nolabel.data.encoded import EncodedImages
from nolabel.data.pictures import Encoded, UnreadablePicture
from nolabel.data.raw import RawImages, RawTable
from nolabel.errors import ArgumentError, DataError, nearest, not_a_choice

LABEL_NAMES = ("label", "labels")
_BLOCK = 64


@runtime_checkable
class HubDataset(Protocol):
    """What a `datasets.Dataset` is to us."""

    @property
    def column_names(self) -> Any:
        """Names of the columns."""

    @property
    def features(self) -> Any:
        """Type of each column, by name."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any) -> Any: ...


@final
@dataclass(frozen=True)
class HubImages(EncodedImages):
    """One column of images; rows are fetched a block at a time."""

    dataset: Any
    column: str
    start: int
    names: Sequence[str]
    workers: Literal["processes", "threads", "none"] = "none"  # nothing is known of what the object can bear
    _block: dict[int, Sequence[Any]] = field(default_factory=dict)

    def read(self, row: int) -> Encoded:
        """The image in this row: bytes, or a Pillow image."""
        number, place = divmod(row, _BLOCK)
        if number not in self._block:
            first = self.start + number * _BLOCK
            last = min(first + _BLOCK, self.start + len(self))
            self._block.clear()
            self._block[number] = self.dataset[first:last][self.column]
        return _encoded(self._block[number][place])

    def part(self, start: int, stop: int) -> "HubImages":
        """The images in rows `start` to `stop`."""
        return HubImages(self.dataset, self.column, self.start + start, self.names[start:stop])


def is_hub(source: object) -> bool:
    """Whether this is a set, or a mapping of splits to sets."""
    if isinstance(source, Mapping):
        parts = list(source.values())  # some mappings (sparse matrices by keys) have no truth value of their own
        return bool(parts) and all(isinstance(part, HubDataset) for part in parts)
    return isinstance(source, HubDataset)


def open_hub(source: Any, split: str | None = None, label: str | None = None) -> RawImages | RawTable:
    """The samples of a set.

    Parameters
    ----------
    source
        The set, or a mapping of splits to sets.
    split
        Which split of a mapping.
    label
        The column of labels, for images; None for the one whose type says so, or that is called "label".

    Raises
    ------
    ArgumentError
        There is no such split or column.
    DataError
        The set is empty, or has several columns of images.
    """
    dataset, name = _choose(source, split)
    if len(dataset) == 0:
        raise DataError("the dataset has no rows")
    columns = _image_columns(dataset)
    if not columns:
        return RawTable(dataset.to_pandas(), name)
    if len(columns) > 1:
        raise DataError(f"the dataset has several image columns: {', '.join(columns)}; keep one with select_columns")
    return _images(dataset, columns[0], label, name)


def _choose(source: Any, split: str | None) -> tuple[Any, str]:
    if not isinstance(source, Mapping):
        if split is not None:
            raise ArgumentError(f"split={split!r}: this dataset is one split already; pass the one you want")
        return source, f"dataset of {len(source)} rows"
    splits = [str(name) for name in source]
    if split is None:
        if len(splits) > 1:
            raise ArgumentError(f"the dataset has the splits {', '.join(splits)}; choose one with split='{splits[0]}'")
        split = splits[0]
    if split not in splits:
        raise not_a_choice("split", split, splits)
    return source[split], f"dataset:{split}"


def _image_columns(dataset: Any) -> list[str]:
    features = dataset.features or {}
    typed = [name for name in dataset.column_names if type(features.get(name)).__name__ == "Image"]
    if typed:
        return typed
    first = dataset[0:1]
    return [name for name in dataset.column_names if _is_image(first[name][0])]


def _is_image(value: object) -> bool:
    return isinstance(value, Image.Image) or (isinstance(value, dict) and {"bytes", "path"} <= value.keys())


def _encoded(value: Any) -> Encoded:
    if isinstance(value, Image.Image):
        return value
    if isinstance(value, dict) and value.get("bytes"):
        return bytes(value["bytes"])
    if isinstance(value, dict) and value.get("path"):
        return Path(value["path"]).read_bytes()
    raise UnreadablePicture(f"there is no image, but {value!r:.60}")


def _images(dataset: Any, column: str, label: str | None, name: str) -> RawImages:
    images = HubImages(dataset, column, 0, [f"row {row}" for row in range(len(dataset))])
    chosen = _label_column(dataset, label)
    labels = None if chosen is None else list(dataset[chosen])
    classes = getattr((dataset.features or {}).get(chosen), "names", None) or ()
    mark = getattr(dataset, "_fingerprint", None)  # of `datasets`: changes with the content
    fingerprint = f"hub {mark} {column} {len(dataset)}" if isinstance(mark, str) else None
    return RawImages(name, fingerprint, lambda: nullcontext(images), labels, tuple(classes), "rows")


def _label_column(dataset: Any, label: str | None) -> str | None:
    columns = list(dataset.column_names)
    if label is not None:
        if label not in columns:
            raise ArgumentError(
                f"labels={label!r}: no such column; there are {', '.join(columns)}{nearest(label, columns)}"
            )
        return label
    features = dataset.features or {}
    typed = [name for name in columns if type(features.get(name)).__name__ == "ClassLabel"]
    return next((name for name in (*typed, *LABEL_NAMES) if name in columns), None)
