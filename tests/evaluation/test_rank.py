import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from nolabel.evaluation.rank import active_units, effective_rank, singular_values, sphere_spread


def test_singular_values_equal_numpys():
    for shape in ((9, 4), (4, 9)):
        codes = np.random.default_rng(0).normal(size=shape)
        np.testing.assert_allclose(singular_values(codes), np.linalg.svd(codes, compute_uv=False), atol=1e-7)


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(0, 5))
def test_rank_of_orthonormal_columns_is_their_number(width, extra):
    q, _ = np.linalg.qr(np.random.default_rng(width).normal(size=(width + extra, width)))
    assert effective_rank(q) == pytest.approx(width)


def test_rank_analytic():
    codes = np.diag([3.0, 1.0])
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert effective_rank(codes) == pytest.approx(np.exp(entropy))


def test_rank_of_collapsed_codes():
    assert effective_rank(np.ones((10, 5), dtype=np.float32)) == pytest.approx(1, abs=1e-5)
    assert effective_rank(np.zeros((10, 5), dtype=np.float32)) == 0


@settings(deadline=None)
@given(st.floats(0.01, 100), st.integers(0, 10))
def test_rank_ignores_scale_and_rotation(scale, seed):
    codes = np.random.default_rng(seed).normal(size=(20, 4)) * [5, 2, 1, 0.1]
    turned = scale * codes @ ortho_group.rvs(4, random_state=seed)
    assert effective_rank(turned) == pytest.approx(effective_rank(codes), rel=1e-6)


def test_active_units_counts_columns_above_the_threshold():
    base = np.tile([[-1.0], [1.0]], (5, 3))
    codes = base * np.sqrt([0.5, 0.0101, 0.0099])
    assert active_units(codes) == 2
    assert active_units(codes, threshold=0.1) == 1


def test_sphere_spread_from_collapse_to_even():
    even = np.random.default_rng(0).normal(size=(5000, 16))
    assert sphere_spread(even) == pytest.approx(1, abs=0.02)
    assert sphere_spread(np.ones((10, 4))) == pytest.approx(0, abs=1e-7)
    assert sphere_spread(np.zeros((10, 4))) == 0
