"""Views of rows: hit as much as was asked, with values of the same column, a category as one, gaps left alone."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from nolabel.data import tables, toys
from nolabel.errors import ArgumentError
from nolabel.randomness import Draws
from nolabel.types import DataSpec
from nolabel.views.roles import Corrupt, Pair
from nolabel.views.tables import Columns, TableViews, from_marginals, hidden, noisy, some_columns

PLAIN = DataSpec("table", (10,), "real")
TEN = Columns.read(PLAIN)


def mixed() -> tuple[DataSpec, Tensor, Tensor]:
    """A table of numbers and categories with missing values: spec, network values, mask."""
    frame, _ = toys.mixed(400)
    spec = tables.learn(frame)
    x, mask = tables.encode(frame, spec)
    assert mask is not None
    return spec, x, mask


def distinct(rows: int, width: int) -> Tensor:
    """No two values are equal, and each tells its column and its row."""
    return torch.arange(rows, dtype=torch.float32)[:, None] + 1000 * torch.arange(width, dtype=torch.float32)


def in_bounds(hits: int, trials: int, rate: float) -> bool:
    low, high = stats.binom.interval(0.9999, trials, rate)
    return bool(low <= hits <= high)


@pytest.mark.parametrize("amount", [0.0, 0.05, 0.25, 0.6, 0.95, 1.0])
def test_the_rate_is_the_one_that_was_asked_and_not_its_opposite(amount: float) -> None:
    x = distinct(500, 10)
    hit = some_columns(x, amount, Draws(1), TEN)
    assert in_bounds(int(hit.sum()), hit.numel(), amount)
    changed = (from_marginals(x, amount, Draws(1), TEN) != x).float().mean().item()
    assert changed == pytest.approx(amount * (1 - 1 / 500), abs=0.02)  # a row may be given its own value


def test_rows_are_hit_as_evenly_as_the_number_of_columns_allows() -> None:
    counts = some_columns(distinct(2000, 10), 0.25, Draws(2), TEN).sum(1)
    assert set(counts.tolist()) == {2, 3}
    assert set(some_columns(distinct(50, 10), 0.6, Draws(2), TEN).sum(1).tolist()) == {6}


def test_every_column_is_as_likely_as_any_other() -> None:
    hit = some_columns(distinct(4000, 10), 0.6, Draws(3), TEN)
    assert all(in_bounds(int(count), 4000, 0.6) for count in hit.sum(0))


def test_a_replaced_value_comes_from_its_own_column_and_from_all_rows_alike() -> None:
    x = distinct(40, 10)
    seen = torch.cat([from_marginals(x, 1.0, Draws(4, step), TEN) for step in range(50)])
    assert torch.equal((seen / 1000).floor(), torch.arange(10.0).expand(2000, -1))
    rows = (seen % 1000).long()
    assert stats.chisquare(torch.bincount(rows.flatten(), minlength=40).numpy()).pvalue > 0.001
    together = np.corrcoef(rows.numpy().T)
    assert np.abs(together - np.eye(10)).max() < 0.1, "columns are drawn independently of each other"


def test_marginals_keep_the_distribution_of_each_column() -> None:
    x = torch.stack([torch.randn(3000), torch.rand(3000).square(), (torch.rand(3000) < 0.2).float()], 1)
    seen = from_marginals(x, 0.6, Draws(5), Columns(None, 3, 3))
    for column in range(2):
        assert stats.ks_2samp(x[:, column].numpy(), seen[:, column].numpy()).pvalue > 0.001
    assert seen[:, 2].mean().item() == pytest.approx(0.2, abs=0.04)


# --- categories ------------------------------------------------------------------------------------------------------


def test_columns_are_read_from_the_recipe() -> None:
    spec, _, _ = mixed()
    columns = Columns.read(spec)
    kinds = [column["kind"] for column in spec.recipe["columns"]]
    assert columns.count == len(kinds)
    assert columns.width == spec.width > columns.count
    assert columns.of is not None
    for number, column in enumerate(spec.recipe["columns"]):
        wanted = len(column["categories"]) + (column["other"] is not None) if column["kind"] == "category" else 1
        assert columns.of.count(number) == wanted


def test_a_category_is_exchanged_as_one_column() -> None:
    spec, x, mask = mixed()
    columns = Columns.read(spec)
    seen = from_marginals(x, 0.6, Draws(6), columns, mask)
    for number, column in enumerate(spec.recipe["columns"]):
        if column["kind"] == "category":
            part = [place for place, of in enumerate(columns.of or ()) if of == number]
            assert set(seen[:, part].sum(1).tolist()) <= {0.0, 1.0}, "a row has one category, or none that is known"
            assert torch.equal(seen[:, part].sum(1), x[:, part].sum(1))
            assert (seen[:, part] != x[:, part]).any()


def test_noise_leaves_categories_and_gaps_alone() -> None:
    spec, x, mask = mixed()
    columns = Columns.read(spec)
    moved = noisy(x, 0.3, Draws(7), columns, mask) != x
    numbers = columns.alone(x)
    assert not moved[:, ~numbers].any()
    assert not moved[~mask].any()
    assert moved[:, numbers][mask[:, numbers]].float().mean() > 0.99


def test_noise_has_the_deviation_that_was_asked() -> None:
    difference = noisy(torch.zeros(500, 10), 0.3, Draws(8), TEN).flatten() / 0.3
    assert stats.kstest(difference.numpy(), "norm").pvalue > 0.001


def test_hidden_columns_are_as_missing_ones() -> None:
    spec, x, _ = mixed()
    columns = Columns.read(spec)
    hit = some_columns(x, 0.5, Draws(9), columns)
    seen = hidden(x, hit, columns)
    assert (seen[columns.spread(hit)] == 0).all()
    assert torch.equal(seen[~columns.spread(hit)], x[~columns.spread(hit)])


def test_sums_over_columns() -> None:
    spec, x, _ = mixed()
    columns = Columns.read(spec)
    looped = torch.zeros(len(x), columns.count)
    for place, number in enumerate(columns.of or ()):
        looped[:, number] += x[:, place]
    torch.testing.assert_close(columns.shared(x), looped)


# --- gaps ------------------------------------------------------------------------------------------------------------


def test_gaps_stay_and_are_never_handed_out() -> None:
    x = distinct(200, 10)
    mask = torch.rand(200, 10) < 0.5
    x = torch.where(mask, x, torch.tensor(-1.0))
    seen = from_marginals(x, 1.0, Draws(10), TEN, mask)
    assert (seen[~mask] == -1).all()
    assert (seen[mask] != -1).all()
    assert (seen[mask] != x[mask]).float().mean() > 0.95


def test_a_column_that_nobody_in_the_batch_has_is_left_alone() -> None:
    x, mask = distinct(8, 10), torch.ones(8, 10, dtype=torch.bool)
    mask[:, 3] = False
    seen = from_marginals(x, 1.0, Draws(11), TEN, mask)
    assert torch.equal(seen[:, 3], x[:, 3])


# --- draws -----------------------------------------------------------------------------------------------------------


@given(cuts=st.lists(st.integers(1, 39), unique=True, max_size=4).map(sorted), masked=st.booleans())
def test_what_processes_see_is_what_one_would_have_seen(cuts: list[int], masked: bool) -> None:
    x = distinct(40, 10)
    mask = torch.rand(40, 10, generator=torch.Generator().manual_seed(1)) < 0.7 if masked else None
    views = TableViews(0.5, 0.1, 0.2).bound(PLAIN)
    expected = views(x, Draws(8), mask)
    edges, parts = [0, *cuts, 40], []
    for a, b in zip(edges, edges[1:]):

        def everyone(part: Tensor) -> Tensor:
            return x if part.shape[1] == 10 and part.is_floating_point() else mask.to(torch.uint8)  # type: ignore[union-attr]

        draws = Draws(8, total=40, rows=slice(a, b), gather=everyone)
        parts.append(views(x[a:b], draws, None if mask is None else mask[a:b]))
    assert torch.equal(torch.cat(parts), expected)


def test_the_same_draws_give_the_same_bits_and_the_input_is_left_alone() -> None:
    x = distinct(40, 10)
    for settings in (TableViews(), TableViews(0.0, 0.5), TableViews(0.0, 0.0, 0.5), TableViews(0.0)):
        views = settings.bound(PLAIN)
        seen = views(x, Draws(6))
        assert torch.equal(seen, views(x, Draws(6)))
        assert torch.equal(x, distinct(40, 10))
        assert seen.data_ptr() != x.data_ptr()
        assert torch.equal(seen, views(x, Draws(7))) == (settings == TableViews(0.0))


# --- roles and refusals ----------------------------------------------------------------------------------------------


def test_the_role_corrupt_knows_marginals() -> None:
    spec, x, mask = mixed()
    seen = Corrupt("marginals", 0.6, spec)(x, Draws(3), mask)
    assert torch.equal(seen, from_marginals(x, 0.6, Draws(3), Columns.read(spec), mask))
    with pytest.raises(ArgumentError, match="noise='marginals' exchanges columns of tables; use 'masking'"):
        Corrupt("marginals", 0.6, DataSpec("image", (1, 8, 8), "unit"))


def test_a_pair_of_views_of_a_table_has_draws_of_its_own() -> None:
    spec, x, _ = mixed()
    one, other = Pair(spec)(x, Draws(0))
    assert one.shape == other.shape == x.shape
    assert not torch.equal(one, other)


def test_smaller_views_show_half_as_much() -> None:
    x = torch.ones(4000, 10)
    large, small = TableViews(0.0, hide=0.2), TableViews(0.0, hide=0.2).smaller()
    shown = [views.bound(PLAIN)(x, Draws(1)).mean().item() for views in (large, small)]
    assert shown == pytest.approx([0.8, 0.4], abs=0.01)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"corrupt": 1.1}, "views.corrupt must be a number at least 0 and at most 1; got 1.1"),
        ({"hide": -0.1}, "views.hide must be a number at least 0 and at most 1; got -0.1"),
        ({"noise": -1.0}, "views.noise must be a number at least 0; got -1.0"),
        ({"noise": float("nan")}, "views.noise must be a number at least 0; got nan"),
    ],
)
def test_nonsense_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        TableViews(**settings)


def test_images_have_no_columns() -> None:
    with pytest.raises(ArgumentError, match="columns are a table's; these are samples of shape"):
        Columns.read(DataSpec("image", (1, 8, 8), "unit"))


def test_sparse_tables_have_a_column_for_each_entry() -> None:
    assert Columns.read(DataSpec("table", (7,), "real", {"kind": "sparse", "width": 7})) == Columns(None, 7, 7)
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [1, 5, 3]})
    assert Columns.read(tables.learn(frame)) == Columns(None, 2, 2)
