"""`Content` to one HTML page: style, script, pictures and values all inside, nothing fetched.

Ids, class names, column names and paths are the user's words. They reach the page as escaped text (autoescape is on
throughout) or as JSON that the script only ever sets as text; beyond that the page carries a content security policy
which lets run no script but its own, by hash, and lets nothing load from anywhere.
"""

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from nolabel.report import figures
from nolabel.report.cells import evidence_table, label_table, tile
from nolabel.report.content import Content, Generated, Measure, Pictures, Rows, Topics, Traversal, UnitMap
from nolabel.report.curves import label_chart, learning_charts
from nolabel.report.figures import Chart
from nolabel.report.generated_values import (
    CloudFigure,
    JudgedTable,
    StripFigure,
    cloud_figure,
    judged_table,
    strip_figure,
)
from nolabel.report.images import data_uri, strip
from nolabel.report.numbers import duration, number
from nolabel.report.points import script_values
from nolabel.report.topic_values import STEP, TopicRow, topic_rows, topic_values
from nolabel.report.unit_values import planes_sent, unit_values

_TINY = 48  # pictures below this many pixels are drawn with hard edges


@dataclass(frozen=True)
class Stack:
    """One sample's pictures, one over the other: (name of the version, `data:` address)."""

    id: str
    images: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class PictureGroup:
    """A `Pictures` as the template needs it."""

    caption: str
    names: str
    stacks: Sequence[Stack]
    width: int
    height: int
    tiny: bool


@dataclass(frozen=True)
class Entry:
    """A value as text; `marked` if it should stand out."""

    text: str
    marked: bool


@dataclass(frozen=True)
class TableRow:
    """One column of the data, across the samples shown; a cell has one entry for each version."""

    column: str
    explained: str
    share: float
    cells: Sequence[Sequence[Entry]]


@dataclass(frozen=True)
class RowGroup:
    """A `Rows` as the template needs it: the data's columns run down the page."""

    caption: str
    names: str
    ids: Sequence[str]
    rows: Sequence[TableRow]
    explained: bool


@dataclass(frozen=True)
class Setting:
    """One argument of the method: its value, and its default where the value is another."""

    name: str
    value: str
    default: str
    changed: bool


@dataclass(frozen=True)
class Strip:
    """What one dimension of the code does: a row of pictures, or the columns that it moves."""

    name: str
    spread: str
    uri: str
    columns: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Walk:
    """A `Traversal` as the template needs it."""

    note: str
    low: str
    high: str
    tiny: bool
    strips: Sequence[Strip]
    changes: Sequence[Strip]


@dataclass(frozen=True)
class GeneratedSection:
    """A `Generated` as the template needs it."""

    data: PictureGroup | RowGroup | None
    film: StripFigure | None
    clouds: CloudFigure | None
    nearest: PictureGroup | RowGroup | None
    measures: Sequence[Measure]
    between: StripFigure | None
    directions: StripFigure | None
    judged: JudgedTable | None


@dataclass(frozen=True)
class View:
    """One way to look at the map of units: its name in the script, and on its button."""

    key: str
    name: str


@dataclass(frozen=True)
class UnitSection:
    """A `UnitMap` as the template needs it."""

    note: str
    count: int
    measures: Sequence[Measure]
    views: Sequence[View]
    planes: Sequence[str]
    planes_note: str


@dataclass(frozen=True)
class TopicSection:
    """A `Topics` as the template needs it."""

    note: str
    measures: Sequence[Measure]
    rows: Sequence[TopicRow]
    step: float
    left_out: str


def render(content: Content) -> str:
    """The whole page as HTML text."""
    charts = learning_charts(content.history)
    labels, budget = label_chart(content.evidence), label_chart(content.budget)
    script = _script(content)
    shown: dict[str, Any] = {
        "content": content,
        "meta": [each for each in (content.made, *_run_facts(content.history)) if each],
        "headlines": [tile(each) for each in content.headlines],
        "units": None if content.units is None else _units(content.units),
        "topics": None if content.topics is None else _topics(content.topics),
        "views": None if content.views is None else _group(content.views),
        "suggested": None if content.suggested is None else _group(content.suggested),
        "budget_chart": budget,
        "budget_table": label_table(content.budget),
        "rebuilt": [_group(each) for each in content.rebuilt],
        "samples": None if content.samples is None else _group(content.samples),
        "generated": None if content.generated is None else _generated(content.generated),
        "traversal": None if content.traversal is None else _walk(content.traversal),
        "charts": charts,
        "log_possible": any(chart.log for chart in charts),
        "label_chart": labels,
        "label_table": label_table(content.evidence),
        "evidence": evidence_table(content.evidence),
        "settings": _settings(content.settings, content.defaults),
        "map_count": _map_count(content),
        "width": figures.WIDTH,
        "height": figures.HEIGHT,
        "left": figures.LEFT,
        "right": figures.RIGHT,
        "bottom": figures.BOTTOM,
        "css": Markup(_asset("page.css") + _asset("figures.css") + _asset("generated.css")),
        "script": Markup(script),
        "script_hash": Markup(_source_hash(script)),
        "favicon": _favicon(),
        "values": htmlsafe_json_dumps(_values(content, charts, labels, budget)),
    }
    shown["settings_changed"] = any(row.changed for row in shown["settings"])
    shown["sections"] = _sections(shown)
    return _environment().get_template("page.html.j2").render(shown)


