import numpy as np
import pytest

from evaluation.planted_features import normal
from nolabel.errors import DataError
from nolabel.evaluation.frechet import fid
from nolabel.evaluation.kernel_distance import kid
from nolabel.evaluation.labels import Classes
from nolabel.evaluation.manifolds import authenticity, manifold, overlap_of
from nolabel.evaluation.sample_measures import Found, Sets, balance, measured, no_better_than_noise

NAMES = ["FID", "KID", "precision", "recall", "density", "coverage", "authenticity"]


def sets(count=60, f=3, real=60):
    return Sets(normal(0, count, f), normal(1, count, f) + 0.5, normal(2, real, f), normal(3, count, f) * 9)


def test_every_measure_of_samples_real_ones_and_noise():
    given = sets()
    rows, notes = measured(given, 0)
    found = {row.measure: row for row in rows}
    assert list(found) == NAMES
    assert notes == []
    for place, compared in enumerate((given.samples, given.real, given.noise)):
        assert found["FID"].values[place] == pytest.approx(fid(given.reference, compared))
        assert found["KID"].values[place] == pytest.approx(kid(given.reference, compared).mean)
        wanted = overlap_of(given.reference, compared)
        for name in ("precision", "recall", "density", "coverage"):
            assert found[name].values[place] == pytest.approx(getattr(wanted, name))
    known = manifold(given.real)
    asked = given.samples, given.reference, given.noise
    assert found["authenticity"].values == tuple(authenticity(known, one) for one in asked)
    assert [row.measure for row in rows if row.higher_is_better] == NAMES[2:]
    assert no_better_than_noise(rows) == []


def test_fid_is_left_out_with_the_reason_where_samples_are_few():
    rows, notes = measured(sets(count=12, f=12), 0)
    assert [row.measure for row in rows] == NAMES[1:]
    assert len(notes) == 1
    assert notes[0].startswith("FID is left out: ")
    assert "12 samples have 12 features" in notes[0]
    assert notes[0].endswith("KID stands in its place.")


def test_a_floor_of_few_samples_is_left_out_by_itself():
    rows, notes = measured(sets(count=60, f=8, real=5), 0)
    found = {row.measure: row.values for row in rows}
    assert found["FID"][1] is None
    assert found["FID"][0] is not None
    assert found["recall"][1] is None
    assert "authenticity" not in found
    assert notes == []


def test_samples_like_noise_are_told():
    given = sets()
    rows, _ = measured(Sets(given.reference, given.noise, given.real, given.noise), 0)
    (note,) = no_better_than_noise(rows)
    assert note == "The samples are no better than noise in: FID, KID, precision, density, coverage."


def test_a_ceiling_that_could_not_be_taken_is_passed_over():
    assert no_better_than_noise([Found("FID", "", (1.0, None, None))]) == []


def test_balance_of_classes():
    centres = np.array([[0.0, 0.0], [9.0, 0.0]])
    codes = np.arange(40) % 2
    real, reference = centres[codes] + normal(0, 40, 2), centres[codes] + normal(1, 40, 2)
    collapsed = centres[np.zeros(40, dtype=int)] + normal(2, 40, 2)
    given = Sets(reference, collapsed, real, collapsed)
    found = balance(given, Classes(codes, ("a", "b")), Classes(codes, ("a", "b")))
    assert found.found.values == pytest.approx((0.5, 0.0, 0.5))
    assert found.samples.tolist() == [1.0, 0.0]
    assert found.reference.tolist() == [0.5, 0.5]
    assert "the vote of 5 of 40 labelled samples, who are right on 100.0% of the reference" in found.found.how
    unknown = Classes(np.full(40, -1), ("a", "b"))
    assert "right" not in balance(given, Classes(codes, ("a", "b")), unknown).found.how
    assert balance(given, unknown, unknown) is None


def test_widths_must_agree():
    given = sets()
    with pytest.raises(DataError, match="real samples have 3 features and generated ones 2"):
        measured(Sets(given.reference, given.samples[:, :2], given.real, given.noise), 0)
