"""The section on a self-organizing map: what is sent to the page, and that hexagons are hexagons."""

import json
import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import random_array

from nolabel.data import source
from nolabel.methods.som import SOM
from nolabel.report.content import Content, Plane, UnitMap
from nolabel.report.gather import gather
from nolabel.report.page import render
from nolabel.report.unit_values import planes_sent, unit_values


def shown(content: Content) -> UnitMap:
    assert content.units is not None
    return content.units


def test_everything_is_plain_json(with_units: Content, with_planes: Content) -> None:
    for content in (with_units, with_planes):
        json.dumps(unit_values(shown(content)), allow_nan=False)


def test_cells_of_a_hexagonal_grid_are_regular_hexagons_that_meet(with_units: Content) -> None:
    values = unit_values(shown(with_units))
    corners = np.array(values["corners"])
    assert len(corners) == 6
    np.testing.assert_allclose(np.linalg.norm(corners, axis=1), 1 / math.sqrt(3), atol=1e-4)
    centres = np.stack([values["x"], values["y"]], axis=1)
    for unit in (0, 8, 14):  # each side's middle is halfway to the neighbour's centre
        around = {tuple(np.round(centres[unit] + (a + b), 2)) for a, b in pairwise([*corners, corners[0]])}
        near = np.flatnonzero(np.abs(np.linalg.norm(centres - centres[unit], axis=1) - 1) < 1e-3)
        assert {tuple(np.round(centres[other], 2)) for other in near} <= around
        assert len(near) >= 2


def test_cells_of_a_rectangular_grid_are_squares(with_planes: Content) -> None:
    corners = np.array(unit_values(shown(with_planes))["corners"])
    np.testing.assert_allclose(np.sort(corners, axis=0), [[-0.5] * 2, [-0.5] * 2, [0.5] * 2, [0.5] * 2], atol=1e-6)


def test_a_stretched_or_turned_grid_still_fills_the_plane(with_units: Content) -> None:
    units = shown(with_units)
    turned = replace(units, centres=3 * units.centres[:, ::-1])  # flat-topped hexagons, three apart
    corners = np.array(unit_values(turned)["corners"])
    assert np.abs(corners[:, 0]).max() == pytest.approx(1 / math.sqrt(3), abs=1e-4)
    assert np.abs(corners[:, 1]).max() == pytest.approx(0.5, abs=1e-4)


def test_a_unit_carries_the_label_of_most_of_its_samples(with_units: Content) -> None:
    units, values = shown(with_units), unit_values(shown(with_units))
    assert units.votes is not None
    for unit, votes in enumerate(units.votes):
        assert values["label"][unit] == (int(votes.argmax()) if votes.sum() else -1)
        assert sum(count for _, count in values["votes"][unit]) == votes.sum()
    assert values["label"][7] == -1
    assert values["votes"][7] == []
    counts = [group["count"] for group in values["groups"]["label"]]
    assert sum(counts) == len(units.hits) - 1


def test_without_labels_there_is_no_label_map(with_planes: Content) -> None:
    values = unit_values(shown(with_planes))
    assert (values["label"], values["votes"], values["groups"]["label"]) == (None, None, [])
    page = render(with_planes)
    assert 'data-view="label"' not in page
    assert 'data-view="weights"' not in page
    assert 'data-view="cluster"' in page


def test_what_is_not_a_number_is_left_out(with_planes: Content) -> None:
    assert unit_values(shown(with_planes))["distances"][3] is None


def test_the_page_says_what_the_map_is(with_units: Content, with_planes: Content) -> None:
    hexagonal, rectangular = render(with_units), render(with_planes)
    assert "5 × 6 units on a hexagonal grid. Each" in hexagonal
    assert "4 × 7 units on a rectangular grid, whose left and right, top and bottom edges meet" in rectangular
    assert "1 unit has none" in hexagonal
    assert "The 2 of 9 columns that vary most" in rectangular
    assert "How far a sample is from its unit." in hexagonal
    assert '<a href="#units">' in hexagonal


def test_the_script_is_there_only_with_the_map(with_units: Content, images: Content) -> None:
    assert "map = values.units" in render(with_units)
    assert "map = values.units" not in render(images)


def test_a_very_large_map_does_not_fill_the_page(with_units: Content) -> None:
    rng = np.random.default_rng(0)
    count = 200 * 200
    row, column = np.divmod(np.arange(count), 200)
    large = UnitMap(
        grid="rectangular",
        shape=(200, 200),
        toroid=False,
        centres=np.stack([column, row], axis=1).astype(float),
        distances=rng.uniform(size=count),
        hits=rng.integers(0, 9, count),
        clusters=rng.integers(0, 9, count),
        votes=rng.integers(0, 9, (count, 4)),
        classes=tuple("abcd"),
        planes=[Plane(f"c{place}", rng.normal(size=count)) for place in range(12)],
        of=12,
    )
    assert len(planes_sent(large)) == 3
    assert len(render(replace(with_units, units=large))) < 6_000_000


def test_pictures_of_a_large_map_fit_too(with_units: Content) -> None:
    rng = np.random.default_rng(0)
    units = shown(with_units)
    count = 60 * 60
    row, column = np.divmod(np.arange(count), 60)
    large = replace(
        units,
        shape=(60, 60),
        centres=np.stack([column + 0.5 * (row % 2), row * math.sqrt(3) / 2], axis=1),
        distances=rng.uniform(size=count),
        hits=rng.integers(0, 9, count),
        clusters=rng.integers(0, 9, count),
        votes=None,
        weights=rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8),
    )
    assert len(render(replace(with_units, units=large))) < 6_000_000


