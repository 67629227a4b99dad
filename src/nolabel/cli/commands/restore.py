"""`nolabel restore RUN SOURCE --out FOLDER`: images without their damage, a PNG each, named after their ids.

A model of a method that `Restores` takes the pictures of a folder at their own sizes, however many those are; an
autoencoder brings them to the one that it was fitted to.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nolabel.cli import opening, outputs, own_sizes, pictures, speech
from nolabel.cli.flags import Flag, place
from nolabel.cli.parsing import Grammar, Values
from nolabel.cli.picture_folder import Part, rows_in_parts, write_pictures
from nolabel.errors import ArgumentError

if TYPE_CHECKING:
    from nolabel.data.dataset import Dataset

_PART = 256
_OUT = Flag("out", place, "folder for the files", "FOLDER", short="-o")
_MASK = Flag(
    "mask",
    place,
    "what to fill in: a folder of masks named as the images, or one file for all; white where something is missing",
    "FOLDER|FILE",
)
GRAMMAR = Grammar(
    "restore",
    "Write images without their damage: a PNG for each, named after its id.\n"
    "By a Restorer, which denoises, fills in what is missing or doubles the size; or by an autoencoder.",
    {"RUN": opening.RUN, "SOURCE": opening.SOURCE},
    {"restoring": [_MASK], "output": [_OUT, outputs.OVERWRITE], "data": [opening.ON_ERROR]},
    required={"out": "--out restored"},
    notes="examples:\n"
    "  nolabel restore runs/denoiser noisy/ --out clean\n"
    "  nolabel restore runs/inpainter torn/ --mask holes/ --out whole",
)
Pictures = Iterator[Part]


def run(words: list[str]) -> int:
    """Restore."""
    values = GRAMMAR.parse(words)
    outputs.refuse_full(Path(values["out"]).expanduser(), overwrite="overwrite" in values, ways="--overwrite")
    model = opening.open_run(values["RUN"])
    with GRAMMAR.in_flags():
        total, restored = _restored(model, values)
        restored = chain([next(restored, ((), ()))], restored)  # before a folder is made: the first may be refused
        folder = outputs.new_folder(values["out"], overwrite="overwrite" in values)
        written = write_pictures(folder, total, restored)
    speech.say(f"{written:,} pictures in {folder}; {folder / 'index.csv'} says which is which")
    return 0


def _restored(model: Any, values: Values) -> tuple[int, Pictures]:
    """How many pictures there will be, and the pictures part by part; what can be refused is refused before the first.

    Raises
    ------
    ArgumentError
        The model restores no images, or a flag is not for it.
    """
    from nolabel.methods._base import Reconstructor
    from nolabel.methods._restores import Restores

    if isinstance(model, Restores):
        return _from_folder(model, values) if own_sizes.is_place(values["SOURCE"]) else _from_source(model, values)
    if not isinstance(model, Reconstructor) or model.spec_.modality != "image":
        name = type(model).__name__
        raise ArgumentError(
            f"{values['RUN']} holds a model of {name}, which restores no images. Models that do: of restorer, and of "
            "autoencoders that were fitted to images"
        )
    if "mask" in values:
        raise ArgumentError("--mask is for a restorer fitted with --task inpaint; an autoencoder fills in nothing")
    data = opening.open_source(values["SOURCE"], values, spec=model.spec_)
    return len(data), _by_parts(data, lambda part, _: np.asarray(model.reconstruct(part)))


def _by_parts(data: "Dataset", restored: "Callable[[Dataset, np.ndarray], np.ndarray]") -> Pictures:
    """What is made of the samples part by part, given each part and its rows."""
    for rows in rows_in_parts(len(data), _PART):
        part = data.subset(rows)
        yield part.ids, pictures.pixels(restored(part, rows), data.spec)


def _from_folder(model: Any, values: Values) -> tuple[int, Pictures]:
    skip = values.get("on_error") == "skip"
    found = own_sizes.groups(Path(values["SOURCE"]).expanduser(), _PART, skip=skip)
    masks = None
    if "mask" in values:
        masks = own_sizes.masks_of(found, Path(values["mask"]).expanduser())
    return sum(len(group.names) for group in found), (_of_group(model, group, masks, skip) for group in found)


def _of_group(model: Any, group: own_sizes.Group, masks: "Mapping[str, Path] | None", skip: bool) -> Part:
    channels = model.spec_.shape[0]
    names, images = own_sizes.read(group, channels, skip=skip)
    if not names:
        return (), ()
    missing = None if masks is None else own_sizes.read_masks(names, masks, group.size)
    restored = model.restore(images, missing)
    return names, restored[..., 0] if channels == 1 else restored


def _from_source(model: Any, values: Values) -> tuple[int, Pictures]:
    from nolabel.methods._masks import missing_from

    data = opening.open_source(values["SOURCE"], values)
    if "mask" not in values:
        return len(data), _by_parts(data, lambda part, _: model.restore(part))
    missing = missing_from(values["mask"], data).numpy()
    return len(data), _by_parts(data, lambda part, rows: model.restore(part, missing[rows]))
