"""`nolabel sample RUN -n 64 --out FOLDER|FILE`: new samples from a model that can draw them.

A folder gets a PNG each, in folders named after their classes where classes were asked for, so that it can be opened as
data again; a .png is one sheet of them. Clips become GIFs likewise. Tables become one CSV, with a column `label` where
classes were asked for.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nolabel.cli import clips, opening, outputs, pictures, speech
from nolabel.cli.flags import Flag, number, place, whole
from nolabel.cli.parsing import Grammar, Values
from nolabel.cli.running import is_out_of_memory
from nolabel.errors import ArgumentError

if TYPE_CHECKING:
    from nolabel.types import DataSpec

TABLE = "samples.csv"
LABEL = "label"
USUAL = 16  # samples of a class
_TABLES = (".csv", ".parquet", ".npy")
_PICTURES = {"image": (".png", ".npy"), "video": (".gif", ".npy")}


def _class_names(text: str) -> tuple[str, ...]:
    """`cat,dog`."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise ValueError(f"names of classes separated by commas; got {text!r}")
    return names


_FLAGS = [
    Flag(
        "out",
        place,
        "a folder for a PNG or GIF each, or one CSV; or a file: .png for one sheet of pictures, .gif for one of clips, "
        ".csv or .parquet for a table, .npy for an array",
        "FOLDER|FILE",
        short="-o",
    ),
    outputs.OVERWRITE,
]
_DRAWING = [
    Flag("count", whole, f"how many; {USUAL}, or as many as there are --labels", "N", short="-n"),
    Flag("random_state", whole, "seed; drawn when not given", "N", short="--seed"),
    Flag(
        "labels",
        _class_names,
        "for methods that learn from labels: the class of the samples, or several, which take turns",
        "CLASS,CLASS,...",
    ),
    Flag("truncation", number, "above 0 and at most 1: the smaller, the more usual and the more alike they are", "X"),
]
GRAMMAR = Grammar(
    "sample",
    "Draw new samples from a model that can.",
    {"RUN": opening.RUN},
    {"drawing": _DRAWING, "output": _FLAGS},
    required={"out": "--out new"},
    notes="examples:\n"
    "  nolabel sample runs/vae -n 16 --out new.png\n"
    "  nolabel sample runs/gan -n 64 --truncation 0.7 --seed 1 --out grid.png",
)


def run(words: list[str]) -> int:
    """Sample."""
    values = GRAMMAR.parse(words)
    model = opening.open_able(values["RUN"], "Sampler")
    with GRAMMAR.in_flags():
        wishes = _wishes(model, values)
        write = _writer(values["out"], model.spec_, wishes.get("labels"), overwrite="overwrite" in values)
        drawn = _drawn(model, wishes)
    speech.say(f"{len(drawn):,} new samples in {write(drawn)}")
    return 0


def _drawn(model: Any, wishes: Mapping[str, Any]) -> Any:
    """The samples.

    Raises
    ------
    ArgumentError
        So many do not fit into memory.
    """
    try:
        return model.sample(**wishes)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        count = wishes.get("n", USUAL)
        raise ArgumentError(
            f"-n {count}: {count:,} samples at once do not fit into memory; draw fewer, and call again with another "
            "--seed for more"
        ) from error


def _wishes(model: Any, values: Values) -> dict[str, Any]:
    """Arguments of the model's `sample`.

    Raises
    ------
    ArgumentError
        The method draws without one that was given.
    """
    wishes: dict[str, Any] = {key: values[key] for key in ("random_state", "labels", "truncation") if key in values}
    for key in wishes:
        if not _takes(type(model), key):
            able = ", ".join(_that_take(key)) or "none"
            raise ArgumentError(f"{type(model).__name__} draws samples without --{key}. Methods that take it: {able}")
    if "count" in values:
        wishes["n"] = values["count"]
    if "labels" in wishes:
        names = wishes["labels"]
        wishes["n"] = wishes.get("n", len(names) if len(names) > 1 else USUAL)
        wishes["labels"] = list(islice(cycle(names), max(0, wishes["n"])))
    return wishes


def _takes(cls: type[Any], key: str) -> bool:
    """Whether a method's `sample` has a use for an argument; for labels only if it learned from them."""
    return key in inspect.signature(cls.sample).parameters and (key != "labels" or cls.uses_labels)


def _that_take(key: str) -> list[str]:
    """Methods that have a use for it, as they are typed."""
    from nolabel.methods import method_class, stems
    from nolabel.methods._base import Sampler

    classes = {stem.replace("_", "-"): method_class(stem) for stem in stems()}
    return [name for name, cls in classes.items() if issubclass(cls, Sampler) and _takes(cls, key)]


# --- writing ---------------------------------------------------------------------------------------------------------


def _writer(out: str, spec: "DataSpec", labels: Sequence[str] | None, *, overwrite: bool) -> Callable[[Any], Path]:
    """How samples are written to `out`; raises before any is drawn when they cannot be."""
    if Path(out).suffix and not Path(out).is_dir():
        path = outputs.new_file(out, _PICTURES.get(spec.modality, _TABLES), overwrite=overwrite)
        return lambda drawn: _to_file(drawn, spec, path, labels)
    outputs.refuse_full(Path(out).expanduser(), overwrite=overwrite, ways="--overwrite to write into it")
    return lambda drawn: _to_folder(drawn, spec, outputs.new_folder(out, overwrite=overwrite), labels)


def _to_file(drawn: Any, spec: "DataSpec", path: Path, labels: Sequence[str] | None) -> Path:
    if path.suffix.lower() == ".npy":
        with outputs.whole(path) as part:
            np.save(part, np.asarray(drawn), allow_pickle=False)
    elif spec.modality == "image":
        pictures.write_png(path, pictures.sheet(pictures.pixels(drawn, spec)))
    elif spec.modality == "video":
        clips.write_clips(path, clips.frames(drawn, spec), range(len(drawn)), clips.fps_of(spec))
    else:
        import pandas as pd

        outputs.write_table(path, _labelled(pd.DataFrame(drawn), labels))
    return path


def _labelled(frame: Any, labels: Sequence[str] | None) -> Any:
    """A table with the classes of its rows in a last column."""
    return frame if labels is None else frame.assign(**{outputs.free_name(LABEL, frame.columns): list(labels)})


def _to_folder(drawn: Any, spec: "DataSpec", folder: Path, labels: Sequence[str] | None) -> Path:
    if spec.modality not in _PICTURES:
        return _to_file(drawn, spec, folder / TABLE, labels)
    names: Sequence[str | int] = range(len(drawn))
    if labels is not None:
        digits = len(str(len(drawn) - 1))
        names = [f"{_one_part(label)}/{number:0{digits}d}" for number, label in enumerate(labels)]
    if spec.modality == "video":
        clips.write_clips(folder, clips.frames(drawn, spec), names, clips.fps_of(spec))
        return folder
    places = outputs.Places(folder, ".png", len(drawn))
    with places.all_or_none():
        for name, picture in zip(names, pictures.pixels(drawn, spec)):
            pictures.write_png(places.of(name), picture)
    return folder


def _one_part(label: str) -> str:
    """A class's name as that of one folder."""
    return label.replace("/", "_").replace("\\", "_")