# --- from a model to the section -------------------------------------------------------------------------------------


def fitted(**arguments: Any) -> SOM:
    given = {"shape": (4, 5), "grid": "hexagonal", "epochs": 4, "random_state": 0, **arguments}
    return SOM(**given).fit("wine")


@pytest.fixture(scope="module")
def of_wine() -> Content:
    return gather(fitted(), "wine")


def test_the_section_holds_what_the_model_says(of_wine: Content) -> None:
    units, model = shown(of_wine), fitted()
    np.testing.assert_array_equal(units.hits, model.hits("wine"))
    np.testing.assert_allclose(units.distances, model.umatrix())
    assert (units.grid, units.shape, units.toroid) == ("hexagonal", (4, 5), False)
    assert units.votes is not None
    assert units.votes.sum() == 178
    labels = [None if not row.any() else units.classes[row.argmax()] for row in units.votes]
    assert labels == list(model.label_map("wine", "labels"))
    render(of_wine)


def test_component_planes_are_in_the_user_s_units_most_varied_first(of_wine: Content) -> None:
    units, model = shown(of_wine), fitted()
    varies = model.units_.var(axis=0)
    names = [column["name"] for column in model.spec_.recipe["columns"]]
    assert [plane.name for plane in units.planes] == [names[place] for place in np.argsort(-varies)[:12]]
    assert units.of == 13
    for plane in units.planes:
        np.testing.assert_allclose(plane.values, np.asarray(model.planes([plane.name]))[:, 0], rtol=1e-5)


def test_the_verdict_of_a_map_needs_no_evidence(of_wine: Content) -> None:
    model = fitted()
    assert of_wine.summary.first == "The self-organizing map places each of 178 rows on a map of 4 × 5 units."
    assert f"Quantization error {model.quantization_error('wine'):.3f}" in of_wine.summary.second
    assert f"topographic error {model.topographic_error('wine'):.3f}" in of_wine.summary.second


def test_what_the_errors_would_be_without_a_map_is_said(of_wine: Content) -> None:
    quantization, topographic = shown(of_wine).measures
    opened = source.open("wine", spec=fitted().spec_)
    x = next(opened.batches()).x.double()
    assert f"it would be {(x - x.mean(0)).norm(dim=1).mean():.3f}." in quantization.meaning
    edges = len(fitted().neighbours())
    assert f"about {1 - edges / (20 * 19):.2f}." in topographic.meaning


def test_samples_lie_in_the_cells_of_their_units(of_wine: Content) -> None:
    model = fitted()
    assert of_wine.map is not None
    places = of_wine.map.coords * np.array([1, -1])
    apart = np.linalg.norm(places[:, None] - model.positions()[None], axis=2)
    np.testing.assert_array_equal(apart.argmin(axis=1), model.predict("wine"))
    assert len(np.unique(places.round(6), axis=0)) == 178
    assert of_wine.map.things == "samples"
    assert of_wine.traversal is None
    assert of_wine.rebuilt


def test_clusters_are_those_of_the_model(of_wine: Content) -> None:
    own = gather(fitted(clusters=3), "wine")
    assert len(np.unique(shown(own).clusters)) == 3
    assert own.map is not None
    np.testing.assert_array_equal(own.map.clusters, fitted(clusters=3).predict("wine"))
    assert len(np.unique(shown(of_wine).clusters)) >= 2


def test_units_of_images_are_pictures() -> None:
    model = SOM(shape=(3, 4), topology="toroid", epochs=2, random_state=0).fit("digits")
    units = shown(gather(model, "digits", max_points=100))
    assert units.weights is not None
    assert units.weights.shape == (12, 8, 8)
    np.testing.assert_allclose(units.weights.reshape(12, 64) / 255, model.units_.clip(0, 1), atol=0.002)
    assert units.planes == ()
    assert units.toroid
    assert units.hits.sum() == 1797  # all samples, not only those on the map


def test_categories_are_shown_by_the_share_that_varies_most() -> None:
    rng = np.random.default_rng(0)
    size = rng.normal(size=60)
    kind = np.where(size > 0, "large", "small")
    model = SOM(shape=(3, 3), epochs=3, random_state=0).fit(pd.DataFrame({"size": size, "kind": kind}))
    planes = {
        plane.name: plane.values for plane in shown(gather(model, pd.DataFrame({"size": size, "kind": kind}))).planes
    }
    name = next(each for each in planes if each.startswith("kind = "))
    assert name in ("kind = large", "kind = small")
    assert planes["size"].min() >= size.min()
    assert abs(np.corrcoef(planes[name], planes["size"])[0, 1]) > 0.7


def test_sparse_rows_have_a_map_too() -> None:
    counts = random_array((80, 400), density=0.05, format="csr", random_state=0)
    model = SOM(shape=(3, 4), epochs=2, random_state=0).fit(counts)
    content = gather(model, counts)
    assert len(shown(content).planes) == 12
    assert shown(content).of == 400
    assert content.map is not None
    assert content.map.thumbnails is None
    assert len(content.map.lines) == 80
    assert content.rebuilt == ()
    assert ("one sample", "400 columns, only values other than zero kept") in content.facts
    render(content)
