"""The stated rule for tables: learn, encode, restore, and every refusal in words."""

import datetime as dt
import inspect
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from nolabel.data import table_numbers
from nolabel.data.tables import MAX_CATEGORIES, column_names, encode, from_array, learn, restore
from nolabel.errors import ArgumentError, DataError
from nolabel.types import DataSpec

few = settings(deadline=None, max_examples=60)


def both(frame: pd.DataFrame, **options: str) -> tuple[DataSpec, Tensor, Tensor | None]:
    spec = learn(frame, **options)
    return (spec, *encode(frame, spec))


def column(values: object, **options: object) -> pd.DataFrame:
    return pd.DataFrame({"x": pd.Series(values, **options)})


def left_out(spec: DataSpec) -> dict[object, str]:
    return {entry["name"]: entry["why"] for entry in spec.recipe["left_out"]}


# numbers


def test_numbers_get_mean_0_and_deviation_1_over_observed_values() -> None:
    frame = column([1.0, np.nan, 3.0, 5.0, 7.0])
    spec, values, mask = both(frame)
    seen = values[[0, 2, 3, 4], 0].numpy()
    assert seen.mean() == pytest.approx(0, abs=1e-6)
    assert seen.std() == pytest.approx(1, abs=1e-6)
    assert values[1] == 0
    assert mask is not None
    assert mask[:, 0].tolist() == [True, False, True, True, True]
    assert spec.values == "real"
    assert (values.dtype, mask.dtype) == (torch.float32, torch.bool)


def test_against_a_slow_reference() -> None:
    rng = np.random.default_rng(0)
    array = rng.normal(size=(50, 4)) * [1, 1e3, 1e-3, 7] + [0, 5, 1e3, -2]
    for scaling, expected in {
        "standard": (array - array.mean(0)) / array.std(0),
        "minmax": (array - array.min(0)) / (array.max(0) - array.min(0)),
        "none": array,
    }.items():
        _, values, mask = both(pd.DataFrame(array), scaling=scaling)
        np.testing.assert_allclose(values.numpy(), expected, rtol=1e-5, atol=1e-5)
        assert mask is None


def test_blocks_of_rows_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(1000, 3)))
    frame.iloc[::7, 1] = np.nan
    spec, values, mask = both(frame)
    monkeypatch.setattr(table_numbers, "BLOCK_VALUES", 300)
    again, values_again, mask_again = both(frame)
    torch.testing.assert_close(values, values_again)
    assert torch.equal(mask, mask_again)
    for rule, other in zip(spec.recipe["columns"], again.recipe["columns"], strict=True):
        assert rule["scale"] == pytest.approx(other["scale"], rel=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e12, -1e15])
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_a_huge_offset_loses_nothing(offset: float, size: float) -> None:
    values = offset + size * np.linspace(-4, 4, 1001)
    exact = (values - offset) / size  # what float64 still holds of the spread
    _, network, _ = both(column(values))
    np.testing.assert_allclose(network[:, 0].numpy(), (exact - exact.mean()) / exact.std(), atol=2e-6)


@pytest.mark.parametrize("size", [1e300, 1e-280, 1e40])
def test_magnitudes_beyond_float32(size: float) -> None:
    plain = np.array([1.0, 2.0, -4.0])
    frame = column(plain * size)
    spec, values, _ = both(frame)
    np.testing.assert_allclose(values[:, 0].numpy(), (plain - plain.mean()) / plain.std(), rtol=1e-6)
    np.testing.assert_allclose(restore(spec, values)["x"], frame["x"], rtol=1e-6)


@pytest.mark.parametrize("scaling", ["standard", "minmax"])
@pytest.mark.parametrize("value", [0.0, 3.0, 1e12, -0.1])
def test_a_constant_column_becomes_0(scaling: str, value: float) -> None:
    frame = column([value] * 4)
    spec, values, _ = both(frame, scaling=scaling)
    assert not values.any()
    np.testing.assert_array_equal(restore(spec, values)["x"], frame["x"])
    assert encode(column([value + 2]), spec)[0].item() == pytest.approx(2, rel=1e-3)


def test_rounding_noise_counts_as_constant() -> None:
    _, values, _ = both(column([0.3, 0.1 + 0.2, 0.3]))
    assert values.abs().max() < 1e-6


