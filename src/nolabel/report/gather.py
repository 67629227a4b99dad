"""A fitted model and some data to the `Content` of a report.

It looks at models by their types only (`Embedder`, `Reconstructor`, `ShowsViews`, `Sampler`, `Map`, `TopicModel`),
names no method, and writes nothing. What a `Sampler` has made is looked at in `sampled.py`.
"""

import inspect
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from nolabel.data import source
from nolabel.data.clips import size as clip_size
from nolabel.data.dataset import Dataset
from nolabel.data.labels import coded
from nolabel.data.named import NAMES
from nolabel.data.recipe_columns import in_columns
from nolabel.errors import ArgumentError
from nolabel.evaluation.budget import LabelBudget
from nolabel.evaluation.evidence import Evidence
from nolabel.evaluation.splits import some_rows
from nolabel.methods._base import Embedder, Estimator, Reconstructor, Sampler
from nolabel.methods._folder import versions
from nolabel.methods._map import Map
from nolabel.methods._restores import Restores
from nolabel.methods._topics import TopicModel
from nolabel.methods._translator import Translator
from nolabel.methods._views import ShowsViews
from nolabel.report.before_after import before_after
from nolabel.report.codes_map import make_map
from nolabel.report.content import Codes, Content, Summary
from nolabel.report.decoded import drawn_samples, rebuilt, traversal
from nolabel.report.judged import judged
from nolabel.report.looks import is_seen
from nolabel.report.made_summary import makes, measures_of, subject_of
from nolabel.report.sampled import Made, generated
from nolabel.report.suggested import kept_suggestions
from nolabel.report.topics import leading_topics, topics_found
from nolabel.report.units import placing, unit_groups, unit_map, units_of
from nolabel.report.verdict import TELLING, TELLING_OF_MAPS, headlines, summarise
from nolabel.report.views import views_shown
from nolabel.training.health.knobs import worded
from nolabel.training.health.players import by_heart
from nolabel.training.learner import SeesGaps
from nolabel.types import DataSpec

_THINGS = {"image": "images", "table": "rows", "text": "documents", "video": "clips"}
_RAW = {"image": "pixels", "table": "columns", "text": "words", "video": "pixels"}


def gather(
    model: object,
    data: Any,
    *,
    evidence: Evidence | None = None,
    labels: Any = None,
    run: str | Path | None = None,
    command: str | None = None,
    max_points: int = 3000,
    random_state: int = 0,
) -> Content:
    """Everything that a report on `model` shows.

    Parameters
    ----------
    model
        A fitted estimator.
    data
        Anything that `nolabel.open` takes, or a `Dataset`; encoded with the model's own recipe.
    evidence
        What `nolabel.evaluate` found. None takes `evidence.json` of the run folder, if there is one.
    labels
        (N,) classes of any kind, -1 or NaN where unknown. None takes those of the data set, if it has any.
    run
        The run folder, if the model has one.
    command
        The shell command that makes the model again. None gives the lines of Python that do.
    max_points
        Samples on the map, at most; more are sub-sampled. 3,000 take t-SNE some 7 seconds on a small machine.
    random_state
        Seed of the sub-sample, the map, the clusters and the new samples.

    Returns
    -------
    Content
        For `write_report`.

    Raises
    ------
    ArgumentError
        `model` is not a nolabel estimator, or `max_points` is below 2.
    NotFittedError
        `model` is not fitted.
    DataError
        The data or the labels cannot be used.
    """
    estimator = _checked(model, max_points)
    opened = source.open(data, spec=estimator.spec_, **estimator._later())
    codes_of, classes = _labels(labels, opened)
    rows = some_rows(len(opened), max_points, random_state)
    part = opened if len(rows) == len(opened) else opened.subset(rows)
    measured = _measured(evidence, run)
    health = [asdict(verdict) for verdict in estimator.health_]
    seen = None if codes_of is None else codes_of[rows]
    figures = _figures(estimator, part, len(opened), seen, classes, random_state)
    if "summary" not in figures:
        figures.update(_whole(estimator, opened, codes_of, classes, random_state))
    if figures.get("samples") is not None:
        folder = None if run is None else Path(run)
        shown, copied = generated(Made(estimator, opened, part, figures.get("codes"), folder, random_state))
        figures["generated"] = replace(shown, judged=judged(estimator, opened, random_state))
        health = _with_copies(health, copied)
    figures.pop("codes", None)
    return Content(
        title=f"{_title(estimator)} on {opened.name}" if opened.name else _title(estimator),
        method=type(estimator).__name__,
        method_line=_first_line(type(estimator)),
        summary=figures.pop("summary", None) or _summary(estimator, opened, measured, health, figures),
        headlines=headlines(measured, _telling(estimator)),
        made_first=makes(estimator),
        made=datetime.now().strftime("%d %B %Y, %H:%M").lstrip("0"),
        history=estimator.history_,
        health=health,
        evidence=measured,
        suggested=kept_suggestions(opened, run),
        budget=_budget(run),
        facts=_facts(opened, codes_of, classes, estimator),
        skipped=opened.skipped,
        left_out=_left_out(opened.spec),
        notes=opened.notes,
        settings=_expanded(estimator.get_params(deep=False)),
        defaults=_expanded(_defaults(type(estimator))),
        versions={**versions(), "scikit-learn": sklearn.__version__, "system": platform.system()},
        command=_python_lines(estimator, opened.name) if command is None else command,
        **figures,
    )


