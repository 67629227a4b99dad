"""Opening what a command names: its source, and the model in its run folder.

The flags here are arguments of `nolabel.open`; a test holds the two together. torch is imported when something is
opened.
"""

from collections.abc import Container, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nolabel.cli import speech
from nolabel.cli.flags import Flag, one_of, whole
from nolabel.errors import ArgumentError, SavedModelError

if TYPE_CHECKING:
    from nolabel.data.dataset import Dataset
    from nolabel.methods._base import Estimator
    from nolabel.types import DataSpec

OWN = "labels"  # the word for the labels that a data set has of its own
FILES = (".csv", ".tsv")  # of labels by id, as in data/label_files.py; a test holds the two together
_SHOWN = 10
_ABLE = {
    "Embedder": "give vectors",
    "Reconstructor": "rebuild samples",
    "Sampler": "draw samples",
    "TopicModel": "name topics",
    "LabelPredictor": "name classes",
    "Translator": "translate images",
}

SOURCE = "folder of images, clips or texts, archive, table, array file, or the name of a data set (nolabel datasets)"
RUN = "folder of a trained model, as `fit --out` made it"


def size(text: str) -> int | tuple[int, int]:
    """`64` or `48x64` (height x width)."""
    try:
        sides = [int(side) for side in text.lower().split("x")]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2) or min(sides) < 1:
        raise ValueError(f"pixels, as 64, or height and width, as 48x64; got {text!r}")
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])


def channels(text: str) -> int:
    """`1` or `3`."""
    return int(one_of(("1", "3"))(text))


LABELS = Flag(
    "labels",
    str,
    "classes, for the evidence (and for methods that learn from them): the word `labels` for the data set's own "
    "(class folders, label files), a .csv or .tsv with the columns id and label, or the name of a table's column, "
    "which is then no feature",
    "labels|FILE|COLUMN",
)
ON_ERROR = Flag(
    "on_error",
    one_of(("raise", "skip")),
    "what to do about images or texts that cannot be read: refuse the set and name them, or leave them out",
    "{raise,skip}",
)
TEXT = Flag("text", str, "the column of a table that holds the texts", "COLUMN")
ENCODING = Flag("encoding", str, "of text files and tables, such as latin-1; else it is detected", "NAME")
DATA = [
    LABELS,
    Flag(
        "modality",
        one_of(("auto", "image", "table", "text", "video")),
        "what is in SOURCE, where it does not show: text for folders and archives of text files, lines of text, counts "
        "of words; video for GIFs, folders of frames, arrays (N, T, H, W)",
        "{auto,image,table,text,video}",
    ),
    TEXT,
    ENCODING,
    Flag("size", size, "bring image files to this many pixels, N or HxW", "N"),
    Flag("channels", channels, "1 for grey images, 3 for colour", "{1,3}"),
    Flag("frames", whole, "of clips: keep so many of the first, or cut one long sequence into clips of so many", "N"),
    Flag(
        "scaling",
        one_of(("standard", "minmax", "none")),
        "scaling of the numbers in a table",
        "{standard,minmax,none}",
    ),
    Flag(
        "missing",
        one_of(("auto", "impute", "refuse", "ignore")),
        "what to do about missing values in a table",
        "{auto,impute,refuse,ignore}",
    ),
    ON_ERROR,
]
AGAIN = [LABELS, TEXT, ENCODING, ON_ERROR]  # for data that a trained model's recipe treats
_ARGUMENTS = {flag.key for flag in DATA} - {"labels"}


def data_flags(taken: Container[str]) -> list[Flag]:
    """The flags for data, without those that a method has as arguments of its own."""
    return [flag for flag in DATA if flag.key not in taken]