def test_minmax_covers_the_unit_interval_and_does_not_clip_new_values() -> None:
    frame = column([2.0, 4.0, 6.0, np.nan])
    spec, values, _ = both(frame, scaling="minmax")
    assert values[:, 0].tolist() == [0, 0.5, 1, 0.5]
    assert spec.values == "unit"
    assert encode(column([0.0, 10.0]), spec)[0][:, 0].tolist() == [-0.5, 2]


def test_none_leaves_numbers_alone_and_says_whether_they_are_in_the_unit_interval() -> None:
    spec, values, _ = both(column([0.0, 0.25, 1.0]), scaling="none")
    assert values[:, 0].tolist() == [0, 0.25, 1]
    assert spec.values == "unit"
    assert learn(column([0.0, 255.0]), scaling="none").values == "real"
    _, values, _ = both(column([1.0, 3.0, np.nan]), scaling="none")
    assert values[:, 0].tolist() == [1, 3, 2]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2, 5], "int64"),
        ([1, 2, 5], "uint8"),
        ([1, 2, None], "Int64"),
        ([1, 2, None], "int64[pyarrow]"),
        ([1.5, 2.5, None], "Float64"),
        ([1.5, 2.5, None], "double[pyarrow]"),
        ([1.5, 2.5, None], "float32"),
        ([1.5, 2.5, None], "float16"),
        ([True, False, None], "boolean"),
        ([True, False, None], "bool[pyarrow]"),
        ([True, False, True], "bool"),
        ([0.0, 0.0, 2.0], "Sparse[float64, nan]"),
        ([Decimal("1.5"), Decimal("2.5"), None], pd.ArrowDtype(pa.decimal128(5, 2))),
        ([Decimal("1.5"), Decimal("2.5"), None], object),
        ([1, 2.5, None], object),
        ([1, 2, None], object),
        ([True, False, None], object),
    ],
)
def test_numbers_and_booleans_of_every_dtype(values: list[object], dtype: object) -> None:
    frame = column(values, dtype=dtype)
    spec, network, mask = both(frame)
    known = np.array([float(value) for value in values if value is not None])
    np.testing.assert_allclose(network[: len(known), 0], (known - known.mean()) / known.std(), rtol=1e-5, atol=1e-6)
    assert (mask is None) == (len(known) == len(values))
    back = restore(spec, network)["x"]
    np.testing.assert_allclose(back[: len(known)].astype(float), known, rtol=1e-3, atol=1e-6)
    if dtype is not object and not isinstance(dtype, pd.ArrowDtype) and not str(dtype).startswith("Sparse"):
        assert back.dtype == frame["x"].dtype


@pytest.mark.parametrize(
    ("raw", "dtype", "expected"),
    [(1e9, "int16", 2**15 - 1), (-1e9, "uint8", 0), (1e30, "int64", 2**63 - 1024), (9.5e30, "float16", 65504)],
)
def test_values_that_the_dtype_cannot_hold_are_pulled_in(raw: float, dtype: str, expected: float) -> None:
    spec = learn(column([0, 1], dtype=dtype), scaling="none")
    assert restore(spec, torch.tensor([[raw]]))["x"][0] == expected


def test_whole_numbers_beyond_int64_come_back_as_floats() -> None:
    frame = column([10**20, -(10**20), None], dtype=object)
    spec, values, _ = both(frame)
    np.testing.assert_allclose(restore(spec, values)["x"][:2].tolist(), [1e20, -1e20], rtol=1e-6)
    spec, values, _ = both(column([2**64 - 1, 0], dtype="uint64"))
    assert restore(spec, values)["x"].tolist() == [pytest.approx(2**64, rel=1e-6), 0]


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([2**60 + i for i in range(5)]),
        pd.Series([2**60 + i for i in range(5)], dtype=object),
        pd.Series([2**60, 2**60 + 1, None], dtype="Int64"),
        pd.Series([2**64 - 1, 2**64 - 9], dtype="uint64"),
        pd.Series([-(2**60), -(2**60) + 99, None], dtype=object),
    ],
)
def test_whole_numbers_that_float64_cannot_tell_apart_are_refused(values: pd.Series) -> None:
    with pytest.raises(
        DataError, match=r"column 'x' holds whole numbers from -?\d+ to -?\d+, which float64 can hardly"
    ):
        learn(pd.DataFrame({"x": values}))


