import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nolabel.report.figures import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, chart, linear_ticks, log_ticks, thin


def made(ys: list[float], **more: list[float]) -> Line:
    return Line("line", "train", [float(x) for x in range(1, len(ys) + 1)], ys, more.get("spreads", []))


def test_the_ends_of_the_data_are_the_ends_of_the_axes() -> None:
    points = chart("c", "x", [made([2.0, 5.0, 1.0])]).linear.lines[0].points
    assert points[0][0] == LEFT
    assert points[-1] == (WIDTH - RIGHT, HEIGHT - BOTTOM)
    assert points[1][1] == TOP


def test_a_logarithmic_axis_puts_equal_ratios_at_equal_distances() -> None:
    drawn = chart("c", "x", [made([1.0, 10.0, 100.0])])
    assert drawn.log is not None
    heights = [y for _, y in drawn.log.lines[0].points]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.2)


def test_values_at_or_below_zero_have_no_logarithmic_plot() -> None:
    assert chart("c", "x", [made([1.0, 0.0])]).log is None
    assert chart("c", "x", [made([1.0, 2.0], spreads=[1.5, 0.1])]).log is None


def test_a_missing_value_is_a_gap() -> None:
    path = chart("c", "x", [made([1.0, 2.0, math.nan, 4.0, 5.0])]).linear.lines[0].path
    assert path.count("M") == 2
    assert "nan" not in path


def test_a_line_without_any_value_is_left_out() -> None:
    assert [line.name for line in chart("c", "x", [made([math.nan]), made([1.0])]).lines] == ["line"]


def test_one_point_and_a_constant_line_can_be_drawn() -> None:
    assert len(chart("c", "x", [made([3.0])]).linear.lines[0].points) == 1
    assert chart("c", "x", [made([0.0, 0.0])]).linear.y_ticks
    drawn = chart("c", "x", [made([3.0, 3.0])])
    assert drawn.log is not None
    assert drawn.log.y_ticks


def test_a_band_goes_there_and_back() -> None:
    band = chart("c", "x", [made([1.0, 2.0], spreads=[0.5, 0.5])]).linear.lines[0].band
    assert band.endswith("Z")
    assert len(re.findall(r"[ML]", band)) == 4


def test_long_lines_are_thinned_but_keep_their_ends() -> None:
    short = thin(made([float(i) for i in range(5000)]))
    assert len(short.ys) <= 400
    assert (short.ys[0], short.ys[-1]) == (0.0, 4999.0)


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_are_round_few_and_inside(low: float, width: float) -> None:
    high = low + width
    if high - low < 1e-9 * max(abs(low), 1):  # too narrow for float64 to hold a tick between
        return
    ticks = linear_ticks(low, high)
    slack = 1e-6 * width + 1e-9 * abs(low)
    assert 1 <= len(ticks) <= 11
    assert all(low - slack <= tick <= high + slack for tick in ticks)


@given(st.floats(1e-8, 1e6), st.floats(1.001, 1e8))
def test_log_ticks_are_inside(low: float, ratio: float) -> None:
    ticks = log_ticks(low, low * ratio)
    assert ticks
    assert all(low * (1 - 1e-6) <= tick <= low * ratio * (1 + 1e-6) for tick in ticks)
