import json
import math

import pytest

from nolabel.evaluation.evidence import Cell, Evidence, Row, cell, comparisons


def row(measure="k-NN accuracy", higher=True, group="neighbours", protocol="k = 20", **means):
    values = {name: Cell(mean, 0.01, 5) for name, mean in means.items()}
    return Row(group, measure, protocol, higher, values)


def test_cell_of_repeats():
    assert cell([1.0, 3.0]) == Cell(2.0, math.sqrt(2), 2)
    assert cell([1.0, math.nan, 3.0]).n == 2
    assert cell([math.nan]) is None
    assert cell([]) is None
    assert math.isnan(cell([4.0]).sd)


def test_cell_as_text():
    assert str(Cell(0.98765, 0.01234, 5)) == "0.9877 ± 0.0123"
    assert str(Cell(23.456, 0.1, 5)) == "23.46 ± 0.10"
    assert str(Cell(0.5, math.nan, 1)) == "0.5000"


def test_evidence_is_plain_json():
    evidence = Evidence(
        (Row("rank", "effective rank", "RankMe", None, {"model": Cell(3.0, math.nan, 1)}),), ("a note",), 9
    )
    told = json.loads(json.dumps(evidence.to_dict(), allow_nan=False))
    assert told["samples"] == 9
    assert told["notes"] == ["a note"]
    assert told["rows"][0]["values"] == {"model": {"mean": 3.0, "sd": None, "n": 1}}
    assert told["rows"][0]["higher_is_better"] is None


def test_frame_has_a_line_for_each_cell():
    evidence = Evidence((row(model=0.9, raw=0.8), row("linear probe accuracy", model=0.7)), (), 10)
    frame = evidence.to_frame()
    assert frame[["measure", "representation", "mean"]].values.tolist() == [
        ["k-NN accuracy", "model", 0.9],
        ["k-NN accuracy", "raw", 0.8],
        ["linear probe accuracy", "model", 0.7],
    ]


def test_table_lines_up_and_says_how():
    evidence = Evidence(
        (row(model=0.9, raw=0.8), row("a", model=0.1), row("b", protocol="other", model=0.2)), ("mind this",), 10
    )
    head, first, *rest = evidence.table().splitlines()
    assert head.split() == ["model", "raw", "PCA", "untrained"]
    assert first.index("0.9000") == head.index("model")
    assert first.split()[-1] == "-"
    assert [line for line in rest if line.startswith("[")] == ["[1] k = 20", "[2] other"]
    assert rest[-1] == "! mind this"


def test_a_measure_is_found_by_name():
    evidence = Evidence((row(model=0.9),), (), 10)
    assert evidence["k-NN accuracy"].values["model"].mean == 0.9
    with pytest.raises(KeyError, match="did you mean 'k-NN accuracy'"):
        evidence["knn accuracy"]


def test_where_the_model_does_not_win_is_said():
    rows = [row(model=0.90, raw=0.95, PCA=0.895, untrained=0.5), row("BCE", higher=False, model=0.1, raw=0.1, PCA=0.2)]
    assert comparisons(rows) == [
        "The model does not beat the raw values in: k-NN accuracy, BCE.",
        "The model leads PCA by no more than the spread in: k-NN accuracy.",
    ]


def test_measures_that_only_describe_are_not_ranked():
    assert comparisons([row("effective rank", higher=None, model=1.0, raw=9.0)]) == []