def test_large_whole_numbers_that_differ_enough_are_numbers() -> None:
    nanoseconds = [1_700_000_000_000_000_000 + day * 86_400 * 10**9 for day in range(5)]
    _, values, _ = both(column(nanoseconds), scaling="minmax")
    np.testing.assert_allclose(values[:, 0], [0, 0.25, 0.5, 0.75, 1], atol=1e-6)
    assert not both(column([2**60] * 3))[1].any()


def test_a_number_beyond_float64_is_refused() -> None:
    with pytest.raises(DataError, match=r"column 'x' holds a number too large for float64"):
        learn(column([10**400, 1], dtype=object))


def test_fractions_in_a_column_of_whole_numbers() -> None:
    spec, _, _ = both(column([0, 10]))
    values, _ = encode(column([2.5]), spec)
    assert restore(spec, values)["x"].tolist() == [2]  # the column's own dtype, rounded


# dates


@pytest.mark.parametrize(
    "dtype",
    [
        "datetime64[s]",
        "datetime64[us]",
        "datetime64[ns]",
        "datetime64[us, UTC]",
        "datetime64[ns, Europe/Berlin]",
        "timestamp[us][pyarrow]",
        object,
    ],
)
def test_dates_are_days_since_the_first(dtype: object) -> None:
    days = pd.Series(pd.to_datetime(["2026-01-01", "2026-01-11", None, "2026-01-06"]))
    values = days.dt.tz_localize("UTC").astype(dtype) if "," in str(dtype) else days.astype(dtype)
    frame = pd.DataFrame({"x": values})
    spec, network, mask = both(frame, scaling="none")
    assert network[:, 0].tolist() == [0, 10, 5, 5]
    assert mask is not None
    assert mask[:, 0].tolist() == [True, True, False, True]
    back = restore(spec, network)["x"]
    assert back.drop(2).tolist() == pd.to_datetime(values.drop(2)).tolist()
    if dtype is not object:
        assert back.dtype == values.dtype


def test_dates_of_other_kinds() -> None:
    for values in (
        pd.Series([dt.date(2026, 1, 1), dt.date(2026, 1, 3)], dtype=object),
        pd.Series([dt.date(2026, 1, 1), dt.date(2026, 1, 3)], dtype=pd.ArrowDtype(pa.date32())),
        pd.Series([pd.Timestamp("2026-01-01", tz="UTC"), pd.Timestamp("2026-01-03 01:00", tz="CET")], dtype=object),
    ):
        spec, network, _ = both(pd.DataFrame({"x": values}), scaling="none")
        assert network[:, 0].tolist() == [0, 2]
        assert pd.to_datetime(restore(spec, network)["x"]).dt.day.tolist() == [1, 3]


def test_dates_keep_the_time_of_day_when_they_have_one() -> None:
    stamps = pd.to_datetime(pd.Series(["2026-01-01 06:00", "2026-01-02 18:30"]))
    spec, network, _ = both(pd.DataFrame({"x": stamps}))
    assert ((restore(spec, network)["x"] - stamps).abs() < pd.Timedelta("1s")).all()


def test_whole_days_come_back_as_whole_days() -> None:
    spec = learn(pd.DataFrame({"x": pd.to_datetime(["2026-01-01", "2026-01-03"])}), scaling="none")
    assert restore(spec, torch.tensor([[0.7]]))["x"][0] == pd.Timestamp("2026-01-02")


@pytest.mark.parametrize("unit", ["ns", "s"])
def test_dates_far_out_are_pulled_in(unit: str) -> None:
    spec = learn(pd.DataFrame({"x": pd.to_datetime(["2026-01-01", "2026-01-03"]).astype(f"datetime64[{unit}]")}))
    assert restore(spec, torch.tensor([[1e9]]))["x"][0].year == (2262 if unit == "ns" else 9999)


def test_lengths_of_time() -> None:
    frame = pd.DataFrame({"x": pd.to_timedelta([1.5, 2.0, None], unit="D")})
    spec, network, _ = both(frame, scaling="none")
    assert network[:, 0].tolist() == [1.5, 2.0, 1.75]
    assert restore(spec, network)["x"].tolist()[:2] == frame["x"].tolist()[:2]


# categories


