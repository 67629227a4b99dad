from typing import Any

from nolabel.report.cells import evidence_table, label_table, tile
from nolabel.report.content import Headline


def table(**values: Any) -> Any:
    made = evidence_table({"rows": [{"group": "g", "measure": "m", "protocol": "p", **values}]})
    assert made is not None
    return made


def cell(mean: float | None, sd: float | None = None, n: int = 1) -> dict[str, Any]:
    return {"mean": mean, "sd": sd, "n": n}


def test_the_best_is_the_largest_or_the_smallest_as_the_measure_says() -> None:
    for higher, best in ((True, [True, False]), (False, [False, True]), (None, [False, False])):
        made = table(higher_is_better=higher, values={"model": cell(0.9), "raw": cell(0.8)})
        assert [each.best for each in made.groups[0][1][0].cells] == best


def test_what_looks_equal_is_equally_best() -> None:
    made = table(higher_is_better=True, values={"model": cell(0.90001), "raw": cell(0.90002), "PCA": cell(0.5)})
    assert [each.best for each in made.groups[0][1][0].cells] == [True, True, False]


def test_a_single_number_is_not_called_the_best() -> None:
    assert not table(higher_is_better=True, values={"model": cell(1.0)}).groups[0][1][0].cells[0].best


def test_columns_have_their_order_and_a_missing_cell_is_a_dash() -> None:
    rows = [
        {"measure": "a", "protocol": "", "higher_is_better": True, "values": {"mine": cell(1.0), "PCA": cell(2.0)}},
        {"measure": "b", "protocol": "", "higher_is_better": True, "values": {"model": cell(3.0, 0.5, 4)}},
    ]
    made = evidence_table({"rows": rows})
    assert made is not None
    assert list(made.columns) == ["This model", "PCA, same width", "mine"]
    second = made.groups[0][1][1].cells
    assert [each.mean for each in second] == ["3", "–", "–"]
    assert second[0].repeats == "over 4 repeats"


def test_a_spread_is_shown_only_where_there_was_one() -> None:
    values = {"model": cell(0.5, 0.01, 5), "raw": cell(0.4, None, 5), "PCA": cell(0.3, 0.02, 1)}
    cells = table(higher_is_better=True, values=values).groups[0][1][0].cells
    assert [each.sd for each in cells] == ["0.010", "", ""]


def test_the_label_curve_is_a_table_of_its_own(evidence: dict[str, Any]) -> None:
    made, curve = evidence_table(evidence), label_table(evidence)
    assert made is not None
    assert curve is not None
    assert [name for name, _ in made.groups] == ["Reconstruction", "Rank", "Neighbours"]
    assert [row.measure for row in curve.rows] == ["1", "10"]
    assert evidence_table({}) is None
    assert label_table({"rows": []}) is None


def test_bars_start_at_zero() -> None:
    bars = tile(Headline("m", True, {"model": 0.5, "raw": 1.0, "PCA": -0.2, "untrained": float("nan")})).bars
    assert [bar.share for bar in bars] == [50.0, 100.0, 0.0, 0.0]


def test_bars_of_nothing_have_no_length() -> None:
    assert [bar.share for bar in tile(Headline("m", True, {"model": 0.0, "raw": 0.0})).bars] == [0.0, 0.0]
