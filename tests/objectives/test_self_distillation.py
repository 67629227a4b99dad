"""DINO's targets, against loops; and what either half of the pair does when it is left alone."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nolabel.objectives.across_views import cross_entropy_across_views, use_of, vagueness_of
from nolabel.objectives.self_distillation import centred_and_sharpened, warmed_up


@given(batch=st.integers(1, 4), k=st.integers(1, 5), seed=st.integers(0, 9999), temperature=st.floats(0.05, 2))
def test_it_is_its_equation(batch: int, k: int, seed: int, temperature: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits, centre = torch.randn(batch, k, generator=generator), torch.randn(k, generator=generator)
    q = centred_and_sharpened(logits, centre, temperature)
    for b in range(batch):
        raised = [math.exp((logits[b, j].item() - centre[j].item()) / temperature) for j in range(k)]
        for j in range(k):
            assert q[b, j].item() == pytest.approx(raised[j] / sum(raised), rel=1e-3, abs=1e-6)


def test_what_all_samples_share_is_centred_away() -> None:
    logits = torch.full((6, 4), 3.0)
    logits[:, 2] = 50.0
    q = centred_and_sharpened(logits, logits.mean(0), 0.04)
    assert torch.allclose(q, torch.full((6, 4), 0.25))


def test_a_lower_temperature_is_sharper() -> None:
    logits = torch.randn(20, 8)
    entropies = [vagueness_of([centred_and_sharpened(logits, torch.zeros(8), t)]).item() for t in (0.02, 0.2, 2.0)]
    assert entropies == sorted(entropies)


def test_no_gradient_reaches_the_teacher() -> None:
    logits = torch.randn(3, 4, requires_grad=True)
    assert not centred_and_sharpened(logits, torch.zeros(4), 0.1).requires_grad


def test_the_temperature_rises_along_a_line_and_stays() -> None:
    assert warmed_up(0.02, 0.06, 0.4, 0.0) == pytest.approx(0.02)
    assert warmed_up(0.02, 0.06, 0.4, 0.1) == pytest.approx(0.03)
    assert warmed_up(0.02, 0.06, 0.4, 0.4) == 0.06
    assert warmed_up(0.02, 0.06, 0.4, 1.0) == 0.06
    assert warmed_up(0.02, 0.06, 0.0, 0.0) == 0.06


def distil(centring: bool, temperature: float) -> tuple[float, float]:
    """Use and vagueness of 16 classes after a teacher and a student, free logits of 32 samples, taught each other."""
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(16, generator=generator)
    student = (shared + 0.3 * torch.randn(32, 16, generator=generator)).requires_grad_()
    teacher, centre = student.detach().clone(), torch.zeros(16)
    for _ in range(300):
        q = centred_and_sharpened(teacher, centre, temperature)
        student.grad = None
        cross_entropy_across_views([q], [student, student], 0.5).backward()
        assert student.grad is not None
        with torch.no_grad():
            student -= 2.0 * student.grad
            if centring:
                centre.lerp_(teacher.mean(0), 0.1)
            teacher.lerp_(student, 0.1)
    last = [centred_and_sharpened(teacher, centre, temperature)]
    return use_of(last).item(), vagueness_of(last).item()


def test_each_half_alone_lets_the_teacher_collapse_and_both_do_not() -> None:
    """Caron et al. 2021, section 5.3: without centring one class wins, without sharpening none."""
    use, vagueness = distil(centring=True, temperature=0.25)
    assert use > 0.7
    assert vagueness < 0.7
    use, _ = distil(centring=False, temperature=0.25)
    assert use < 0.3, "sharpening alone: all samples fall to a few classes"
    _, vagueness = distil(centring=True, temperature=1.0)
    assert vagueness > 0.95, "centring alone: every target is uniform"