def test_categories_are_one_hot_sorted_and_missing_ones_are_masked() -> None:
    frame = pd.DataFrame({"colour": ["red", "blue", None, "red"], "age": [1, 2, 3, 4]})
    spec, values, mask = both(frame)
    assert column_names(spec) == ["colour=blue", "colour=red", "age"]
    assert values[:, :2].tolist() == [[0, 1], [1, 0], [0, 0], [0, 1]]
    assert mask is not None
    assert mask.tolist() == [[True] * 3, [True] * 3, [False, False, True], [True] * 3]
    assert spec.shape == (3,)


def test_only_categories_are_unit_values() -> None:
    assert learn(column(["a", "b"])).values == "unit"
    assert learn(pd.DataFrame({"a": ["a", "b"], "b": [0.0, 9.0]})).values == "real"
    assert learn(pd.DataFrame({"a": ["a", "b"], "b": [0.0, 9.0]}), scaling="minmax").values == "unit"


def test_unknown_category_is_0_and_counts_as_missing() -> None:
    spec = learn(column(["red", "blue"]))
    values, mask = encode(column(["green", "red"]), spec)
    assert values.tolist() == [[0, 0], [0, 1]]
    assert mask is not None
    assert mask.tolist() == [[False, False], [True, True]]


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["b", "a", None], dtype=object),
        pd.Series(["b", "a", None], dtype="category"),
        pd.Series(["b", "a", None], dtype="string"),
        pd.Series(["b", "a", None], dtype=pd.ArrowDtype(pa.string())),
        pd.Series(["b", "a", None], dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))),
        pd.Series([20, 10, None], dtype="category"),
        pd.Series([2.5, 1.5, None], dtype="category"),
        pd.Series(["b", 1, None], dtype=object),
        pd.Series([True, False, None], dtype="category"),
        pd.Series([b"y", b"x", None], dtype=object),
        pd.Series(pd.PeriodIndex(["2026-02", "2026-01", None], freq="M")),
        pd.cut(pd.Series([3.0, 1.0, np.nan]), 2),
    ],
)
def test_categories_of_every_dtype(values: pd.Series) -> None:
    frame = pd.DataFrame({"x": values})
    spec, network, mask = both(frame)
    assert network.sum(dim=1).tolist() == [1, 1, 0]
    assert network[0].argmax() == 1
    assert mask is not None
    assert mask.all(dim=1).tolist() == [True, True, False]
    assert DataSpec.from_json(spec.to_json()) == spec
    back = restore(spec, network)["x"]
    assert [str(value) for value in back[:2]] == [str(value) for value in values[:2]]


def test_categories_keep_their_type() -> None:
    spec = learn(column([3, "b", "a", 2.5], dtype=object))
    assert spec.recipe["columns"][0]["categories"] == [2.5, 3, "a", "b"]
    assert restore(spec, torch.eye(4))["x"].tolist() == [2.5, 3, "a", "b"]


def test_ordered_categories_stay_in_their_order() -> None:
    grade = pd.Categorical(["high", "low", "low"], ["low", "middle", "high"], ordered=True)
    spec, values, _ = both(pd.DataFrame({"x": grade}))
    assert column_names(spec) == ["x=low", "x=high"]
    back = restore(spec, values)["x"]
    assert back.tolist() == ["high", "low", "low"]
    assert back.cat.ordered


def test_unused_categories_get_no_column() -> None:
    assert column_names(learn(pd.DataFrame({"x": pd.Categorical(["a"], ["a", "b"])}))) == ["x=a"]


def test_identifiers_are_left_out_and_recorded() -> None:
    n = 2 * MAX_CATEGORIES
    frame = pd.DataFrame({"id": [f"p{i}" for i in range(n)], "age": range(n)})
    spec = learn(frame)
    assert column_names(spec) == ["age"]
    assert left_out(spec)["id"] == "200 distinct values among 200, like an identifier (such as 'p0', 'p1', ...)"
    encode(frame[["age"]], spec)  # nobody has to bring what is not used
    assert list(restore(spec, encode(frame, spec)[0]).columns) == ["age"]


def test_rare_categories_share_a_column() -> None:
    frequent = [f"f{i:03}" for i in range(MAX_CATEGORIES - 1)] * 5
    rare = [f"r{i}" for i in range(50)]
    spec, values, mask = both(column([*rare, *frequent]))
    names = column_names(spec)
    assert len(names) == MAX_CATEGORIES
    assert names[-1] == "x=other"
    assert names[0] == "x=f000"
    assert values[:50, -1].all()
    assert not values[50:, -1].any()
    assert mask is None
    assert encode(column(["never seen"]), spec)[0][0, -1] == 1
    assert restore(spec, values)["x"].tolist() == ["other"] * 50 + frequent


