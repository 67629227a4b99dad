import re

import numpy as np

from nolabel.report.content import Clouds, Strips
from nolabel.report.generated_values import SIDE, cloud_figure, judged_table, strip_figure


def test_a_strip_is_one_picture_a_row() -> None:
    pixels = np.zeros((2, 3, 8, 8), dtype=np.uint8)
    figure = strip_figure(Strips("what", ["a", "b"], ["", "note"], ("low", "high"), pixels))
    assert [(row.name, row.note) for row in figure.rows] == [("a", ""), ("b", "note")]
    assert all(row.uri.startswith("data:image/png") for row in figure.rows)
    assert (figure.low, figure.high, figure.tiny) == ("low", "high", True)


def test_points_lie_where_they_should_and_outliers_on_the_rim() -> None:
    data = np.array([[0.0, 0.0], [1.0, 2.0]])
    samples = np.array([[0.5, 1.0], [9.0, -9.0], [np.nan, 0.0]])
    figure = cloud_figure(Clouds("how", data, [("end", samples)]))
    low, high = (tuple(map(float, pair)) for pair in re.findall(r"M([\d.]+) ([\d.]+)h0", figure.data))
    assert low[0] < high[0]
    assert low[1] > high[1], "up is up"
    ((name, path),) = figure.moments
    points = [tuple(map(float, pair)) for pair in re.findall(r"M([\d.]+) ([\d.]+)h0", path)]
    assert name == "end"
    assert points == [(SIDE / 2, SIDE / 2), (round(0.99 * SIDE, 1), round(0.99 * SIDE, 1))]


def test_data_that_do_not_vary_are_drawn() -> None:
    assert "nan" not in cloud_figure(Clouds("", np.ones((3, 2)), [("end", np.ones((2, 2)))])).data


def test_a_judgement_keeps_its_protocol() -> None:
    row = {"measure": "FID", "value": 12.345, "sd": None, "floor": 3.2, "ceiling": 1234.5, "higher_is_better": False}
    classes = [{"name": "one", "samples": 0.25, "reference": 0.5}]
    found = {"rows": [{**row, "how": "by hand"}], "classes": classes, "notes": ["n"], "protocol": {"seed": 3}}
    table = judged_table(found)
    assert table is not None
    (shown,) = table.rows
    assert (shown.value, shown.floor, shown.ceiling, shown.arrow) == ("12.35", "3.200", "1,234", "↓")
    assert table.classes == "one 25.0% (50.0%)"
    assert table.protocol == [("Seed", "3")]
    assert judged_table({}) is None
    alone = judged_table({"notes": ["Not judged."]})
    assert alone is not None
    assert alone.rows == []
