"""The grid of views: what training showed, beside the samples as they are."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from nolabel.data import source
from nolabel.report import page
from nolabel.report.content import Content, Pictures, Rows, Summary
from nolabel.report.curves import learning_charts
from nolabel.report.views import MOST_VIEWS, views_shown


class Learner(torch.nn.Module):
    """Views that add the number of the view to every value; images of another size from the third on."""

    def __init__(self, views: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.views = views
        self.asked: list[int] = []
        self.gaps: float | None = None  # of the mask that was given

    def views_of(self, x: Tensor, draws: Any, mask: Tensor | None = None) -> list[Tensor]:
        self.asked.append(len(x))
        self.gaps = None if mask is None else (~mask).sum().item()
        if x.ndim == 4:
            return [x[..., : 8 - 2 * (which > 1), : 8 - 2 * (which > 1)] for which in range(self.views)]
        changed = x.clone()
        changed[:, 1] = changed[:, 1].roll(1)
        return [changed] * self.views


class Model:
    def __init__(self, views: int) -> None:
        self.learner_ = Learner(views)


def shown(data: Any, views: int) -> Pictures | Rows:
    return views_shown(Model(views), source.open(data), seed=0)  # type: ignore[arg-type]


pictures = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
frame = pd.DataFrame({"a": np.arange(12.0), "b": np.arange(12.0) * 10, "kind": ["x", "y", "z"] * 4})


@pytest.mark.parametrize(("views", "expected"), [(1, 4), (2, 4), (3, 4), (6, 6), (20, MOST_VIEWS)])
def test_images_are_shown_with_several_views_of_as_many_steps_as_it_takes(views: int, expected: int) -> None:
    found = shown(pictures, views)
    assert isinstance(found, Pictures)
    assert [name for name, _ in found.versions] == ["original", *(f"view {n}" for n in range(1, expected + 1))]
    assert all(len(pixels) == len(found.ids) == 10 for _, pixels in found.versions)
    first = np.random.default_rng(0).permutation(20)[0]
    assert np.array_equal(found.versions[0][1][0], pictures[first])


def test_of_tables_the_entries_that_a_view_changed_are_marked() -> None:
    found = shown(frame, 2)
    assert isinstance(found, Rows)
    assert found.marked
    original, view = dict(found.versions)["original"], dict(found.versions)["view 1"]
    assert [row[0] for row in view] == [row[0] for row in original]
    assert [row[1] for row in view] != [row[1] for row in original]
    html = rendered(found)
    assert "<mark>" in html
    marks = html.count("<mark>")
    assert marks == sum(
        now != then for _, rows in found.versions[1:] for a, b in zip(rows, original) for now, then in zip(a, b)
    )


def test_rows_without_missing_values_are_shown_if_there_are_some() -> None:
    gaps = frame.copy()
    gaps.loc[:5, "a"] = np.nan
    found = shown(gaps, 2)
    assert isinstance(found, Rows)
    assert all("–" not in row for _, rows in found.versions for row in rows)
    gaps["a"] = np.where(np.arange(12) == 3, 1.0, np.nan)
    gaps.loc[4, "a"] = 2.0
    model = Model(2)
    found = views_shown(model, source.open(gaps), seed=0)  # type: ignore[arg-type]
    assert isinstance(found, Rows)
    assert model.learner_.gaps  # whoever makes the views is told what was not observed
    assert any(row[0] == "–" for row in found.versions[1][1])  # what a view left alone stays missing


def test_the_page_has_a_section_and_leaves_it_out_without_views() -> None:
    html = rendered(shown(pictures, 6))
    assert '<section id="views">' in html
    assert html.count('alt="view 6 of') == 10
    assert '<section id="views">' not in rendered(None)
    assert "<mark>" not in rendered(None)


def test_rows_that_are_no_views_are_not_marked() -> None:
    html = rendered(Rows("c", ["x"], ["a"], [("original", [["1"]]), ("new", [["2"]])]))
    assert "<mark>" not in html


def rendered(views: Pictures | Rows | None) -> str:
    summary = Summary("a", "b", "good")
    return page.render(Content(title="t", method="M", method_line="line", summary=summary, views=views))


def records(**more: float) -> list[Mapping[str, float]]:
    return [{"epoch": e, "loss": 3.0 / e, "chance": 4.0, **more} for e in (1, 2, 3)]


def test_what_guessing_would_give_is_a_line_in_the_chart_of_its_loss() -> None:
    charts = {chart.title: [line.name for line in chart.lines] for chart in learning_charts(records(spread=0.5))}
    assert charts == {"Loss": ["train", "guessing"], "Spread of the embeddings (1 is even)": ["train"]}
    parts = [{**record, "contrast": record["loss"] - 1, "penalty": 1.0} for record in records()]
    charts = {chart.title: [line.name for line in chart.lines] for chart in learning_charts(parts)}
    assert charts == {"Loss": ["train"], "Contrast": ["train", "guessing"], "Penalty": ["train"]}