def test_the_most_frequent_categories_keep_a_column_in_sorted_order() -> None:
    spec = learn(column([word for i in range(150) for word in [f"w{i:03}"] * (i + 1)]))
    assert spec.recipe["columns"][0]["categories"] == [f"w{i:03}" for i in range(51, 150)]


def test_the_shared_column_finds_a_free_name() -> None:
    words = [f"w{i}" for i in range(MAX_CATEGORIES + 5)] + ["other"] * 3
    spec = learn(column(words * 3))
    assert column_names(spec)[-1] == "x=(other)"
    assert "x=other" in column_names(spec)


def test_as_many_categories_as_allowed_keep_a_column_each() -> None:
    spec = learn(column([f"w{i}" for i in range(MAX_CATEGORIES)]))
    assert spec.shape == (MAX_CATEGORIES,)
    assert spec.recipe["columns"][0]["other"] is None


def test_columns_without_values_are_left_out_and_recorded() -> None:
    frame = pd.DataFrame(
        {
            "a": [np.nan] * 2,
            "b": pd.Series([None] * 2, dtype=object),
            "c": pd.Series([None] * 2, dtype="string"),
            "d": pd.Series([pd.NaT] * 2),
            "e": pd.Series([None] * 2, dtype="category"),
            "f": pd.Series([None] * 2, dtype=pd.ArrowDtype(pa.null())),
            "g": [1, 2],
        }
    )
    spec, _, mask = both(frame)
    assert column_names(spec) == ["g"]
    assert left_out(spec) == dict.fromkeys("abcdef", "no value is observed")
    assert mask is None


# recipes


def test_the_recipe_is_plain_json_and_survives_it() -> None:
    frame = pd.DataFrame(
        {
            "number": [1e-300, 0.1, np.nan],
            ("a", 1): pd.Categorical([1, 2, 1]),
            7: [True, False, True],
            2.5: pd.to_datetime(["2026-01-01", None, "2026-01-02"]),
            pd.Timestamp("2026-01-01"): ["x", "y", None],
        }
    )
    spec, values, mask = both(frame)
    again = DataSpec.from_json(spec.to_json())
    assert again == spec
    json.loads(spec.to_json(), parse_constant=pytest.fail)  # neither NaN nor Infinity
    values_again, mask_again = encode(frame, again)
    assert torch.equal(values, values_again)
    assert torch.equal(mask, mask_again)
    assert [*restore(again, values).columns][2:4] == [7, 2.5]


def test_columns_are_found_by_name() -> None:
    frame = pd.DataFrame({"age": [1.0, 2.0], "colour": ["a", "b"], 3: [5, 6]})
    spec, values, _ = both(frame)
    other = frame[[3, "colour", "age"]].assign(extra=1j)
    assert torch.equal(encode(other, spec)[0], values)


def test_arrays_are_taken_by_place() -> None:
    array = np.arange(6.0).reshape(3, 2)
    spec = learn(from_array(array), kind="array")
    named = pd.DataFrame(array, columns=["b", "a"])
    assert torch.equal(encode(named, spec)[0], encode(from_array(array), spec)[0])


def test_the_input_is_not_modified() -> None:
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None], "c": pd.to_datetime(["2026-01-01", None])})
    before = frame.copy(deep=True)
    _, values, _ = both(frame)
    pd.testing.assert_frame_equal(frame, before)
    array = np.arange(6.0).reshape(3, 2)
    array.flags.writeable = False
    spec = learn(from_array(array), kind="array", scaling="none")
    values, _ = encode(from_array(array), spec)
    values += 1
    np.testing.assert_array_equal(array, np.arange(6.0).reshape(3, 2))


def test_one_row_at_a_time_equals_all_at_once() -> None:
    frame = pd.DataFrame(
        {"a": [1.0, np.nan, 3.0], "b": ["x", None, "y"], "c": [True, None, False], "d": pd.Categorical([1, 2, None])}
    )
    spec, values, mask = both(frame)
    for row in range(3):
        one, seen = encode(frame.iloc[[row]], spec)
        assert torch.equal(one[0], values[row])
        assert torch.equal(seen[0] if seen is not None else torch.ones(len(one[0]), dtype=torch.bool), mask[row])


