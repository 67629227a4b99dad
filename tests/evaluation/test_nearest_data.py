import numpy as np
import pytest
import torch

from nolabel.evaluation.nearest_data import nearest_data


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_each_sample_has_its_nearest_datum() -> None:
    data, samples = normal(0, 50, 3), normal(1, 8, 3)
    found = nearest_data(samples, data)
    apart = np.linalg.norm(samples.numpy()[:, None] - data.numpy()[None], axis=2)
    np.testing.assert_array_equal(found.rows, apart.argmin(axis=1))
    np.testing.assert_allclose(found.distances, apart.min(axis=1), rtol=1e-4)
    two = np.sort(apart, axis=1)[:, :2]
    np.testing.assert_allclose(found.ratios, two[:, 0] / two[:, 1], rtol=1e-3)


def test_the_usual_distance_is_that_of_held_out_samples_or_of_the_data_themselves() -> None:
    data, held_out = normal(0, 60, 3), 5 + normal(2, 9, 3)
    among = torch.cdist(data, data).fill_diagonal_(torch.inf).min(1).values.median().item()
    assert nearest_data(normal(1, 8, 3), data).usual == pytest.approx(among, rel=1e-4)
    far = torch.cdist(held_out, data).min(1).values.median().item()
    assert nearest_data(normal(1, 8, 3), data, held_out).usual == pytest.approx(far, rel=1e-4)


def test_copies_are_counted() -> None:
    data = normal(0, 200, 16)
    assert nearest_data(data[:50] + 0.01, data).copied == 1
    assert nearest_data(normal(1, 200, 16), data).copied < 0.15