def _checked(model: object, max_points: int) -> Estimator:
    if not isinstance(model, Estimator):
        raise ArgumentError(
            f"model must be a fitted nolabel estimator, such as nolabel.load('runs/demo'); got {type(model).__name__}"
        )
    check_is_fitted(model)
    if max_points < 2:
        raise ArgumentError(f"max_points must be at least 2; got {max_points}")
    return model


def _figures(
    model: Estimator, part: Dataset, total: int, labels: Codes | None, classes: tuple[str, ...], seed: int
) -> dict[str, Any]:
    """The figures that this kind of model can give; none, and a verdict that says so, if its codes are no numbers."""
    figures: dict[str, Any] = {}
    if isinstance(model, Embedder):
        codes = figures["codes"] = np.asarray(model.transform(part), dtype=np.float32)
        broken = int((~np.isfinite(codes).all(axis=1)).sum())
        if broken:
            return {"summary": _broken(model, broken, len(codes))}
        figures["map"] = make_map(
            codes,
            part,
            labels=labels,
            classes=classes,
            total=total,
            seed=seed,
            **_own(model, part, codes, seed),
        )
        figures.update(_decoded(model, part, total, codes, seed))
    if isinstance(model, ShowsViews) and _can_be_drawn(part.spec):
        figures["views"] = views_shown(model, part, seed=seed)
    if isinstance(model, Sampler) and _can_be_drawn(part.spec):
        figures["samples"] = drawn_samples(model, part.spec, seed=seed)
    return figures


def _with_copies(health: list[dict[str, str]], copied: float) -> list[dict[str, str]]:
    """The verdicts, and one on copies of the data if there are such and it was not said."""
    verdict = by_heart(copied)
    if verdict is None or any(each["name"] == verdict.name for each in health):
        return health
    said = replace(verdict, knob=worded(verdict.knob))
    return [asdict(said), *(each for each in health if each["level"] != "good")]


def _own(model: Embedder, part: Dataset, codes: NDArray[np.float32], seed: int) -> dict[str, Any]:
    """What the model itself has to say on where samples lie and which belong together."""
    if isinstance(model, Map):
        units = units_of(model, part)
        return {"placing": placing(model, units), "groups": unit_groups(model, units, seed)}
    if isinstance(model, TopicModel):
        return {"groups": leading_topics(model, part, codes)}
    return {}