# arrays


def test_an_array_comes_back_as_floats_in_its_width() -> None:
    array = np.array([[1, 2, 3], [4, 6, 8]])
    spec = learn(from_array(array), kind="array")
    back = restore(spec, encode(from_array(array), spec)[0])
    assert isinstance(back, np.ndarray)
    assert back.dtype == np.float64
    np.testing.assert_allclose(back, array, rtol=1e-6)
    spec = learn(from_array(array.astype(np.float32)), kind="array")
    assert restore(spec, torch.zeros(5, 3)).dtype == np.float32


def test_an_empty_array_column_comes_back_as_nan() -> None:
    array = np.array([[1, np.nan, 3.0], [4, np.nan, np.nan]])
    spec = learn(from_array(array), kind="array", missing="impute")
    values, mask = encode(from_array(array), spec)
    assert spec.shape == (2,)
    assert mask is not None
    assert mask.tolist() == [[True, True], [True, False]]
    np.testing.assert_array_equal(np.isnan(restore(spec, values)), [[False, True, False]] * 2)


# round trips


@few
@given(
    hnp.arrays(np.float64, (7, 2), elements=st.floats(-1e9, 1e9, allow_subnormal=False)),
    st.sampled_from(["standard", "minmax"]),
    st.floats(-1e12, 1e12),
)
def test_floats_round_trip(array: np.ndarray, scaling: str, offset: float) -> None:
    array = array + offset
    spec = learn(from_array(array), kind="array", scaling=scaling)
    values, mask = encode(from_array(array), spec)
    assert mask is None
    assert values.isfinite().all()
    # float32 rounds z, at most sqrt(N) in size; float64 rounds the data themselves
    tolerance = 1e-6 * np.ptp(array, axis=0) + 1e-15 * np.abs(array).max(axis=0) + 1e-300
    assert (np.abs(restore(spec, values) - array) <= tolerance).all()


@few
@given(
    st.lists(
        st.tuples(
            st.integers(-(2**20), 2**20),
            st.booleans(),
            st.text(st.characters(codec="utf-8", categories=["L", "Zs"]), max_size=4).map("a{}".format),
            st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
            st.sampled_from([1, 2, 3]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_frames_round_trip_exactly(rows: list[tuple[object, ...]]) -> None:
    frame = pd.DataFrame(rows, columns=["int", "bool", "text", "date", "category"])
    frame["date"] = pd.to_datetime(frame["date"])
    frame["category"] = frame["category"].astype("category")
    spec, values, mask = both(frame)
    assert mask is None
    spec = DataSpec.from_json(spec.to_json())
    pd.testing.assert_frame_equal(restore(spec, values), frame, check_categorical=False)
    torch.testing.assert_close(encode(restore(spec, values), spec)[0], values)


@few
@given(hnp.arrays(np.float64, (9, 1), elements=st.floats(allow_infinity=False, width=64)))
def test_any_finite_column_is_encoded_or_refused_in_words(array: np.ndarray) -> None:
    if np.isnan(array).all() or np.nanmax(array) / 2 - np.nanmin(array) / 2 > np.finfo(float).max / 2:
        with pytest.raises(DataError, match=r"more than float64|no value is observed"):
            learn(from_array(array), kind="array", missing="impute")
        return
    spec = learn(from_array(array), kind="array", missing="impute")
    values, mask = encode(from_array(array), spec)
    assert values.isfinite().all()
    known = values.numpy()[~np.isnan(array)]
    assert abs(known.mean()) < 1e-4
    assert known.std() == pytest.approx(1, abs=1e-4) or not known.any() or np.abs(known).max() < 1e-280
    assert (mask is None) == (not np.isnan(array).any())


@few
@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=12))
def test_mask_and_one_hot_agree(values: list[str | None]) -> None:
    frame = pd.DataFrame({"x": pd.Series(values, dtype=object), "n": 0.0})
    _, network, mask = both(frame)
    hot = network[:, :-1].sum(dim=1) if network.shape[1] > 1 else torch.zeros(len(values))
    assert hot.tolist() == [0.0 if value is None else 1.0 for value in values]
    if mask is not None:
        assert mask[:, 0].tolist() == [value is not None for value in values]


# refusals


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame({"a": []}), r"0 sample\(s\) \(shape=\(0, 1\)\) while a minimum of 1 is required"),
        (pd.DataFrame(index=[0, 1]), r"0 feature\(s\) \(shape=\(2, 0\)\) while a minimum of 1 is required"),
        (pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]), r"several columns are named 'a'"),
        (pd.DataFrame({"a": [np.nan]}), r"no column that can be used: 'a': no value is observed"),
        (pd.DataFrame({"a": [1.0, np.inf, -np.inf]}), r"infinity: column 'a', row 1 and 1 more; replace"),
        (pd.DataFrame({"a": [1.0, -np.inf]}, index=["x", "y"]), r"infinity: column 'a', row 1 \(index 'y'\)"),
        (pd.DataFrame({"a": [1j]}), r"Complex data not supported: column 'a'"),
        (pd.DataFrame({"a": [[1], [2]]}), r"column 'a' holds values that cannot be compared.*text"),
        (pd.DataFrame({"a": [-1.7e308, 1.7e308]}), r"column 'a' goes from -1\.7e\+308.*divide"),
    ],
)
def test_bad_frames_are_refused_in_words(frame: pd.DataFrame, words: str) -> None:
    with pytest.raises(DataError, match=words):
        learn(frame)


