"""Losses on what was hidden, against loops."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nolabel.objectives.masked import mean_where_hidden, normalised_patches, patch_errors


@given(b=st.integers(1, 5), p=st.integers(1, 6), d=st.integers(2, 7), seed=st.integers(0, 999))
def test_it_is_its_equation(b: int, p: int, d: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x, predicted = (torch.randn(b, p, d, generator=generator) for _ in range(2))
    hidden = torch.rand(b, p, generator=generator) < 0.6
    total = 0.0
    for i in range(b):
        errors = []
        for j in range(p):
            patch = x[i, j].tolist()
            mean = sum(patch) / d
            deviation = math.sqrt(sum((v - mean) ** 2 for v in patch) / (d - 1) + 1e-6)
            target = [(v - mean) / deviation for v in patch]
            if hidden[i, j]:
                errors.append(sum((a - t) ** 2 for a, t in zip(predicted[i, j].tolist(), target)) / d)
        total += sum(errors) / len(errors) if errors else 0.0
    loss = mean_where_hidden(patch_errors(predicted, normalised_patches(x)), hidden)
    assert loss.item() == pytest.approx(total / b, rel=1e-4, abs=1e-6)


def test_what_is_visible_does_not_count_and_is_not_pulled_at() -> None:
    predicted = torch.randn(2, 4, 3, requires_grad=True)
    hidden = torch.tensor([[True, False, False, True], [False, True, False, False]])
    mean_where_hidden(patch_errors(predicted, torch.zeros(2, 4, 3)), hidden).backward()
    assert predicted.grad is not None
    assert (predicted.grad[~hidden] == 0).all()
    assert (predicted.grad[hidden] != 0).all()


def test_samples_count_alike_however_much_of_them_is_hidden() -> None:
    errors = torch.tensor([[4.0, 4.0, 4.0], [1.0, 9.0, 9.0], [5.0, 5.0, 5.0]])
    hidden = torch.tensor([[True, True, True], [True, False, False], [False, False, False]])
    assert mean_where_hidden(errors, hidden).item() == pytest.approx((4 + 1 + 0) / 3)


def test_brightness_and_contrast_of_a_patch_do_not_matter() -> None:
    patches = torch.rand(3, 5, 16) + 0.1
    torch.testing.assert_close(normalised_patches(3 * patches + 2), normalised_patches(patches), atol=1e-3, rtol=1e-3)
    assert (normalised_patches(torch.full((1, 2, 16), 0.7)) == 0).all()
    single = torch.rand(2, 9, 1)
    assert torch.equal(normalised_patches(single), single)


def test_the_gradient_is_that_of_the_equation() -> None:
    x = torch.randn(2, 3, 4)
    hidden = torch.tensor([[True, False, True], [True, True, False]])
    predicted = torch.randn(2, 3, 4, requires_grad=True)
    mean_where_hidden(patch_errors(predicted, x), hidden).backward()
    expected = 2 * (predicted.detach() - x) / 4 / 2 / 2 * hidden[:, :, None]
    torch.testing.assert_close(predicted.grad, expected)
