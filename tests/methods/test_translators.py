"""What all translators refuse or remark on."""

import numpy as np
import pytest

from nolabel import CycleGAN, Pix2Pix
from nolabel.errors import DataError

X = np.random.default_rng(0).integers(0, 256, (12, 12, 10), dtype=np.uint8)
both = pytest.mark.parametrize("method", [CycleGAN, Pix2Pix])


@both
def test_constant_targets_are_refused(method: type[CycleGAN] | type[Pix2Pix]) -> None:
    with pytest.raises(DataError, match="all 12 targets in y are identical"):
        method.tiny().fit(X, np.full_like(X, 9))


@both
def test_the_same_images_on_both_sides_are_remarked_on(method: type[CycleGAN] | type[Pix2Pix]) -> None:
    with pytest.warns(UserWarning, match="X and y are the same images"):
        method.tiny().set_params(epochs=1).fit(X, X)
