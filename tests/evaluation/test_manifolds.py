"""Precision, recall, density, coverage and authenticity against loops, torch-fidelity's answers, and where all is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.planted_features import normal, planted
from nolabel.errors import ArgumentError, DataError
from nolabel.evaluation.manifolds import Overlap, authenticity, manifold, nearest_points, overlap, overlap_of

# torch-fidelity 0.4.0: prc_features_to_metric (neighbourhood 3) on `planted(...)`, the generated samples first.
TORCH_FIDELITY = {(400, 300, 16): (0.97, 0.5975), (1500, 1500, 64): (1486 / 1500, 231 / 1500)}


def by_loops(real, fake, k, wide):
    """The four measures, sample by sample, as the papers write them."""

    def far(a, b):
        return float(np.sqrt(sum((a[i] - b[i]) ** 2 for i in range(len(a)))))

    def radius(points, i, k):
        return sorted(far(points[i], points[j]) for j in range(len(points)) if j != i)[k - 1]

    of_real, of_fake = ([radius(points, i, k) for i in range(len(points))] for points in (real, fake))
    widely = [radius(real, i, wide) for i in range(len(real))]
    precision = np.mean([any(far(y, x) <= of_real[i] for i, x in enumerate(real)) for y in fake])
    recall = np.mean([any(far(x, y) <= of_fake[j] for j, y in enumerate(fake)) for x in real])
    density = sum(far(y, x) < widely[i] for y in fake for i, x in enumerate(real)) / (wide * len(fake))
    coverage = np.mean([any(far(y, x) <= widely[i] for y in fake) for i, x in enumerate(real)])
    return Overlap(precision, recall, density, coverage)


@pytest.mark.parametrize("counts", TORCH_FIDELITY)
def test_precision_and_recall_are_torch_fidelitys(counts):
    found = overlap_of(*planted(*counts))
    assert (found.precision, found.recall) == pytest.approx(TORCH_FIDELITY[counts], abs=1e-6)


@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 4))
def test_against_loops(seed, k, wide):
    rng = np.random.default_rng(seed)
    real, fake = rng.normal(size=(9, 2)), rng.normal(0.5, 0.7, size=(7, 2))
    found, wanted = overlap_of(real, fake, k=k, k_density=wide), by_loops(real, fake, k, wide)
    for name in ("precision", "recall", "density", "coverage"):
        assert getattr(found, name) == pytest.approx(getattr(wanted, name)), name


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_a_set_against_itself_has_one_of_each_in_any_order(seed, f):
    rng = np.random.default_rng(seed)
    rows = rng.normal(100, 1, size=(30, f))
    assert overlap_of(rows, rng.permutation(rows)) == Overlap(1.0, 1.0, 1.0, 1.0)


def test_sets_far_apart_have_nothing_in_common():
    rows = normal(0, 40, 3)
    assert overlap_of(rows, rows + 100) == Overlap(0.0, 0.0, 0.0, 0.0)


def test_a_collapsed_generator_is_precise_and_recalls_nothing():
    rows = normal(0, 200, 3)
    found = overlap_of(rows, rows[:1] + 0.001 * normal(1, 200, 3))
    assert found.precision == 1
    assert found.recall <= 1 / 200  # the sample that it shows again and again
    assert found.coverage < 0.1


def test_samples_of_one_distribution_have_density_and_coverage_as_the_paper_says():
    """E[density] = 1 and E[coverage] = 1 − Π_{i=1..k} (N − i) / (N + M − i), whatever the distribution is."""
    rng = np.random.default_rng(0)
    found = [overlap_of(rng.normal(size=(100, 4)), rng.normal(size=(100, 4))) for _ in range(40)]
    share = 1 - np.prod([(100 - i) / (200 - i) for i in range(1, 6)])
    assert np.mean([one.density for one in found]) == pytest.approx(1, abs=0.05)
    assert np.mean([one.coverage for one in found]) == pytest.approx(share, abs=0.01)


def test_duplicates_are_samples_like_others():
    rows = np.repeat(normal(0, 10, 2), 8, axis=0)  # every ball has radius 0
    assert overlap_of(rows, rows).coverage == 1
    assert overlap_of(rows, rows).precision == 1
    assert overlap_of(rows, rows + 1e-3).precision == 0


def test_blocks_and_a_far_origin_do_not_show(monkeypatch):
    real, fake = planted(400, 300, 16)
    whole = overlap_of(real, fake)
    assert overlap_of(real + 1e5, fake + 1e5) == whole
    monkeypatch.setattr("nolabel.evaluation.manifolds._BLOCK", 7)
    assert overlap_of(real, fake) == whole


def test_nearest_points_against_loops():
    known, asked = normal(0, 20, 3), normal(1, 6, 3)
    far, index = nearest_points(manifold(known), asked, 4)
    for row, point in enumerate(asked):
        squared = ((known - point) ** 2).sum(1)
        assert index[row].tolist() == np.argsort(squared)[:4].tolist()
        assert far[row] == pytest.approx(np.sort(squared)[:4])


def test_copies_are_found():
    training, new = normal(0, 400, 8), normal(1, 400, 8)
    known = manifold(training)
    assert authenticity(known, training) == 0
    assert 0.3 < authenticity(known, new) < 0.6
    assert authenticity(known, np.concatenate([training[:200], new[:200]])) < 0.3
    assert authenticity(known, new + 100) == 1


def test_copies_of_what_is_there_twice_are_found_too():
    """The ball about such a sample has no width, and its copy lies on the rim."""
    training = np.repeat(normal(0, 200, 8), 2, axis=0)
    known = manifold(training)
    assert authenticity(known, training[::2]) == 0
    assert authenticity(known, training[::2] + 1e-3) == 1
    assert authenticity(known, normal(1, 200, 8)) == 1


def test_authenticity_against_loops():
    training, made = normal(0, 30, 3), normal(1, 20, 3)
    new = 0
    for sample in made:
        far = [float(np.linalg.norm(sample - x)) for x in training]
        nearest = int(np.argmin(far))
        others = [float(np.linalg.norm(x - training[nearest])) for i, x in enumerate(training) if i != nearest]
        new += far[nearest] > min(others)
    assert authenticity(manifold(training), made) == new / 20


def test_of_new_samples_on_a_line_a_third_is_authentic():
    shares = [authenticity(manifold(normal(seed, 300, 1)), normal(seed + 1000, 300, 1)) for seed in range(20)]
    assert np.mean(shares) == pytest.approx(1 / 3, abs=0.03)


def test_too_few_samples_are_refused():
    with pytest.raises(DataError, match=r"more than 5 samples; got 5\. Give more samples, or a smaller k"):
        overlap_of(normal(0, 5, 2), normal(1, 50, 2))


def test_balls_that_do_not_reach_are_refused():
    with pytest.raises(ArgumentError, match="must reach to 5 neighbours"):
        overlap(manifold(normal(0, 9, 2), 3), manifold(normal(0, 9, 2), 3))
    with pytest.raises(ArgumentError, match="k must be a whole number of at least 1; got 0"):
        manifold(normal(0, 9, 2), 0)
