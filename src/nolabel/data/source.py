"""Anything a user has -> `Dataset`, and network values -> the user's own form.

It only says who does what: `finding` reads a source, `images`, `clips`, `tables`, `sparse_tables` and `text` encode and
restore it.

    source                                                    read by
    "mnist", "mnist:test", ...                                named
    folder, list or pandas Series of paths                    files
    .tar, .tar.gz, .tar.xz, .tar.bz2, .zip                    archives
    .npy, .npz, NumPy array, torch tensor, nested lists       arrays
    IDX file, also .gz                                        idx
    .csv, .tsv, .txt (also .gz), .parquet, pandas DataFrame   tables
    scipy sparse matrix or array                              arrays
    list, tuple or pandas Series of texts                     documents
    folder, list of paths, line by line file of texts         files
    folder, list of GIFs or of folders of frames              clip_files
    Hugging Face `datasets` object                            hub
    Dataset                                                   returned as it is
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nolabel.data import cache as cache_room
from nolabel.data import clip_sets, clips, decoded, finding, images, memory
from nolabel.data.assembling import labels_of, put_together, row_ids, take_column
from nolabel.data.dataset import Dataset
from nolabel.data.decoding import Progress
from nolabel.data.documents import check_encoding
from nolabel.data.labels import Labels, coded, from_folders
from nolabel.data.raw import Raw, RawArray, RawFrames, RawImages, RawSparse, RawTable, RawTexts
from nolabel.errors import ArgumentError, DataError, ModalityError, Problem, TrainingError, is_whole, not_a_choice
from nolabel.types import DataSpec

LATER = ("text", "encoding", "tokenizer")
"""Options of `open` that a recipe cannot hold, so that they are needed for later data, too."""

_WORDS = {"image": "images", "table": "a table", "video": "clips"}
_CLIPS = (
    "clips are arrays (N, T, H, W) or (N, T, H, W, C) (X[None] for one alone), a folder of animated GIFs, or one of "
    "folders of frames"
)
_MODALITIES = ("auto", "image", "table", "text", "video")
_NO_COLUMNS = "labels={!r}: images have no columns; pass one label for each sample"


@final
@dataclass(frozen=True)
class _Wishes:
    """The arguments of `open`."""

    spec: DataSpec | None
    labels: object
    size: tuple[int, int] | None
    channels: int | None
    frames: int | None
    split: str | None
    scaling: Literal["standard", "minmax", "none"]
    missing: Literal["auto", "impute", "refuse"]
    on_error: str
    cache: "bool | str | Path"
    in_memory: bool | None
    progress: Progress | None
    texts: "dict[str, Any]"


def open(
    source: Any,
    *,
    spec: DataSpec | None = None,
    labels: object = None,
    size: int | tuple[int, int] | None = None,
    channels: Literal[1, 3] | None = None,
    frames: int | None = None,
    split: str | None = None,
    scaling: Literal["standard", "minmax", "none"] = "standard",
    missing: Literal["auto", "impute", "refuse", "ignore"] = "auto",
    on_error: Literal["raise", "skip"] = "raise",
    cache: "bool | str | Path" = True,
    in_memory: bool | None = None,
    progress: Progress | None = None,
    modality: Literal["auto", "image", "table", "text", "video"] = "auto",
    text: str | None = None,
    encoding: str | None = None,
    lowercase: bool = True,
    stop_words: "str | Sequence[str] | None" = None,
    min_df: int | float = 1,
    max_df: int | float = 1.0,
    ngrams: Sequence[int] = (1, 1),
    min_length: int = 1,
    max_features: int | None = None,
    characters: "bool | Literal['auto']" = "auto",
    tokenizer: "Callable[[str], Iterable[str]] | None" = None,
    grow: bool = False,
) -> Dataset:
    """Open a source of any kind as a `Dataset`.

    Parameters
    ----------
    source
        What to open: an array (2-D: a table; 3-D or 4-D: images; 5-D: clips), tensor, DataFrame, list of image paths,
        folder of images, archive, IDX, .npy, .npz, CSV, TSV or Parquet file, `datasets` object, scipy sparse matrix,
        list of texts, the name of a data set (`nolabel.data.named.NAMES`, `"mnist:test"` for a split of it), or a
        `Dataset`. A name wins over a file of that name; write "./mnist" for the file. With `modality="text"` also: a
        folder or archive of text files (.txt, .text, .md, .rst, .eml, or without a suffix), a text file with a text on
        each line (blank ones are passed over), a table with a column of texts, or a table of counts. With
        `modality="video"` also: a 4-D array (N, T, H, W), a folder of animated GIFs, one of folders of frames, a list
        of such GIFs and folders, and what is one sequence: a folder of frames or one GIF. The channels of images are
        the axis of 1 or 3; if the first and the last both could be, as in (N, 3, 3, 3), the last, in a tensor the
        first.
    spec
        Encode by this recipe, learned before, instead of learning one: what `transform` does with new data.
    labels
        One label for each sample, -1, NaN or None where unknown; or the name of a table's column, which is then no
        feature. None for what the source has: class folders, IDX labels, `y` in an .npz, a class column.
    size
        Height and width (one number for a square) that image files are brought to; None for their own if all have the
        same, else a square of their median shorter side, at most 128.
    channels
        1 for grey, 3 for colour; None for grey unless a file is colour. For image files.
    frames
        Of clips: how many of the first frames are kept of each; None if all clips have the same number. A sequence is
        cut into clips of so many. Clips with fewer are refused, or left out with `on_error="skip"`.
    split
        Part of a source that has parts: "train", "test", a sub-folder, `x_test` in an .npz.
    scaling
        Of the numbers in a table, see `nolabel.data.tables.learn`.
    missing
        What to do about missing values in a table, see `nolabel.data.tables.learn`. "ignore" is "impute", for methods
        that leave masked values out. (A missing text is an empty one.)
    on_error
        "raise" to refuse a set with broken images, unreadable texts or clips that are too short, naming them; "skip" to
        leave them out, listed in `Dataset.skipped`.
    cache
        Whether decoded images are kept on disk for the next time, or the folder to keep them in. True for the folder
        in the variable NOLABEL_CACHE, or the platform's own.
    in_memory
        Whether decoded images are held in memory; None if they take at most 1 GiB and a quarter of the memory allowed.
        By the same rule texts are kept beside their counts, as `Dataset.texts`.
    progress
        Called with images (texts) done and those in all while decoding (counting), from any thread.
    modality
        What the source holds; "auto" takes folders and archives for images, strings that name no files for texts, and
        rows of numbers for tables. Say "text" for texts in files, and for rows that count words; say "video" for clips
        in files, and for arrays (N, T, H, W).
    text
        The column of a table that holds the texts; None for the only one that looks like running text. Implies
        `modality="text"`.
    encoding
        Of text files, each of which is looked at by itself if it is None, see `nolabel.data.documents`; or of a .csv or
        .tsv.
    lowercase, stop_words, min_df, max_df, ngrams, min_length, max_features, characters
        What is a word, and which words of texts are counted, see `nolabel.data.vocabulary.Rules`. Learned with the
        spec; not for counts that somebody has made.
    tokenizer
        A function from a text to its words, instead of the word rule. It cannot be saved: give it again with `spec`.
    grow
        With `spec`: add new words that pass the rules (within these texts) to the vocabulary; the spec of the returned
        data set has them, behind the known ones.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        The data cannot be used as given.
    BrokenFilesError
        Some images or text files cannot be read.
    ModalityError
        The data are of another kind than `spec`.
    ArgumentError
        An argument is wrong, or a name or path is not there.
    OutputError
        Decoded images cannot be written to the cache.
    """
    kind = _as_modality(modality, text, spec)
    check_encoding(encoding)
    _check_choices(channels, scaling, missing, on_error)
    frames = _checked_frames(frames)
    rules = {"lowercase": lowercase, "stop_words": stop_words, "min_df": min_df, "max_df": max_df, "ngrams": ngrams}
    rules |= {"min_length": min_length, "max_features": max_features, "characters": characters}
    texts = {"column": text, "encoding": encoding, "rules": rules, "tokenizer": tokenizer, "grow": grow}
    filled: Literal["auto", "impute", "refuse"] = "impute" if missing == "ignore" else missing
    wishes = _Wishes(
        spec,
        labels,
        _as_size(size),
        channels,
        frames,
        split,
        scaling,
        filled,
        on_error,
        cache,
        in_memory,
        progress,
        texts,
    )
    if isinstance(source, str) and not source.strip():
        raise ArgumentError('source is empty; give a path or a name, "." for this folder')
    if isinstance(source, Dataset):
        if spec is None:
            _check_is(source.spec.modality, kind, repr(source), opened=True)
        return _reopened(source, wishes)
    column = labels if isinstance(labels, str) else None
    said = {"texts": kind == "text", "clips": kind == "video"}
    raw = finding.read(source, split=split, label=column, encoding=encoding, **said)
    return _encoded(raw, wishes, kind)


def counted_anew(data: Dataset, options: Mapping[str, Any]) -> Dataset:
    """Texts counted by the rules in `options`, if they were counted by others; any other data set as it is.

    Parameters
    ----------
    data
        Texts, or anything else.
    options
        Arguments of `open`. Unless they hold all the rules for words, nothing is changed.

    Raises
    ------
    DataError
        The rules are others, and the texts were not kept.
    """
    names = ("lowercase", "stop_words", "min_df", "max_df", "ngrams", "min_length", "max_features", "characters")
    if data.spec.recipe.get("kind") != "texts" or not all(name in options for name in names):
        return data
    from nolabel.data import text_sets
    from nolabel.data.vocabulary import Rules

    tokenizer = options.get("tokenizer")
    rules = Rules.checked(**{name: options[name] for name in names}, tokenizer=tokenizer)
    return text_sets.recounted(data, rules, tokenizer)


def restore(spec: DataSpec, values: Tensor) -> "NDArray[Any] | Any":
    """Network values back in the user's own form.

    Parameters
    ----------
    spec
        The recipe that the data were encoded with.
    values
        (B, *spec.shape) network values.

    Returns
    -------
    ndarray or DataFrame
        Images and clips in the layout and dtype they came in; tables as DataFrame or array, as they came in (sparse
        ones as dense arrays). Texts as counts, a DataFrame with a column for each word: prose cannot be had from them.

    Raises
    ------
    TrainingError
        Values are NaN or infinite, as those of a model are whose training has diverged.
    """
    known = values if values.layout == torch.strided else values.values()
    if not bool(torch.isfinite(known).all()):
        raise TrainingError(
            "the model gives values that are not finite (NaN or infinite), for its training has diverged. Fit it anew "
            "with a smaller learning_rate"
        )
    if spec.modality == "image":
        return images.restore(spec, values)
    if spec.modality == "video":
        return clips.restore(spec, values)
    if spec.modality == "text":
        from nolabel.data import text

        return text.restore(spec, values)
    from nolabel.data import sparse_tables, tables

    return (sparse_tables if spec.recipe["kind"] == "sparse" else tables).restore(spec, values)


def _check_choices(channels: object, scaling: object, missing: object, on_error: object) -> None:
    for argument, value, choices in (
        ("scaling", scaling, ("standard", "minmax", "none")),
        ("missing", missing, ("auto", "impute", "refuse", "ignore")),
        ("on_error", on_error, ("raise", "skip")),
    ):
        if value not in choices:
            raise not_a_choice(argument, value, choices)
    if channels not in (None, 1, 3):
        raise ArgumentError(f"channels must be 1 (grey), 3 (colour) or None; got {channels!r}")


def _checked_frames(frames: Any) -> int | None:
    if frames is not None and not (is_whole(frames) and frames >= 1):
        raise ArgumentError(f"frames must be a whole number of at least 1, or None for all; got {frames!r}")
    return None if frames is None else int(frames)


def _as_size(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    pair = tuple(size) if isinstance(size, Sequence) else (size, size)
    if len(pair) != 2 or not all(is_whole(side) and side > 0 for side in pair):
        raise ArgumentError(f"size must be a positive whole number of pixels, or (height, width); got {size!r}")
    return int(pair[0]), int(pair[1])


def _as_modality(modality: str, text: str | None, spec: DataSpec | None) -> str:
    """What the source must hold, by everything that was said; "auto" if nothing was."""
    if modality not in _MODALITIES:
        raise not_a_choice("modality", modality, _MODALITIES)
    if text is not None and modality == "auto" and spec is None:
        modality = "text"
    if text is not None and (modality if spec is None else spec.modality) != "text":
        raise ArgumentError(f"text={text!r} names a column of texts, which needs modality='text'; got {modality!r}")
    if spec is None:
        return modality
    if modality not in ("auto", spec.modality):
        raise ModalityError(f"modality={modality!r}, but spec was learned from data of kind {spec.modality!r}")
    return spec.modality


def _check_is(found: str, modality: str, name: str, *, opened: bool = False) -> None:
    """Refuse data of another kind than was said; `opened` if they had been opened before."""
    if modality not in ("auto", found):
        fix = f"; open it with modality={modality!r}" if modality == "text" or (opened and modality == "video") else ""
        fix = f"; {_CLIPS}" if modality == "video" and not opened else fix
        raise ModalityError(f"data of kind {modality!r} were expected; {name} is of kind {found!r}{fix}")


def _encoded(raw: Raw, wishes: _Wishes, modality: str) -> Dataset:
    if modality == "text" or isinstance(raw, RawTexts):
        return _from_texts(raw, wishes, modality)
    held = _held(raw, modality)
    if wishes.spec is None:
        _check_is(held, modality, raw.name)
    _check_modality(raw, held, wishes)
    _refuse_text_options(raw, held, wishes)
    if held == "video":
        return _from_clips(raw, wishes)
    if isinstance(raw, RawSparse):
        return _from_sparse(raw, wishes)
    if isinstance(raw, RawTable):
        return _from_table(raw, wishes)
    if isinstance(wishes.labels, str) and not isinstance(raw, RawImages):
        raise ArgumentError(_NO_COLUMNS.format(wishes.labels))
    assert isinstance(raw, RawArray | RawImages)
    return _from_array(raw, wishes) if isinstance(raw, RawArray) else _from_images(raw, wishes)


def _held(raw: Raw, modality: str) -> Literal["image", "table", "video"]:
    """What kind of data it is; whether four axes are those of clips, somebody must have said."""
    if isinstance(raw, RawTable | RawSparse):
        return "table"
    if isinstance(raw, RawFrames):
        return "video"
    if not isinstance(raw, RawArray) or raw.values.ndim == 3:
        return "image"
    return "video" if raw.clips or raw.values.ndim == 5 or modality == "video" else "image"


def _refuse_text_options(raw: Raw, held: str, wishes: _Wishes) -> None:
    """Rules for words are of no use where there are none."""
    given = {**wishes.texts["rules"], "tokenizer": wishes.texts["tokenizer"]}
    usual = inspect.signature(open).parameters
    said = [name for name, value in given.items() if value is not usual[name].default and value != usual[name].default]
    if said:
        raise ArgumentError(
            f"{said[0]}={given[said[0]]!r:.60} is for texts; {raw.name} was opened as {_WORDS[held]}: say "
            "modality='text' if it holds texts"
        )


def _check_modality(raw: Raw, held: str, wishes: _Wishes) -> None:
    spec = wishes.spec
    if spec is not None and spec.modality != held:
        raise ModalityError(_wrong_modality(raw, held, spec))
    if held == "table" and (wishes.size is not None or wishes.channels is not None):
        raise ArgumentError(f"size and channels are for images; {raw.name} is a table")
    if held != "video" and wishes.frames is not None:
        fix = "; say modality='video' if it holds clips" if held == "image" else ""
        raise ArgumentError(f"frames is for clips; {raw.name} was opened as {_WORDS[held]}{fix}")


def _wrong_modality(raw: Raw, held: str, spec: DataSpec) -> str:
    if "video" in (held, spec.modality):
        return _clips_or_not(raw, held, spec)
    if isinstance(raw, RawTable | RawSparse):
        fix = "pass images"
        if isinstance(raw, RawTable) and raw.kind == "array" and raw.frame.shape[1] == spec.width:
            fix = f"reshape the flat rows: X.reshape(-1, {', '.join(map(str, spec.shape))})"
        return f"the model was fitted to images of shape {spec.shape}; {raw.name} is a table: {fix}"
    fix = "pass a table with the columns it was fitted to"
    if isinstance(raw, RawArray) and raw.values[0].size == spec.recipe.get("width"):
        fix = "flatten the images: X.reshape(len(X), -1)"
    return f"the model was fitted to a table with {spec.recipe.get('width')} columns; {raw.name} holds images: {fix}"


def _clips_or_not(raw: Raw, held: str, spec: DataSpec) -> str:
    """Where either is clips."""
    holds = "is a table" if held == "table" else f"holds {_WORDS[held]}"
    if spec.modality == "video":
        return (
            f"the model was fitted to clips, {clips.size(spec.shape)}; {raw.name} {holds}: pass clips (N, T, H, W[, C])"
        )
    if spec.modality == "image":
        return (
            f"the model was fitted to images of shape {spec.shape}; {raw.name} {holds}: pass single frames, as images"
        )
    return f"the model was fitted to a table with {spec.recipe.get('width')} columns; {raw.name} {holds}: pass a table"


def _from_clips(raw: Raw, wishes: _Wishes) -> Dataset:
    assert isinstance(raw, RawArray | RawFrames)
    common = ("spec", "labels", "frames", "size", "channels", "on_error", "in_memory", "progress")
    cache = cache_room.root(wishes.cache) if isinstance(raw, RawFrames) else None
    return clip_sets.dataset(raw, clip_sets.Wishes(cache=cache, **{name: getattr(wishes, name) for name in common}))


def _from_table(raw: RawTable, wishes: _Wishes) -> Dataset:
    from nolabel.data import tables

    if wishes.spec is not None and wishes.spec.recipe["kind"] == "sparse":
        return _from_sparse(RawSparse(raw.frame.to_numpy(), raw.name, raw.labels, raw.classes), wishes)
    frame, labels = take_column(raw, wishes.labels)
    spec = wishes.spec or tables.learn(frame, scaling=wishes.scaling, missing=wishes.missing, kind=raw.kind)
    values, mask = tables.encode(frame, spec)
    known = labels_of(replace(raw, frame=frame), labels, len(frame))
    return put_together(spec, values, row_ids(frame), known, raw.name, mask=mask)


def _from_sparse(raw: RawSparse, wishes: _Wishes) -> Dataset:
    from nolabel.data import sparse_tables, tables

    if isinstance(wishes.labels, str):
        raise ArgumentError(f"labels={wishes.labels!r}: {raw.name} has no columns with names; pass one label a row")
    if wishes.spec is not None and wishes.spec.recipe["kind"] != "sparse":  # fitted to a dense table
        frame = tables.from_array(raw.matrix.toarray())
        return _from_table(RawTable(frame, raw.name, "array", raw.labels, raw.classes), wishes)
    spec = wishes.spec or sparse_tables.learn(raw.matrix)
    store = sparse_tables.encode(raw.matrix, spec)
    known = labels_of(raw, wishes.labels, store.shape[0])
    return put_together(spec, store, range(store.shape[0]), known, raw.name)


def _from_texts(raw: Raw, wishes: _Wishes, modality: str) -> Dataset:
    from nolabel.data import text_sets  # only here: scipy and pandas take a while to import
    from nolabel.data.vocabulary import Rules

    if isinstance(raw, RawArray | RawImages | RawFrames):
        held = _WORDS[_held(raw, modality)]
        raise ModalityError(f"texts, or counts of words, were expected; {raw.name} holds {held}")
    _check_is("text", modality, raw.name)
    if wishes.size is not None or wishes.channels is not None:
        raise ArgumentError(f"size and channels are for images; {raw.name} holds texts")
    rules = Rules.checked(**wishes.texts["rules"], tokenizer=wishes.texts["tokenizer"])
    common = {name: getattr(wishes, name) for name in ("spec", "labels", "on_error", "in_memory", "progress")}
    return text_sets.dataset(raw, text_sets.Wishes(**{**wishes.texts, **common, "rules": rules}))


def _from_array(raw: RawArray, wishes: _Wishes) -> Dataset:
    spec = wishes.spec or images.learn(raw.values, channels_first=raw.channels_first)
    stored = images.encode(raw.values, spec, channels_first=raw.channels_first)
    _check_as_wished(spec, wishes)
    known = labels_of(raw, wishes.labels, len(stored))
    return put_together(spec, memory.settle(stored, wishes.in_memory), range(len(stored)), known, raw.name)


def _check_as_wished(spec: DataSpec, wishes: _Wishes) -> None:
    """Arrays are not resized or recoloured."""
    channels, *size = spec.shape
    if wishes.size not in (None, tuple(size)):
        raise ArgumentError(f"size is for image files; this array holds {size[0]} x {size[1]} pixels: resize it first")
    if wishes.channels not in (None, channels):
        raise ArgumentError(f"channels is for image files; this array has {channels}: convert it first")


def _from_images(raw: RawImages, wishes: _Wishes) -> Dataset:
    wanted = decoded.Wanted(wishes.size, wishes.channels)
    if wishes.spec is not None:
        wanted = decoded.Wanted((wishes.spec.shape[1], wishes.spec.shape[2]), wishes.spec.shape[0])
    entry = decoded.pixels(raw, wanted, cache_room.root(wishes.cache), wishes.progress)
    names, broken = entry.about.names, entry.about.broken
    total = len(names) + len(broken)
    if broken and wishes.on_error == "raise":
        raise decoded.broken_files(broken, total)
    rows = np.delete(np.arange(total), [one.row for one in broken]).tolist() if broken else range(total)
    known = _image_labels(raw, wishes.labels, names, total, [one.row for one in broken])
    spec = wishes.spec or images.learn_files(*entry.about.shape[1:])
    ids = names if raw.ids == "names" else rows
    skipped = [Problem(one.where, one.why) for one in broken]
    notes = _first_frames(entry.about.animated, len(names)) if wishes.spec is None else ()
    stored = memory.settle(entry.pixels, wishes.in_memory)
    return put_together(spec, stored, ids, known, raw.name, skipped=skipped, notes=notes)


def _first_frames(animated: int, total: int) -> Sequence[str]:
    """A note where pictures move, of which a still was taken."""
    if not animated:
        return ()
    return [
        f"{animated:,} of {total:,} pictures are animated: their first frame is taken; --modality video "
        "(modality='video') keeps them whole, as clips"
    ]


def _image_labels(
    raw: RawImages, labels: object, names: Sequence[str], total: int, gaps: Sequence[int]
) -> Labels | None:
    """Labels of the images that are left; those that a user or a source gave count the broken ones too."""
    if labels is None and raw.labels == "folders":
        return from_folders(names)
    if isinstance(labels, str):
        if raw.labels == "folders":
            raise ArgumentError(_NO_COLUMNS.format(labels))
        labels = None  # the reader has chosen that column
    known = labels_of(raw, labels, total)
    return known.without(gaps) if known is not None and gaps else known


def _reopened(source: Dataset, wishes: _Wishes) -> Dataset:
    spec = wishes.spec
    if spec is not None and spec != source.spec:
        _check_same_kind(source, spec)
    if wishes.labels is None and spec in (None, source.spec):
        return source
    known = None if wishes.labels is None else coded(wishes.labels, len(source))
    codes, classes = (source.labels, source.classes) if known is None else (known.codes, known.classes)
    return Dataset(
        spec or source.spec,
        source.store,
        source.ids,
        labels=codes,
        classes=classes,
        mask=source.mask,
        skipped=source.skipped,
        name=source.name,
        texts=source.texts,
        notes=source.notes,
    )


def _check_same_kind(source: Dataset, spec: DataSpec) -> None:
    """Pixels of the right shape are the same to a network wherever they came from; tables need the same recipe."""
    if spec.modality != source.spec.modality:
        raise ModalityError(
            f"the model was fitted to data of kind {spec.modality!r}; {source!r} is of kind {source.spec.modality!r}"
        )
    if spec.modality not in ("image", "video") or spec.shape != source.spec.shape:
        raise DataError(
            f"{source!r} was not encoded as the model's data were (shape {spec.shape}). Pass what it was opened "
            "from, or open it with spec=model.spec_"
        )