def _decoded(model: Embedder, part: Dataset, total: int, codes: NDArray[np.float32], seed: int) -> dict[str, Any]:
    if isinstance(model, Translator | Restores):
        return {"rebuilt": [before_after(model, part, seed=seed)], "rebuilt_title": "Before and after"}
    if not isinstance(model, Reconstructor) or not _can_be_drawn(part.spec):
        return {}
    of = f"all {total:,}" if len(part) == total else f"the {len(part):,} on the map"
    found: dict[str, Any] = {"rebuilt": rebuilt(model, part, codes, of=of, seed=seed)}
    # The code of a map is a place on it, and what stands where is drawn already.
    return found if isinstance(model, Map) else {**found, "traversal": traversal(model, part, codes)}


def _can_be_drawn(spec: DataSpec) -> bool:
    """Whether a sample rebuilt, or made anew, can be looked at: thousands of counts cannot."""
    return is_seen(spec) or in_columns(spec)


def _whole(
    model: Estimator, data: Dataset, labels: Codes | None, classes: tuple[str, ...], seed: int
) -> dict[str, Any]:
    """The figures for which all samples are counted."""
    if isinstance(model, Map):
        return {"units": unit_map(model, data, units_of(model, data), labels=labels, classes=classes, seed=seed)}
    if isinstance(model, TopicModel):
        return {"topics": topics_found(model, data, labels=labels, classes=classes)}
    return {}


def _broken(model: Estimator, broken: int, count: int) -> Summary:
    return Summary(
        f"The {_named(model)} is of no use: {broken:,} of {count:,} samples get codes that are not finite numbers.",
        "Training diverged; fit again with a smaller learning_rate.",
        "bad",
        f"{broken:,} of {count:,}",
    )


def _measured(evidence: Evidence | None, run: str | Path | None) -> dict[str, Any]:
    if evidence is not None:
        return evidence.to_dict()
    file = None if run is None else Path(run) / "evidence.json"
    if file is None or not file.is_file():
        return {}
    try:
        kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ArgumentError(f"{file} is damaged ({error}); run `nolabel evaluate` again, or delete it") from error
    return kept


def _budget(run: str | Path | None) -> dict[str, Any]:
    found = None if run is None else LabelBudget.load(run)
    return {} if found is None else {"rows": found.rows()}


def _labels(given: Any, data: Dataset) -> tuple[Codes | None, tuple[str, ...]]:
    if given is not None:
        found = coded(given, len(data))
        return found.codes, found.classes
    return data.labels, data.classes


def _summary(
    model: Estimator,
    data: Dataset,
    evidence: Mapping[str, Any],
    health: list[dict[str, str]],
    figures: Mapping[str, Any],
) -> Summary:
    what = f"{len(data):,} {_THINGS[data.spec.modality]}"
    own = _measures(figures)
    if makes(model):
        subject = subject_of(model, _named(model), what)
        own = measures_of(model.history_, figures["generated"].judged if figures.get("generated") else {})
    elif isinstance(model, Map):
        rows, columns = model.shape_
        subject = f"The {_named(model)} places each of {what} on a map of {rows} × {columns} units"
    elif isinstance(model, TopicModel):
        subject = f"The {_named(model)} describes each of {what} by its shares of {len(model.topic_word_):,} topics"
    elif isinstance(model, Embedder):
        width = model.transform(data.subset(np.array([0]))).shape[1]
        subject = f"The {_named(model)} turns each of {what} into {width:,} number{'' if width == 1 else 's'}"
    else:
        subject = f"The {_named(model)} learned from {what}"
    raw = _RAW[data.spec.modality]
    return summarise(evidence, health, subject=subject, raw=raw, own=own, telling=_telling(model))


def _telling(model: Estimator) -> tuple[str, ...]:
    if makes(model):
        return ()
    return TELLING_OF_MAPS if isinstance(model, Map) else TELLING


