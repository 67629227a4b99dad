"""Every part of the rows is done once, on any number of threads, and what a part raises is heard."""

import numpy as np
import pytest
import torch

from nolabel.compiled import compiled, on_threads


@pytest.fixture(params=[1, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
def test_every_row_once():
    done = np.zeros(10, int)

    def loop(first, last):
        done[first:last] += 1

    on_threads(loop, [0, 3, 3, 9, 10])
    assert done.tolist() == [1] * 10


@pytest.mark.usefixtures("threads")
def test_what_a_part_raises_is_heard():
    def loop(first, last):
        if first == 3:
            raise ValueError("part of 3")

    with pytest.raises(ValueError, match="part of 3"):
        on_threads(loop, [0, 3, 9])


def test_compiled_divides_like_numpy():
    @compiled()
    def half(x, n):
        return x / n

    assert half(1.0, 2.0) == 0.5
    assert np.isinf(half(1.0, 0.0))  # and no ZeroDivisionError
