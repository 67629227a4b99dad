from typing import Any

from nolabel.report.curves import label_chart, learning_charts


def test_the_loss_comes_first_and_held_out_lies_beside_train() -> None:
    history = [{"epoch": e, "kl": 1.0, "loss": 2.0 / e, "holdout_loss": 3.0 / e, "seconds": 1.0} for e in (1, 2, 3)]
    charts = learning_charts(history)
    assert [chart.title for chart in charts] == ["Loss", "KL"]
    assert [line.name for line in charts[0].lines] == ["train", "held out"]


def test_a_loss_of_one_part_is_drawn_once() -> None:
    history = [{"epoch": e, "loss": 1.0 / e, "reconstruction": 1.0 / e, "perplexity": 4.0} for e in (1, 2)]
    assert [chart.title for chart in learning_charts(history)] == ["Loss", "Perplexity"]


def test_what_appears_late_or_is_no_number_is_no_trouble() -> None:
    history = [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": float("nan"), "late": 3.0, "note": "text", "flag": True}]
    charts = {chart.title: chart for chart in learning_charts(history)}
    assert set(charts) == {"Loss", "Late"}
    assert len(charts["Late"].linear.lines[0].points) == 1


def test_what_players_log_has_words_and_copies_are_drawn_beside_new_data() -> None:
    history = [{"epoch": e, "loss": 1.0, "generator.copied": 0.2 / e, "critic.real_part": 0.1 * e} for e in (1, 2, 4)]
    history.insert(2, {"epoch": 3, "loss": 0.5, "critic.real_part": 0.7})
    charts = {chart.title: chart for chart in learning_charts(history)}
    assert set(charts) == {"Loss", "Share of samples that are copies", "Real part (critic)"}
    copies = charts["Share of samples that are copies"]
    assert [line.name for line in copies.lines] == ["samples", "new data"]
    assert [list(line.xs) for line in copies.lines] == [[1, 2, 4]] * 2
    assert set(copies.lines[1].ys) == {0.05}


def test_no_history_gives_no_chart() -> None:
    assert learning_charts([]) == []


def test_the_label_curve_has_a_line_for_each_column_in_order_of_labels(evidence: dict[str, Any]) -> None:
    evidence["rows"].reverse()
    chart = label_chart(evidence)
    assert chart is not None
    assert [line.name for line in chart.lines] == ["This model", "Raw values"]
    assert [list(line.xs) for line in chart.lines] == [[1.0, 10.0], [1.0, 10.0]]
    assert [mark.text for mark in chart.linear.x_ticks] == ["1", "10"]


def test_without_a_label_curve_there_is_no_chart() -> None:
    assert label_chart({}) is None
