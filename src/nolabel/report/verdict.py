"""The verdict in two sentences and the key numbers, from the evidence and the health of a run.

The first sentence sets the most telling number beside its baselines, and says so when it does not beat them; the second
says how training went. It reads plain values, and neither measures nor draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nolabel.report.content import Headline, Level, Summary
from nolabel.report.numbers import decimals_for, number

# Most telling first: what a code is good for, then how the classes fall apart, then how much of the data it keeps.
TELLING = ("neighbours", "probe", "cluster agreement", "reconstruction", "clusters", "rank")
# Of a map it is how near the samples are to their units; two coordinates have a direction, which is all that nearest
# neighbours by cosine see, by accident only.
TELLING_OF_MAPS = ("reconstruction", "probe", "cluster agreement", "clusters", "neighbours", "rank")
_BASELINES = {"raw": "on raw {raw}", "PCA": "on PCA of the same width", "untrained": "for the untrained network"}
_MOST_TILES = 4


@dataclass(frozen=True)
class _Standing:
    """Where the model stands: baselines it beats, those within the spread, and those that beat it."""

    ahead: Sequence[str]
    level: Sequence[str]
    behind: Sequence[str]


def summarise(
    evidence: Mapping[str, Any],
    health: Sequence[Mapping[str, str]],
    *,
    subject: str,
    raw: str = "values",
    own: Sequence[tuple[str, str]] = (),
    telling: Sequence[str] = TELLING,
) -> Summary:
    """The verdict.

    Parameters
    ----------
    evidence
        What `nolabel.evaluate` returned, as its `to_dict()`; may be empty.
    health
        The verdicts of the training.
    subject
        What was trained, as in "Autoencoder on digits (1,797 samples)".
    raw
        What the raw data are made of: "pixels", "columns", "words" or "values".
    own
        Name and value of the measures that this kind of model has for itself, as in ("Topographic error", "0.142").
    telling
        Families of measures, the one to speak of first.
    """
    row = next(iter(_telling_rows(evidence, telling)), None)
    unknown = "" if own else "; how good that is has not been measured yet"
    first = f"{subject}{unknown}." if row is None else _first(row, subject, raw)
    second, level = _second(health)
    if own:
        second = f"{_own_words(own)} {second}"
    if row is not None and level == "good" and _standing(row).behind:
        level = "warning"
    return Summary(first, second, level, "" if row is None else _key(row))


def headlines(evidence: Mapping[str, Any], telling: Sequence[str] = TELLING) -> list[Headline]:
    """The most telling measure of each family, up to four, each with its baselines."""
    chosen = _telling_rows(evidence, telling)[:_MOST_TILES]
    return [Headline(row["measure"], bool(row["higher_is_better"]), _means(row)) for row in chosen]


def _telling_rows(evidence: Mapping[str, Any], telling: Sequence[str]) -> list[Mapping[str, Any]]:
    """The first row of each family that ranks the model against a baseline, the most telling family first."""
    rows = [row for row in evidence.get("rows") or [] if _ranks(row)]
    first: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        first.setdefault(row.get("group", ""), row)
    return [first[group] for group in telling if group in first]


def _ranks(row: Mapping[str, Any]) -> bool:
    means = _means(row)
    return row.get("higher_is_better") is not None and "model" in means and len(means) > 1


def _means(row: Mapping[str, Any]) -> dict[str, float]:
    cells = row["values"]
    names = [name for name in ("model", *_BASELINES) if name in cells]
    return {name: float(cells[name]["mean"]) for name in names if cells[name]["mean"] is not None}


def _standing(row: Mapping[str, Any]) -> _Standing:
    means, sign = _means(row), 1 if row["higher_is_better"] else -1
    sds = {name: row["values"][name].get("sd") or 0.0 for name in means}
    leads = {name: sign * (means["model"] - means[name]) for name in means if name != "model"}
    spread = {name: max(sds["model"], sds[name]) for name in leads}
    return _Standing(
        [name for name, lead in leads.items() if lead > spread[name]],
        [name for name, lead in leads.items() if abs(lead) <= spread[name]],
        [name for name, lead in leads.items() if lead < -spread[name]],
    )


def _key(row: Mapping[str, Any]) -> str:
    means = _means(row)
    return number(means["model"], decimals_for(means.values()))


def _first(row: Mapping[str, Any], subject: str, raw: str) -> str:
    means = _means(row)
    places = decimals_for(means.values())
    against = [f"{number(means[name], places)} {_BASELINES[name].format(raw=raw)}" for name in means if name != "model"]
    return (
        f"{subject}: {_lower(row['measure'])} {number(means['model'], places)} against {_listed(against)}, "
        f"{_in_words(_standing(row), raw)}."
    )


def _in_words(standing: _Standing, raw: str) -> str:
    names = {"raw": f"raw {raw}", "PCA": "PCA", "untrained": "the untrained network"}
    if not standing.level and not standing.behind:
        return "better than " + ("its baseline" if len(standing.ahead) == 1 else "every baseline")
    parts = [("better than", standing.ahead), ("level with", standing.level), ("worse than", standing.behind)]
    return _listed([f"{word} {_listed([names[each] for each in group])}" for word, group in parts if group], "but")


def _second(health: Sequence[Mapping[str, str]]) -> tuple[str, Level]:
    if not health:
        return "Nothing is known about the health of the training.", "good"
    worst: Level = "bad" if any(each["level"] == "bad" for each in health) else "warning"
    trouble = [each for each in health if each["level"] == worst]
    if not trouble:
        return f"Training was healthy: {_sentence(health[0]['text'])}", "good"
    others = sum(each["level"] != "good" for each in health) - 1
    more = f" ({others} more below)" if others else ""
    turn = f" Try {trouble[0]['knob'].rstrip('.')}" if trouble[0].get("knob") else ""
    start = "Training went wrong" if worst == "bad" else "Training needs a look"
    return f"{start}: {_sentence(trouble[0]['text'])}{turn}{more}{'.' if turn or more else ''}", worst


def _own_words(own: Sequence[tuple[str, str]]) -> str:
    (name, value), *others = own
    return ", ".join([f"{name} {value}", *(f"{_lower(name)} {value}" for name, value in others)]) + "."


def _sentence(text: str) -> str:
    return _lower(text.rstrip(".")) + "."


def _lower(text: str) -> str:
    """The first letter made small, unless the first word is a name or an abbreviation (PSNR, HDBSCAN, k-NN)."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _listed(parts: Sequence[str], last: str = "and") -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"
