import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from nolabel.evaluation.neighbours import accuracy, accuracy_leave_one_out, nearest, vote


def blobs(seed=0, samples=120, classes=3, width=5):
    rng = np.random.default_rng(seed)
    labels = np.arange(samples) % classes
    codes = rng.normal(size=(classes, width))[labels] + rng.normal(size=(samples, width))
    return codes.astype(np.float32), labels


@pytest.mark.parametrize("k", [1, 5, 20])
def test_majority_equals_scikit_learn(k):
    codes, labels = blobs()
    train, test = np.arange(80), np.arange(80, 120)
    theirs = KNeighborsClassifier(k, metric="cosine", algorithm="brute").fit(codes[train], labels[train])
    assert accuracy(codes, labels, train, test, k=k, temperature=None) == theirs.score(codes[test], labels[test])
    similarity, index = nearest(codes[test], codes[train], k)
    distance, expected = theirs.kneighbors(codes[test])
    np.testing.assert_array_equal(index, expected)
    np.testing.assert_allclose(1 - similarity, distance, atol=1e-6)


def test_weighted_vote_equals_scikit_learn():
    codes, labels = blobs(1)
    train, test = np.arange(80), np.arange(80, 120)
    theirs = KNeighborsClassifier(
        20, metric="cosine", algorithm="brute", weights=lambda distance: np.exp((1 - distance) / 0.07)
    ).fit(codes[train], labels[train])
    similarity, index = nearest(codes[test], codes[train], 20)
    np.testing.assert_array_equal(vote(similarity, labels[train][index], 3), theirs.predict(codes[test]))


def test_leave_one_out_equals_scikit_learn():
    codes, labels = blobs(2, samples=40)
    theirs = cross_val_score(KNeighborsClassifier(3, metric="cosine"), codes, labels, cv=LeaveOneOut()).mean()
    assert accuracy_leave_one_out(codes, labels, k=3, temperature=None) == pytest.approx(theirs)


def test_blocks_change_nothing():
    codes, _ = blobs()
    whole, in_blocks = (
        nearest(codes, codes, 7, leave_one_out=True),
        nearest(codes, codes, 7, leave_one_out=True, block=11),
    )
    np.testing.assert_array_equal(whole[1], in_blocks[1])
    np.testing.assert_allclose(whole[0], in_blocks[0], rtol=1e-5)
    assert not (whole[1] == np.arange(len(codes))[:, None]).any()


def test_fewer_samples_than_k():
    codes, labels = blobs(samples=9)
    assert nearest(codes[:2], codes[2:], 50)[1].shape == (2, 7)
    others = nearest(codes, codes, 50, leave_one_out=True)[1]
    assert [sorted(row) for row in others.tolist()] == [[n for n in range(9) if n != row] for row in range(9)]
    assert 0 <= accuracy(codes, labels, np.arange(6), np.arange(6, 9), k=50) <= 1


def test_constant_and_zero_codes_are_answered():
    labels = np.array([0, 0, 0, 1])
    for codes in (np.ones((4, 3), dtype=np.float32), np.zeros((4, 3), dtype=np.float32)):
        assert accuracy(codes, labels, np.array([0, 1, 3]), np.array([2]), k=3) == 1.0


def test_near_neighbours_outvote_many_far_ones():
    similarity = np.array([[1.0, 0.1, 0.1]])
    labels = np.array([[1, 0, 0]])
    assert vote(similarity, labels, 2).tolist() == [1]
    assert vote(similarity, labels, 2, temperature=None).tolist() == [0]


@settings(deadline=None)
@given(st.integers(0, 50))
def test_rotation_changes_nothing(seed):
    codes, labels = blobs(seed % 7)
    turned = (codes @ ortho_group.rvs(5, random_state=seed)).astype(np.float32)
    assert accuracy_leave_one_out(turned, labels, k=5) == pytest.approx(
        accuracy_leave_one_out(codes, labels, k=5), abs=0.01
    )


@settings(deadline=None)
@given(st.permutations([0, 1, 2]), st.floats(0.01, 100))
def test_names_and_scale_change_nothing(names, scale):
    codes, labels = blobs(3)
    renamed = np.array(names)[labels]
    before = accuracy_leave_one_out(codes, labels, k=5)
    assert accuracy_leave_one_out(codes * np.float32(scale), renamed, k=5) == pytest.approx(before, abs=0.01)
