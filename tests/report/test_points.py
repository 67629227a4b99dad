import json

import numpy as np
import pytest

from nolabel.errors import ArgumentError
from nolabel.report.content import Content, Map
from nolabel.report.points import script_values


def made(count: int = 6, **more: object) -> Map:
    given: dict[str, object] = {
        "coords": np.arange(2.0 * count).reshape(count, 2),
        "clusters": np.zeros(count, dtype=np.int64),
        "ids": [str(i) for i in range(count)],
        "how": "",
        "total": count,
    }
    return Map(**{**given, **more})  # type: ignore[arg-type]


def test_positions_fill_the_unit_square() -> None:
    values = script_values(made())
    assert (min(values["x"]), max(values["x"])) == (0.0, 1.0)
    assert (min(values["y"]), max(values["y"])) == (0.0, 1.0)


def test_samples_on_one_spot_can_be_shown() -> None:
    assert script_values(made(coords=np.ones((6, 2))))["x"] == [0.0] * 6


def test_groups_are_counted_named_and_ordered_with_the_unknown_last() -> None:
    values = script_values(made(labels=np.array([-1, 1, 1, 0, 7, 1]), classes=("cat", "dog")))
    groups = values["groups"]["label"]
    assert [(group["name"], group["count"]) for group in groups] == [("cat", 1), ("dog", 3), ("7", 1), ("unknown", 1)]
    assert groups[-1]["colour"] is None
    assert values["label"] == [3, 1, 1, 0, 2, 1]


def test_a_cluster_says_which_label_most_of_it_carries() -> None:
    labels, clusters = np.array([0, 0, 1, -1, -1, -1]), np.array([0, 0, 0, 0, 1, -1])
    groups = script_values(made(labels=labels, clusters=clusters, classes=("cat", "dog")))["groups"]["cluster"]
    assert [group["name"] for group in groups] == ["Cluster 0 · 67% cat", "Cluster 1", "in no cluster"]
    assert [group["short"] for group in groups] == ["0", "1", "none"]


def test_forty_groups_differ_in_colour_or_shape() -> None:
    groups = script_values(made(40, clusters=np.arange(40)))["groups"]["cluster"]
    assert len({(group["colour"], group["shape"]) for group in groups}) == 40


def test_a_name_is_written_at_a_member_of_its_group() -> None:
    clusters = np.array([0, 0, 0, 1, 1, 1])
    for code, group in enumerate(script_values(made(clusters=clusters))["groups"]["cluster"]):
        assert clusters[group["anchor"]] == code


def test_everything_is_plain_json(images: Content, rows: Content) -> None:
    for content in (images, rows):
        assert content.map is not None
        json.dumps(script_values(content.map))


def test_a_map_whose_parts_do_not_fit_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"Map: labels has 5 entries, coords has 6"):
        made(labels=np.zeros(5, dtype=np.int64))
