import math

import pytest

from nolabel.report.numbers import decimals_for, duration, number, sentence_case, tick


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([0.972, 0.961], 3),
        ([9.5, 20.1], 2),
        ([0.0102, 0.2], 3),
        ([0.0021, 0.196], 4),
        ([0.00012], 6),
        ([32.0, 47.0], 0),
        ([123.4, 99.0], 1),
        ([12345.6, 1000.25], 0),
        ([], 0),
        ([0.0, math.nan], 0),
    ],
)
def test_a_row_gets_decimals_that_tell_its_values_apart(values: list[float], decimals: int) -> None:
    assert decimals_for(values) == decimals


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.97213, 3, "0.972"),
        (-1.5, 1, "−1.5"),
        (1234567.0, 0, "1,234,567"),
        (None, 2, "–"),
        (math.nan, 2, "not a number"),
        (math.inf, 2, "infinite"),
        (1.5e-9, None, "1.50e−09"),
        (0.0, None, "0"),
    ],
)
def test_numbers_read_well(value: float | None, decimals: int | None, text: str) -> None:
    assert number(value, decimals) == text


def test_ticks_are_short() -> None:
    assert [tick(value) for value in (0.1, 20.0, 1000.0, 1e-6, 0.0, -0.5)] == [
        "0.1",
        "20",
        "1,000",
        "1e−6",
        "0",
        "−0.5",
    ]


def test_durations_change_their_unit() -> None:
    assert [duration(s) for s in (0.84, 42.4, 185.0, 7800.0)] == ["0.8 s", "42 s", "3 min 5 s", "2 h 10 min"]


def test_a_name_written_small_on_purpose_stays_small() -> None:
    assert [sentence_case(text) for text in ("linear probe", "k-NN accuracy", "PSNR", "")] == [
        "Linear probe",
        "k-NN accuracy",
        "PSNR",
        "",
    ]