@cache
def _asset(name: str) -> str:
    return (resources.files("nolabel.report") / "templates" / name).read_text(encoding="utf-8")


def _script(content: Content) -> str:
    """The one script of the page: what every page has, then what its figures need, in one function."""
    figures_there = {"units.js": content.units, "topics.js": content.topics, "codes_map.js": content.map}
    parts = ["page.js", *(name for name, figure in figures_there.items() if figure is not None)]
    return '"use strict";\n(() => {\n' + "\n".join(map(_asset, parts)) + "})();\n"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


@cache
def _favicon() -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(_asset("favicon.svg").encode()).decode("ascii")


def _source_hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _sections(shown: Mapping[str, Any]) -> list[tuple[str, str]]:
    content: Content = shown["content"]
    codes = [("map", "Map", content.map is not None), ("views", "Views", shown["views"])]
    made = [
        ("rebuilt", content.rebuilt_title, shown["rebuilt"]),
        ("samples", "Samples", shown["samples"] or shown["generated"]),
    ]
    every = [
        ("units", "Units", shown["units"]),
        ("topics", "Topics", shown["topics"]),
        *(made + codes if content.made_first else codes + made),
        ("traversal", "Code", shown["traversal"]),
        ("curves", "Curves", shown["charts"]),
        ("health", "Health", content.health),
        ("evidence", "Evidence", shown["evidence"]),
        ("labels", "Labels", shown["label_chart"]),
        ("budget", "Label budget", shown["budget_chart"]),
        ("suggested", "Label first", shown["suggested"]),
        ("data", "Data", content.facts or content.skipped or content.left_out or content.notes),
        ("again", "Settings", shown["settings"] or content.versions or content.command),
    ]
    return [(anchor, name) for anchor, name, there in every if there]


def _run_facts(history: Sequence[Mapping[str, Any]]) -> list[str]:
    if not history:
        return []
    seconds = sum(float(row.get("seconds") or 0) for row in history)
    epochs = len(history)
    return [f"{epochs} epoch{'' if epochs == 1 else 's'}", f"trained in {duration(seconds)}" if seconds else ""]


def _map_count(content: Content) -> str:
    if content.map is None:
        return ""
    count, total = len(content.map.ids), content.map.total
    return f"All {count:,} samples are shown." if count == total else f"{count:,} of {total:,} samples are shown."


def _units(shown: UnitMap) -> UnitSection:
    rows, columns = shown.shape
    edges = ", whose left and right, top and bottom edges meet" if shown.toroid else ""
    empty = int((shown.hits == 0).sum())
    note = (
        f"{rows} × {columns} units on a {shown.grid} grid{edges}. Each is a point among the data; units that are "
        f"neighbours on the map are alike. {int(shown.hits.sum()):,} samples were placed"
        f"{f'; {empty:,} {_have(empty)} none' if empty else ''}."
    )
    there = {
        "distances": True,
        "hits": True,
        "label": shown.votes is not None,
        "cluster": True,
        "weights": shown.weights is not None,
    }
    names = {"distances": "U-matrix", "hits": "Hits", "label": "Labels", "cluster": "Clusters", "weights": "Weights"}
    planes = [plane.name for plane in planes_sent(shown)]
    which = "" if len(planes) == shown.of else f" The {len(planes)} of {shown.of:,} columns that vary most."
    return UnitSection(
        note,
        len(shown.hits),
        shown.measures,
        [View(key, names[key]) for key, on in there.items() if on],
        planes,
        f"One column at a time across the same map; click one to see it large.{which}",
    )


def _have(units: int) -> str:
    return "unit has" if units == 1 else "units have"


def _topics(shown: Topics) -> TopicSection:
    rows, count = topic_rows(shown), len(shown.shares)
    note = (
        f"{count:,} topics over {len(shown.words):,} words, from {shown.tokens:,.0f} words of text. Topics are placed "
        "by the Jensen-Shannon divergence of their words, drawn on the two principal coordinates of it."
    )
    left_out = "" if len(rows) == count else f"The {count - len(rows):,} smallest topics are not shown."
    return TopicSection(note, shown.measures, rows, STEP, left_out)


