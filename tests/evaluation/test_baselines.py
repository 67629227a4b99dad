import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from nolabel.data.dataset import Dataset
from nolabel.evaluation.baselines import principal_components, raw_values
from nolabel.types import DataSpec


def pictures(count=12, side=8):
    stored = torch.randint(
        0, 256, (count, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    return Dataset(DataSpec("image", (3, side, side), "unit"), stored, range(count))


@pytest.mark.parametrize("exact_up_to", [1500, 0])
def test_components_equal_scikit_learns(exact_up_to):
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(200, 12)) * np.geomspace(10, 0.1, 12) + 4).astype(np.float32)
    ours = principal_components(values, 3, exact_up_to=exact_up_to)
    theirs = PCA(3, svd_solver="full").fit(values)
    np.testing.assert_allclose(np.abs((ours.axes * theirs.components_).sum(1)), 1, atol=1e-4)
    np.testing.assert_allclose(ours.encode(values).var(axis=0, ddof=1), theirs.explained_variance_, rtol=1e-3)
    rebuilt = ours.rebuild(torch.from_numpy(values))
    np.testing.assert_allclose(rebuilt.numpy(), theirs.inverse_transform(theirs.transform(values)), atol=1e-2)


def test_full_width_rebuilds_exactly_and_wider_is_cut():
    values, note = raw_values(pictures(300, 4))
    components = principal_components(values, 999)
    assert note == ""
    assert components.axes.shape == (48, 48)
    x = torch.from_numpy(values).reshape(-1, 3, 4, 4)
    torch.testing.assert_close(components.rebuild(x), x, atol=1e-5, rtol=0)


def test_constant_values_have_components():
    components = principal_components(np.full((10, 4), 0.3, dtype=np.float32), 2)
    assert not components.encode(np.full((3, 4), 0.3, dtype=np.float32)).any()


def test_raw_values_are_network_values_in_order():
    data = pictures()
    values, _ = raw_values(data)
    np.testing.assert_allclose(values, (data.store.float() / 255).flatten(1).numpy(), rtol=1e-6)


def test_pictures_too_large_for_memory_are_shrunk_and_this_is_said():
    data = pictures(12, 8)
    values, note = raw_values(data, most=12 * 3 * 4 * 4)
    assert values.shape == (12, 48)
    assert "from 8 x 8 to 4 x 4" in note
    first_patch = data.store[0, 0, :2, :2].float().mean() / 255
    assert values[0, 0] == pytest.approx(first_patch.item())