@pytest.mark.parametrize(
    ("frame", "name", "row"),
    [
        (pd.DataFrame({"a": [1, 2], "b": [1.0, np.nan]}), "b", 1),
        (pd.DataFrame({"a": ["x", None]}), "a", 1),
        (pd.DataFrame({"a": pd.to_datetime([None, "2026-01-01"])}), "a", 0),
    ],
)
def test_missing_values_can_be_refused(frame: pd.DataFrame, name: str, row: int) -> None:
    words = rf"contains NaN \(a missing value\) in column '{name}', row {row}.*missing='impute'"
    with pytest.raises(DataError, match=words):
        learn(frame, missing="refuse")
    whole = frame.ffill().bfill()
    spec = learn(whole, missing="refuse")
    encode(whole, spec)
    with pytest.raises(DataError, match=words):
        encode(frame, spec)


def test_a_column_of_nothing_but_missing_values_can_be_refused() -> None:
    with pytest.raises(DataError, match=r"NaN .*column 'a', row 0 and 1 more"):
        learn(pd.DataFrame({"a": [None, None]}), missing="refuse")


def test_arrays_refuse_missing_values_unless_asked() -> None:
    array = np.ones((3, 2))
    array[2, 1] = np.nan
    with pytest.raises(DataError, match=r"NaN.*column 1, row 2; .*missing='impute'"):
        learn(from_array(array), kind="array")
    spec = learn(from_array(np.ones((3, 2))), kind="array")
    with pytest.raises(DataError, match=r"NaN.*column 1, row 2"):
        encode(from_array(array), spec)
    assert learn(from_array(array), kind="array", missing="impute").shape == (2,)


def test_new_infinite_and_far_out_values() -> None:
    spec = learn(pd.DataFrame({"a": [0.0, 1.0], "b": [0.0, 1.0]}))
    with pytest.raises(DataError, match=r"infinity: column 'b', row 1"):
        encode(pd.DataFrame({"a": [0.0, 0.0], "b": [0.0, np.inf]}), spec)
    with pytest.raises(DataError, match=r"column 'b', row 1: 1e\+300 is too far out.*from 0 to 1"):
        encode(pd.DataFrame({"a": [0.0, 0.0], "b": [0.0, 1e300]}), spec)
    spec = learn(column([0.0, 1e40]), scaling="none")
    with pytest.raises(DataError, match=r"1e\+40 is too far out.*scaling='standard'"):
        encode(column([0.0, 1e40]), spec)


def test_missing_columns_are_named_with_the_nearest() -> None:
    spec = learn(pd.DataFrame({"age": [1.0, 2.0], "colour": ["a", "b"], "size": [1, 2]}))
    with pytest.raises(DataError, match=r"(?s)missing \(2\):\n  'age'; did you mean 'Age'\?\n  'colour'$"):
        encode(pd.DataFrame({"Age": [1.0], "size": [3]}), spec)
    with pytest.raises(DataError, match=r"(?s)'age'.*have no column names; give a DataFrame"):
        encode(pd.DataFrame(np.ones((2, 3))), spec)
    many = learn(pd.DataFrame(np.ones((2, 30)), columns=[f"c{i}" for i in range(30)]))
    with pytest.raises(DataError, match=r"(?s)missing \(30\).*and 20 more"):
        encode(pd.DataFrame({"zzz": [1]}), many)


