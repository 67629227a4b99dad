import warnings

import pytest
from sklearn.exceptions import ConvergenceWarning

from nolabel.evaluation.convergence import Tally


def test_convergence_warnings_are_counted_and_told():
    tally = Tally()
    for _ in range(2):
        with tally.watch("linear probe", "raw", fits=3):
            warnings.warn("did not converge after 5 iterations.\nIncrease max_iter", ConvergenceWarning, stacklevel=1)
    with tally.watch("linear probe", "PCA"):
        pass
    assert tally.notes() == [
        "linear probe on raw: 2 warnings in 6 fits, the first: did not converge after 5 iterations."
    ]


def test_other_warnings_pass_through():
    with pytest.warns(UserWarning, match="something else"), Tally().watch("k-means", "raw"):
        warnings.warn("something else", UserWarning, stacklevel=1)


def test_filters_are_put_back_even_after_an_error():
    before = list(warnings.filters)
    with pytest.raises(RuntimeError), Tally().watch("k-means", "raw"):
        raise RuntimeError
    assert warnings.filters == before
