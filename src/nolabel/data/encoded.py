"""Image files that are not decoded yet, wherever they lie: what folders, archives and lists of pictures have in common.

No torch here, nor in the files that derive from this one: decoding processes import them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

from PIL import Image

from nolabel.data.pictures import Encoded


class EncodedImages(ABC):
    """N encoded images, each with a name.

    names: N names, for a person and as ids.
    workers: who may read them: other processes (a part is sent to them), threads, or only the caller.
    """

    names: Sequence[str]
    workers: Literal["processes", "threads", "none"]

    @abstractmethod
    def read(self, row: int) -> Encoded:
        """The bytes of the image in this row, or a picture that Pillow has opened."""

    @abstractmethod
    def part(self, start: int, stop: int) -> "EncodedImages":
        """The images in rows `start` to `stop`, as small as can be."""

    def __len__(self) -> int:
        return len(self.names)


@final
@dataclass(frozen=True)
class OpenedPictures(EncodedImages):
    """Pictures that are Pillow images already."""

    pictures: Sequence[Image.Image]
    names: Sequence[str]
    workers: Literal["processes", "threads", "none"] = "none"

    def read(self, row: int) -> Encoded:
        """The picture in this row."""
        return self.pictures[row]

    def part(self, start: int, stop: int) -> "OpenedPictures":
        """The pictures in rows `start` to `stop`."""
        return OpenedPictures(self.pictures[start:stop], self.names[start:stop])