def test_wrong_width_is_said_as_scikit_learn_says_it() -> None:
    spec = learn(from_array(np.ones((3, 4))), kind="array")
    with pytest.raises(DataError, match=r"X has 1 features, but \w+ is expecting 4 features as input"):
        encode(from_array(np.ones((3, 1))), spec)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([1.0, 2.0], ["1", "?", "two"], r"held numbers .* now it holds text: row 2 is 'two'"),
        ([1.0, 2.0], ["1", "2,5"], r"held numbers .* now it holds text: row 1 is '2,5'"),
        ([1.0, 2.0], [1.0, "x"], r"held numbers .* now it holds mixed values: row 1 is 'x'"),
        ([True, False], ["yes", "no"], r"held true or false .* text: row 0 is 'yes'"),
        ([1.0, 2.0], pd.to_datetime(["2026-01-01"]), r"held numbers .* dates: row 0 is '2026-01-01 00:00:00'"),
        (pd.to_datetime(["2026-01-01"]), [None, 3.0], r"held dates .* numbers: row 1 is 3\.0"),
        (pd.to_datetime(["2026-01-01"]), ["soon"], r"held dates .* text: row 0 is 'soon'"),
        (["a", "b"], [None, 2.0], r"held categories .* numbers: row 1 is 2\.0"),
        (["a", "b"], pd.to_datetime(["2026-01-01"]), r"held categories .* dates"),
        (pd.Categorical([1, 2]), ["1", "2"], r"held categories .* text: row 0 is '1'"),
        (pd.Categorical(["x" * 99]), [1], r"held categories"),
        ([1.0, 2.0], ["y" * 99], r"is 'y+\.\.\.;"),
    ],
)
def test_a_column_that_changed_its_kind_is_refused(before: object, after: object, words: str) -> None:
    spec = learn(pd.DataFrame({"x": before}))
    with pytest.raises(DataError, match=rf"column 'x' {words}" if words.startswith("held") else words):
        encode(pd.DataFrame({"x": after}), spec)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([1.0, 2.0], [1, 2]),
        ([1.0, 2.0], [True, False]),
        ([True, False], [1, 0]),
        ([1.0, 2.0], pd.Series([None, None], dtype=object)),
        ([1.0, 2.0], pd.Series([None, None], dtype="string")),
        (pd.to_datetime(["2026-01-01"]), pd.Series([None], dtype=object)),
        (pd.Categorical([1, 2]), [2, 1]),
        (["a", "b"], [None, None]),
        (["a", "b"], pd.Categorical(["b", "z"])),
    ],
)
def test_a_column_of_a_like_kind_is_taken(before: object, after: object) -> None:
    spec = learn(pd.DataFrame({"x": before}))
    values, _ = encode(pd.DataFrame({"x": after}), spec)
    assert values.isfinite().all()


@pytest.mark.parametrize("argument", ["scaling", "missing", "kind"])
def test_unknown_choices_offer_the_nearest(argument: str) -> None:
    unchecked = inspect.unwrap(learn)  # the tests' own type checks would be faster than ours
    near = {"scaling": "standart", "missing": "imput", "kind": "frames"}[argument]
    with pytest.raises(ArgumentError, match=f"{argument} must be one of .*did you mean"):
        unchecked(column([1.0]), **{argument: near})


def test_restore_refuses_what_is_not_network_values() -> None:
    spec = learn(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 2.0]}))
    with pytest.raises(ArgumentError, match=r"values must have shape \(N, 2\); got \(3, 5\)"):
        restore(spec, torch.zeros(3, 5))
    with pytest.raises(ArgumentError, match="NaN or infinite"):
        restore(spec, torch.tensor([[0.0, float("nan")]]))


def test_restore_takes_values_with_a_graph_and_of_other_precision() -> None:
    spec = learn(pd.DataFrame({"a": [1.0, 2.0]}))
    values = torch.zeros(2, 1, dtype=torch.bfloat16, requires_grad=True)
    assert restore(spec, values)["a"].tolist() == [1.5, 1.5]
    assert len(restore(spec, torch.zeros(0, 1))) == 0