def _group(shown: Pictures | Rows) -> PictureGroup | RowGroup:
    return _picture_group(shown) if isinstance(shown, Pictures) else _row_group(shown)


def _picture_group(shown: Pictures) -> PictureGroup:
    pixels = shown.versions[0][1]
    height, width = pixels.shape[1:3]
    stacks = [
        Stack(str(name), [(version, data_uri(pictures[place])) for version, pictures in shown.versions])
        for place, name in enumerate(shown.ids)
    ]
    names = ", ".join(version for version, _ in shown.versions) if len(shown.versions) > 1 else ""
    return PictureGroup(shown.caption, names, stacks, width, height, max(height, width) < _TINY)


def _row_group(shown: Rows) -> RowGroup:
    explained = shown.explained or [None] * len(shown.columns)
    rows = [
        TableRow(
            column,
            "" if kept is None else f"{max(kept, 0.0):.0%}",
            0.0 if kept is None else round(100 * min(1.0, max(kept, 0.0)), 1),
            [
                _entries([version[place][at] for _, version in shown.versions], shown.marked)
                for place in range(len(shown.ids))
            ],
        )
        for at, (column, kept) in enumerate(zip(shown.columns, explained))
    ]
    names = ", ".join(version for version, _ in shown.versions) if len(shown.versions) > 1 else ""
    return RowGroup(shown.caption, names, list(shown.ids), rows, bool(shown.explained))


def _generated(shown: Generated) -> GeneratedSection:
    film, between, directions = (
        None if each is None else strip_figure(each) for each in (shown.film, shown.between, shown.directions)
    )
    return GeneratedSection(
        data=None if shown.data is None else _group(shown.data),
        film=film,
        clouds=None if shown.clouds is None else cloud_figure(shown.clouds),
        nearest=None if shown.nearest is None else _group(shown.nearest.shown),
        measures=() if shown.nearest is None else shown.nearest.measures,
        between=between,
        directions=directions,
        judged=judged_table(shown.judged),
    )


def _entries(versions: Sequence[str], marked: bool) -> list[Entry]:
    return [Entry(text, marked and text != versions[0]) for text in versions]


def _walk(shown: Traversal) -> Walk:
    low, high = f"{number(shown.steps[0], 0)} sd", f"+{number(shown.steps[-1], 0)} sd"
    note = f"Each row moves one number of the code from {low} to {high}; the others stay as they were. {shown.start}"
    places = range(len(shown.dimensions))
    names = [(str(dimension), number(sd)) for dimension, sd in zip(shown.dimensions, shown.spread)]
    if shown.pictures is None:
        return Walk(note, low, high, False, [], [Strip(*names[place], "", shown.changes[place]) for place in places])
    tiny = max(shown.pictures.shape[2:4]) < _TINY
    return Walk(note, low, high, tiny, [Strip(*names[place], strip(shown.pictures[place]), ()) for place in places], [])


def _settings(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[Setting]:
    rows = []
    for name, value in settings.items():
        changed = name in defaults and repr(defaults[name]) != repr(value)
        rows.append(Setting(name, repr(value), repr(defaults[name]) if changed else "", changed))
    return rows


def _values(
    content: Content, charts: Sequence[Chart], labels: Chart | None, budget: Chart | None = None
) -> dict[str, Any]:
    drawn = {f"curve-{place}": _chart_values(each) for place, each in enumerate(charts)}
    if labels is not None:
        drawn["label-curve"] = _chart_values(labels)
    if budget is not None:
        drawn["budget-curve"] = _chart_values(budget)
    return {
        "charts": drawn,
        "frame": {"width": figures.WIDTH, "top": figures.TOP, "bottom": figures.HEIGHT - figures.BOTTOM},
        "map": None if content.map is None else script_values(content.map),
        "units": None if content.units is None else unit_values(content.units),
        "topics": None if content.topics is None else topic_values(content.topics),
    }


def _chart_values(shown: Chart) -> dict[str, Any]:
    xs = sorted({x for line in shown.lines for x in line.xs})
    lines = [{"name": line.name, "ys": _aligned(line, xs)} for line in shown.lines]
    return {"x_label": shown.x_label, "xs": xs, "pixels": [shown.across.pixel(x) for x in xs], "lines": lines}


def _aligned(line: figures.Line, xs: Sequence[float]) -> list[float | None]:
    known = {x: y for x, y in zip(line.xs, line.ys) if math.isfinite(y)}
    return [known.get(x) for x in xs]
