import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from nolabel.evaluation import probes
from nolabel.evaluation.scaling import evenly
from nolabel.evaluation.splits import Split, label_draws, stratified_splits


def planted(samples=200, width=6, classes=3, noise=0.8, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % classes
    return (rng.normal(size=(classes, width))[y] + noise * rng.normal(size=(samples, width))).astype(np.float32), y


def test_probe_equals_scikit_learn_on_equally_spread_columns():
    """With columns of one spread, dividing by one number is StandardScaler."""
    codes, y = planted(noise=1.5)
    split = stratified_splits(y, 1, random_state=0)[0]
    standard = StandardScaler().fit(codes[split.train]).transform(codes)
    theirs = LogisticRegression(C=1.0, max_iter=200, tol=1e-3).fit(standard[split.train], y[split.train])
    expected = theirs.score(standard[split.test], y[split.test])
    assert 0.4 < expected < 0.95
    assert probes.accuracy(standard * 3 + 5, y, split) == pytest.approx(expected)
    assert probes.accuracy(standard / 1000, y, split) == pytest.approx(expected)  # the penalty meets one scale only


def test_scaling_keeps_the_shape_of_the_cloud():
    codes = np.random.default_rng(0).normal(size=(500, 3)) * [10, 1, 0.1] + 7
    scaled = evenly(codes)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(scaled.std(axis=0) / codes.std(axis=0), (scaled.std(axis=0) / codes.std(axis=0))[0])
    assert np.square(scaled).mean() == pytest.approx(1)
    assert not evenly(np.full((4, 2), 0.1, dtype=np.float32)).any()


def test_scaling_is_learned_from_the_training_part_only():
    codes, y = planted(60)
    split = stratified_splits(y, 1, random_state=0)[0]
    spoiled = codes.copy()
    spoiled[split.test[0]] += 1e6
    kept = Split(split.train, split.test[1:])
    assert probes.accuracy(spoiled, y, kept) == probes.accuracy(codes, y, kept)


def test_label_curve_is_the_probe_on_the_draws():
    codes, y = planted()
    split = stratified_splits(y, 1, random_state=0)[0]
    draws = label_draws(y, split.train, (1, 10), 3, random_state=0)
    curve = probes.label_curve(codes, y, split, draws)
    scaled = evenly(codes, codes[split.train])
    rows = draws[10][2]
    theirs = (
        LogisticRegression(max_iter=200, tol=1e-3).fit(scaled[rows], y[rows]).score(scaled[split.test], y[split.test])
    )
    assert curve[10][2] == theirs
    assert {count: len(of) for count, of in curve.items()} == {1: 3, 10: 3}
    assert np.mean(curve[10]) > np.mean(curve[1])


def test_constant_codes_guess():
    y = np.arange(30) % 2
    split = stratified_splits(y, 1, random_state=0)[0]
    assert probes.accuracy(np.ones((30, 4), dtype=np.float32), y, split) == 0.5


def test_a_fit_that_stops_early_says_so(monkeypatch):
    codes, y = planted()
    hurried = LogisticRegression(max_iter=1)
    monkeypatch.setattr(probes, "probe", lambda: hurried)
    with pytest.warns(ConvergenceWarning):
        probes.accuracy(codes, y, stratified_splits(y, 1, random_state=0)[0])
