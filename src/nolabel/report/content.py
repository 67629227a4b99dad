"""`Content`: everything that a report page shows, as plain values.

It is the seam of this room: `gather.py` fills it from a model and its data, `page.py` turns it into HTML, and either
can be used without the other. It knows nothing of models, data sets, files or HTML. A part that is None or empty is a
section that the page leaves out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nolabel.errors import ArgumentError, Problem

Level = Literal["good", "warning", "bad"]
Floats = NDArray[np.floating[Any]]
Codes = NDArray[np.integer[Any]]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Summary:
    """The verdict on top of the page: two sentences, and how good the news is; `key` is the number to set in bold."""

    first: str
    second: str
    level: Level
    key: str = ""

    @property
    def parts(self) -> tuple[str, str, str]:
        """The first sentence before its key number, the number, and the rest."""
        return self.first.partition(self.key) if self.key else (self.first, "", "")


@dataclass(frozen=True)
class Headline:
    """One key number beside its baselines: `values` has the model first, then each baseline, best to read as bars."""

    measure: str
    higher_is_better: bool
    values: Mapping[str, float]


@dataclass(frozen=True)
class Map:
    """A 2-D picture of the codes of `n` samples.

    Parameters
    ----------
    coords
        (n, 2), any units.
    clusters
        (n,) cluster of each sample, -1 for none.
    ids
        n names.
    how
        One line on how the picture was made.
    total
        Samples in the data set, of which these n are shown.
    labels
        (n,) class code of each sample, -1 for unknown, or None without labels.
    classes
        The name of each class code.
    thumbnails
        (n, H, W) grey or (n, H, W, 3) colour, or None where a sample is not a picture.
    columns, rows
        For tables: names of the columns worth showing, and n rows of their values as text.
    lines
        For texts and sparse rows: what each sample begins with, or holds most of, in one line.
    noun
        What a cluster is called on the page: "cluster", "topic".
    names
        For each cluster a few words to go with its number, or ().
    things, reading
        What the points are, for the heading; one line on how to read their distances.
    neighbours
        (n, k) positions in this map of the samples with the nearest codes, or None.
    """

    coords: Floats
    clusters: Codes
    ids: Sequence[str]
    how: str
    total: int
    labels: Codes | None = None
    classes: Sequence[str] = ()
    thumbnails: Pixels | None = None
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    neighbours: Codes | None = None
    lines: Sequence[str] = ()
    noun: str = "cluster"
    names: Sequence[str] = ()
    things: str = "codes"
    reading: str = "Near points have similar codes; distances between far groups mean little."

    def __post_init__(self) -> None:
        count = len(self.coords)
        given = {
            "clusters": self.clusters,
            "ids": self.ids,
            "labels": self.labels,
            "thumbnails": self.thumbnails,
            "rows": self.rows or None,
            "neighbours": self.neighbours,
            "lines": self.lines or None,
        }
        for name, values in given.items():
            if values is not None and len(values) != count:
                raise ArgumentError(f"Map: {name} has {len(values)} entries, coords has {count}; give one each")


@dataclass(frozen=True)
class Measure:
    """One number of a map or of topics: its name, its value as text, and what it means."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Plane:
    """What one column looks like across the units of a map: (K,) values in the user's units."""

    name: str
    values: Floats


@dataclass(frozen=True)
class UnitMap:
    """A self-organizing map of K units.

    Parameters
    ----------
    grid, shape, toroid
        "rectangular" or "hexagonal"; rows and columns, unit k being at row k // columns; whether the edges meet.
    centres
        (K, 2) where the units lie on paper, x to the right and y downwards.
    distances
        (K,) the U-matrix: mean distance of a unit's weights to those of its neighbours, NaN without any.
    hits
        (K,) samples whose nearest unit it is.
    measures
        Quantization error, topographic error.
    clusters
        (K,) cluster of each unit by its weights.
    votes
        (K, C) samples of each class at each unit, or None without labels.
    classes
        The name of each class code.
    planes
        The columns that vary most from unit to unit.
    of
        Columns that there are.
    weights
        (K, H, W[, 3]) each unit's weights as a picture, or None where a sample is not a picture.
    """

    grid: Literal["rectangular", "hexagonal"]
    shape: tuple[int, int]
    toroid: bool
    centres: Floats
    distances: Floats
    hits: Codes
    clusters: Codes
    measures: Sequence[Measure] = ()
    votes: Codes | None = None
    classes: Sequence[str] = ()
    planes: Sequence[Plane] = ()
    of: int = 0
    weights: Pixels | None = None


@dataclass(frozen=True)
class Typical:
    """One of the documents in which a topic has the largest share; `line` is how it begins, "" if that is not known."""

    id: str
    line: str
    share: float


@dataclass(frozen=True)
class Topics:
    """K topics over V words, as a topic model found them.

    Parameters
    ----------
    phi
        (K, V) probability of each word in each topic, rows sum to 1.
    words
        V words.
    shares
        (K,) share of each topic in all the words of the data, sums to 1.
    labels
        A few words that name each topic.
    tokens
        Words in the data, each as often as it occurs.
    typical
        For each topic, the documents in which its share is largest, largest first.
    leading
        (K,) documents in which the topic has the largest share of all.
    votes
        (K, C) how many of those carry each class, or None without labels.
    classes
        The name of each class code.
    coherences
        (K,) coherence of each topic, NaN where it is not known; or None.
    measures
        Coherence, diversity, perplexity: whatever was measured.
    """

    phi: Floats
    words: Sequence[str]
    shares: Floats
    labels: Sequence[str]
    tokens: float
    typical: Sequence[Sequence[Typical]]
    leading: Codes
    votes: Codes | None = None
    classes: Sequence[str] = ()
    coherences: Floats | None = None
    measures: Sequence[Measure] = ()