def _measures(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a map or topics say about themselves."""
    found = [figure.measures for figure in (figures.get("units"), figures.get("topics")) if figure is not None]
    return [(each.name, each.value) for measures in found for each in measures]


def _title(model: Estimator) -> str:
    return model.title or type(model).__name__


def _named(model: Estimator) -> str:
    """The method's title inside a sentence: 'Denoising autoencoder' gets a small letter, 'VAE' and 'SimCLR' do not."""
    title = _title(model)
    return title[:1].lower() + title[1:] if title.partition(" ")[0][1:].islower() else title


def _first_line(method: type[Estimator]) -> str:
    return (inspect.getdoc(method) or "").strip().split("\n\n")[0].replace("\n", " ").replace("`", "")


def _facts(data: Dataset, labels: Codes | None, classes: tuple[str, ...], model: Estimator) -> list[tuple[str, str]]:
    facts = [("source", data.name or "given in memory"), ("samples", f"{len(data):,}"), *_shape(data.spec)]
    if data.mask is not None:
        treated = "left out" if isinstance(model.learner_, SeesGaps) else "filled in"
        facts.append(("missing values", f"{1 - float(data.mask.float().mean()):.1%}, {treated}"))
    if labels is not None:
        known = int((labels >= 0).sum())
        used = "used in training" if model.uses_labels else "not used in training"
        facts.append(("labels", f"{len(classes):,} classes, {known:,} of {len(data):,} known; {used}"))
    facts.append(("kept", "in memory" if data.in_memory else "on disk, memory-mapped"))
    facts.append(("epochs run", f"{len(model.history_):,}"))
    facts.append(("seed used", str(model.seed_)))
    return facts


def _shape(spec: DataSpec) -> list[tuple[str, str]]:
    if spec.modality == "text":
        return [("vocabulary", f"{spec.width:,} words")]
    if not in_columns(spec) and spec.modality == "table":
        return [("one sample", f"{spec.width:,} columns, only values other than zero kept")]
    if spec.modality == "image":
        channels, height, width = spec.shape
        return [("one sample", f"{height} × {width} pixels, {'grey' if channels == 1 else 'colour'}")]
    if spec.modality == "video":
        return [("one sample", clip_size(spec.shape))]
    used = len(spec.recipe["columns"])
    return [("one sample", f"{used:,} columns, {spec.width:,} numbers to the network")]


def _left_out(spec: DataSpec) -> list[str]:
    return [f"{column['name']}: {column['why']}" for column in spec.recipe.get("left_out", [])]


def _defaults(method: type[Estimator]) -> dict[str, Any]:
    parameters = inspect.signature(method).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not inspect.Parameter.empty}


def _expanded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in a flat list: a plan becomes an entry for each of its fields that is not as usual."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if is_dataclass(value) and not isinstance(value, type):
            usual = type(value)()
            inner = {field.name: getattr(value, field.name) for field in fields(value)}
            flat.update({f"{name}.{key}": each for key, each in inner.items() if each != getattr(usual, key)})
        elif isinstance(value, Mapping):
            flat.update({f"{name}.{key}": each for key, each in value.items()})
        else:
            flat[name] = value
    return flat


def _python_lines(model: Estimator, name: str) -> str:
    defaults = _defaults(type(model))
    given = {**model.get_params(deep=False), "random_state": model.seed_}
    changed = ", ".join(f"{key}={_argument(value)}" for key, value in given.items() if _differs(value, defaults, key))
    where = repr(name) if name.split(":")[0] in NAMES or Path(name).exists() else "X"
    return f"import nolabel\nmodel = nolabel.{type(model).__name__}({changed})\nmodel.fit({where})"


def _differs(value: object, defaults: Mapping[str, Any], name: str) -> bool:
    return name not in defaults or repr(value) != repr(defaults[name])


def _argument(value: object) -> str:
    return f"nolabel.{value!r}" if is_dataclass(value) and not isinstance(value, type) else repr(value)