def open_source(
    source: str,
    values: Mapping[str, Any],
    spec: "DataSpec | None" = None,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> "Dataset":
    """The data set that a command names, by the flags in `values`; encoded by `spec` if a model has one.

    `options` are those with which a method opens its data, unless a flag says otherwise.

    Raises
    ------
    DataError, ArgumentError
        See `nolabel.open`; or labels were asked for that the source has not.
    """
    _refuse_feature(values.get("labels"), spec)
    wishes = {key: value for key, value in values.items() if key in _ARGUMENTS}
    spoken = {} if spec is None else {"spec": spec}
    with speech.counting("reading") as progress:
        data = _with_labels(source, values.get("labels"), {**options, **wishes, **spoken, "progress": progress})
    _say_skipped(data)
    for note in data.notes:
        speech.remark(note)
    return data


def _refuse_feature(labels: str | None, spec: "DataSpec | None") -> None:
    features = [column["name"] for column in spec.recipe.get("columns", ())] if spec is not None else []
    if labels in features:
        raise ArgumentError(
            f"--labels {labels}: the model was fitted to that column as a feature, so its codes hold the answer. Fit "
            f"one with --labels {labels}, which keeps the column out, or name another column"
        )


def _with_labels(source: str, labels: str | None, wishes: Mapping[str, Any]) -> "Dataset":
    from nolabel.data.source import open as open_data

    if labels is not None and labels.lower().endswith(FILES):
        from nolabel.data.label_files import opened

        return opened(source, labels, **wishes)
    if labels not in (None, OWN):
        return open_data(source, labels=labels, **wishes)
    data = open_data(source, **wishes)
    if labels is None or data.labels is not None:
        return data
    try:
        return open_data(source, labels=labels, **wishes)  # a column of that very name
    except ArgumentError:
        raise ArgumentError(f"--labels {OWN}: {_no_labels(data)}") from None


def _no_labels(data: "Dataset") -> str:
    """Why a data set has none, and how it gets some."""
    from nolabel.data.labels import lone_class

    lone = lone_class(data.ids)
    if lone is not None:
        return (
            f"{data.name} has one class folder only, {lone!r}: one class is too few to tell apart; put the samples of "
            "each class in a folder of its own"
        )
    fix = "name the column that holds them, as in --labels species"
    if data.spec.modality == "image":
        fix = "put the images of each class in a folder of its own"
    return f"{data.name} has no labels of its own; {fix}"


def _say_skipped(data: "Dataset") -> None:
    if not data.skipped:
        return
    lines = [f"  {problem.where}: {problem.why}" for problem in data.skipped[:_SHOWN]]
    more = [f"  and {len(data.skipped) - _SHOWN} more"] if len(data.skipped) > _SHOWN else []
    speech.remark("\n".join([f"left out, because they cannot be read ({len(data.skipped)}):", *lines, *more]))


def open_targets(target: str, data: "Dataset", values: Mapping[str, Any], options: Mapping[str, Any]) -> "Dataset":
    """The targets of the images `data`, opened as those were, but for their channels; files of the same size.

    Raises
    ------
    DataError, ArgumentError
        See `nolabel.data.pairs.open_targets`.
    """
    from nolabel.data.pairs import open_targets as open_beside

    wishes = {key: value for key, value in values.items() if key in ("on_error", "size")}
    with speech.counting("reading") as progress:
        targets = open_beside(target, data, {**options, **wishes, "progress": progress})
    _say_skipped(targets)
    return targets


def open_run(run: str) -> "Estimator":
    """The model in a run folder.

    Raises
    ------
    SavedModelError
        There is none, or it is damaged; for a run that was stopped, the command that goes on with it.
    """
    from nolabel.cli import history
    from nolabel.methods._folder import load

    folder = Path(run).expanduser()
    if not folder.exists():
        raise SavedModelError(f"there is no folder {folder}; RUN is the folder that `nolabel fit ... --out RUN` made")
    unfinished = (folder / "checkpoint").is_dir() and not (folder / "model" / "model.json").is_file()
    if unfinished:
        command = history.recall(folder)
        how = f":\n  {command} --resume" if command else " with the same command and --resume"
        raise SavedModelError(f"{folder} holds a run that was not finished; go on with it{how}")
    return load(folder)


def open_able(run: str, kind: str) -> Any:
    """The model in a run folder, if it is an `Embedder`, `Reconstructor`, `Sampler` or `TopicModel`.

    Raises
    ------
    ArgumentError
        It is not; the methods that are, are named.
    """
    from importlib import import_module

    from nolabel.methods import method_class, stems

    model = open_run(run)
    home = {"TopicModel": "_topics", "Translator": "_translator"}.get(kind, "_base")
    wanted: type = getattr(import_module(f"nolabel.methods.{home}"), kind)
    if not isinstance(model, wanted):
        able = ", ".join(stem.replace("_", "-") for stem in stems() if issubclass(method_class(stem), wanted))
        name = type(model).__name__
        raise ArgumentError(f"{run} holds a model of {name}, which cannot {_ABLE[kind]}. Methods that can: {able}")
    return model


def open_both(values: Mapping[str, Any], kind: str) -> "tuple[Any, Dataset]":
    """The model in RUN, of this kind, and the data in SOURCE, treated by the model's own recipe."""
    model = open_able(values["RUN"], kind)
    return model, open_source(values["SOURCE"], values, spec=model.spec_)