@dataclass(frozen=True)
class Pictures:
    """The same few samples in several versions, shown one over the other: (name, (n, H, W[, 3]) pixels) of each."""

    caption: str
    ids: Sequence[str]
    versions: Sequence[tuple[str, Pixels]]


@dataclass(frozen=True)
class Rows:
    """A few rows of a table in several versions, as text: (name of the version, n rows of one text per column).

    `explained`, when given, is the share of each column's variance that the reconstruction keeps, over all rows.
    `marked`: whether entries that differ from those of the first version stand out.
    """

    caption: str
    ids: Sequence[str]
    columns: Sequence[str]
    versions: Sequence[tuple[str, Sequence[Sequence[str]]]]
    explained: Sequence[float | None] = ()
    marked: bool = False


@dataclass(frozen=True)
class Traversal:
    """What happens when one number of the code moves and the others stand still.

    Parameters
    ----------
    dimensions
        Positions in the code, most active first.
    spread
        Standard deviation of each of them over the data.
    steps
        Where each picture stands, in standard deviations from the start.
    pictures
        (dimensions, steps, H, W[, 3]) for images, else None.
    changes
        For tables, per dimension: (column, value at the first step, value at the last), largest change first.
    start
        One line on the sample that the walk starts from.
    """

    dimensions: Sequence[int]
    spread: Sequence[float]
    steps: Sequence[float]
    start: str
    pictures: Pixels | None = None
    changes: Sequence[Sequence[tuple[str, str, str]]] = ()


@dataclass(frozen=True)
class Strips:
    """Rows of pictures that change from left to right.

    Parameters
    ----------
    caption
        What is seen.
    names
        A name for each row.
    notes
        A few words on each row.
    ends
        What the first and the last column are, or "" and "".
    pictures
        (rows, steps, H, W[, 3]).
    """

    caption: str
    names: Sequence[str]
    notes: Sequence[str]
    ends: tuple[str, str]
    pictures: Pixels


@dataclass(frozen=True)
class Clouds:
    """Where samples lie among the data, at moments of training.

    Parameters
    ----------
    how
        What the two axes are, in one line.
    data
        (n, 2).
    moments
        (name, (m, 2)) of the samples at each moment, first to last.
    """

    how: str
    data: Floats
    moments: Sequence[tuple[str, Floats]]


@dataclass(frozen=True)
class Nearest:
    """Samples beside the data that are nearest to them, most alike first, and what that says of copying."""

    shown: Pictures | Rows
    measures: Sequence[Measure]


@dataclass(frozen=True)
class Generated:
    """What a model that makes samples has made.

    Parameters
    ----------
    data
        As many of the data, to look at beside the new samples.
    film, clouds
        The same latents at moments of training: pictures, or for tables points.
    nearest
        Samples beside the nearest data.
    between
        Ways from one sample to another.
    directions
        Ways along directions of the latents that change most.
    judged
        What `nolabel.judge` returned, as its `to_dict()`; {} if it was not asked.
    """

    data: Pictures | Rows | None = None
    film: Strips | None = None
    clouds: Clouds | None = None
    nearest: Nearest | None = None
    between: Strips | None = None
    directions: Strips | None = None
    judged: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Content:
    """Everything the page shows.

    Parameters
    ----------
    title
        Heading of the page, as in "Autoencoder on digits".
    method, method_line
        Name of the method, and one line on what it does.
    summary
        The verdict.
    headlines
        Up to four key numbers beside their baselines.
    made
        When the page was made, as text.
    units, topics
        What a self-organizing map or a topic model found.
    map, views, rebuilt, samples, traversal
        The figures; `views` are what training showed of some samples, `rebuilt` holds any number of groups (drawn at
        random, hardest, ...), under `rebuilt_title`.
    generated
        What else is to be said of new samples.
    made_first
        Whether what was rebuilt or made stands before the map.
    suggested
        The samples to label first.
    budget
        Accuracy against the number of labels for networks trained with so many, with "rows" as `evidence` has them.
    history
        One mapping an epoch: "epoch", "loss", each part and signal, "holdout_..." for the held-out ones, "seconds", ...
    health
        The verdicts of the training, each with "level", "name", "text" and "knob".
    evidence
        What `nolabel.evaluate` returned, as its `to_dict()`: "rows" (the label curve among them) and "notes".
    facts
        (name, value) pairs on the data.
    skipped
        Files or rows that were left out because they could not be read.
    left_out
        Columns of a table that were not used, with the reason.
    notes
        What else should be known about how the data were read, one sentence each.
    settings, defaults
        The method's arguments, and what each would have been unasked.
    versions
        Package to version.
    command
        The shell command that makes this model again, or "".
    """

    title: str
    method: str
    method_line: str
    summary: Summary
    headlines: Sequence[Headline] = ()
    made: str = ""
    units: UnitMap | None = None
    topics: Topics | None = None
    map: Map | None = None
    views: Pictures | Rows | None = None
    suggested: Pictures | Rows | None = None
    budget: Mapping[str, Any] = field(default_factory=dict)
    rebuilt: Sequence[Pictures | Rows] = ()
    rebuilt_title: str = "Reconstructions"
    samples: Pictures | Rows | None = None
    generated: Generated | None = None
    made_first: bool = False
    traversal: Traversal | None = None
    history: Sequence[Mapping[str, Any]] = ()
    health: Sequence[Mapping[str, str]] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    facts: Sequence[tuple[str, str]] = ()
    skipped: Sequence[Problem] = ()
    left_out: Sequence[str] = ()
    notes: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
