import math

import numpy as np
import pytest
import torch

from nolabel.data.dataset import Dataset
from nolabel.evaluation.reconstruction import bce, measure, measures_of, mse, psnr, ssim, ssim_window
from nolabel.types import DataSpec


def slow_ssim(x, y, side, sigma=1.5):
    """Wang et al. 2004, one window at a time."""
    offsets = np.arange(side) - (side - 1) / 2
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / (2 * sigma**2))
    window /= window.sum()
    found = []
    for a, b in zip(x, y):  # channels
        for top in range(a.shape[0] - side + 1):
            for left in range(a.shape[1] - side + 1):
                p, q = a[top : top + side, left : left + side], b[top : top + side, left : left + side]
                mp, mq = (window * p).sum(), (window * q).sum()
                vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
                cov = (window * (p - mp) * (q - mq)).sum()
                c1, c2 = 0.01**2, 0.03**2
                found.append((2 * mp * mq + c1) * (2 * cov + c2) / ((mp**2 + mq**2 + c1) * (vp + vq + c2)))
    return np.mean(found)


@pytest.mark.parametrize(("shape", "side"), [((1, 13, 17), 11), ((3, 12, 12), 11), ((1, 8, 8), 7), ((2, 5, 9), 5)])
def test_ssim_equals_the_loop(shape, side):
    rng = np.random.default_rng(0)
    x, y = rng.random((2, *shape), dtype=np.float32), rng.random((2, *shape), dtype=np.float32)
    y[1] = 0.7 * x[1] + 0.3 * y[1]
    found = ssim(torch.from_numpy(x), torch.from_numpy(y))
    expected = [slow_ssim(a.astype(float), b.astype(float), side) for a, b in zip(x, y)]
    assert ssim_window(*shape[1:]) == side
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9)


def test_ssim_limits():
    x = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(ssim(x, x), torch.ones(3, dtype=torch.float64))
    black, white = torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1)  # a single pixel: only luminance is left
    torch.testing.assert_close(ssim(black, white), torch.tensor([1e-4 / (1 + 1e-4)], dtype=torch.float64))


def test_bce_analytic():
    x = torch.tensor([[0.0, 1.0, 0.5]])
    half = torch.full((1, 3), 0.5)
    assert bce(x, half).item() == pytest.approx(math.log(2))
    assert bce(x, x).item() == pytest.approx(math.log(2) / 3, abs=1e-6)


def test_bce_of_a_wrong_certainty_is_bounded():
    assert bce(torch.ones(1, 1), torch.zeros(1, 1)).item() == pytest.approx(-math.log(1e-7))


def test_psnr_analytic_and_capped():
    x = torch.zeros(2, 1, 4, 4)
    r = torch.stack([torch.full((1, 4, 4), 0.1), torch.zeros(1, 4, 4)])
    np.testing.assert_allclose(psnr(x, r).numpy(), [20.0, 100.0], rtol=1e-6)


def test_psnr_is_taken_per_image_then_averaged():
    x = torch.zeros(2, 1, 2, 2)
    r = torch.stack([torch.full((1, 2, 2), 0.1), torch.full((1, 2, 2), 0.01)])
    assert psnr(x, r).mean().item() == pytest.approx(30, rel=1e-5)
    assert -10 * math.log10(mse(x, r).mean().item()) != pytest.approx(30, abs=1)


def test_masked_values_do_not_count():
    x, r = torch.tensor([[1.0, 5.0], [2.0, 2.0]]), torch.tensor([[1.5, 0.0], [0.0, 0.0]])
    mask = torch.tensor([[True, False], [False, False]])
    np.testing.assert_allclose(mse(x, r, mask).numpy(), [0.25, 0.0])


def test_measures_that_have_a_meaning():
    assert measures_of(DataSpec("image", (1, 8, 8), "unit")) == ("BCE", "MSE", "PSNR", "SSIM")
    assert measures_of(DataSpec("table", (3,), "unit")) == ("BCE", "MSE")
    assert measures_of(DataSpec("table", (3,), "real")) == ("MSE",)


def test_measure_walks_all_samples_in_order():
    stored = torch.randint(0, 256, (7, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    data = Dataset(DataSpec("image", (1, 8, 8), "unit"), stored, range(7))
    rebuild = lambda batch: batch.x * 0.5  # noqa: E731
    found = measure(data, rebuild, batch_size=3)
    x = stored.float() / 255
    np.testing.assert_allclose(found["MSE"], mse(x, x * 0.5).numpy(), rtol=1e-5)
    np.testing.assert_allclose(found["SSIM"], ssim(x, x * 0.5).numpy(), rtol=1e-5)
    assert list(measure(data, rebuild, names=("BCE",))) == ["BCE"]


def test_measure_uses_the_mask_of_the_data():
    store = torch.tensor([[0.0, 9.0], [1.0, 1.0]])
    mask = torch.tensor([[True, False], [True, True]])
    data = Dataset(DataSpec("table", (2,), "real"), store, range(2), mask=mask)
    np.testing.assert_allclose(measure(data, lambda batch: batch.x * 0)["MSE"], [0.0, 1.0])
