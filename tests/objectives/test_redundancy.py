"""Redundancy reduction against loops over the equations, analytic values, gradients, properties, and processes."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nolabel.errors import ArgumentError
from nolabel.objectives.redundancy import (
    barlow_twins,
    covariance,
    cross_correlation,
    off_diagonal,
    vicreg,
)

VICREG = {"lambda_": 25.0, "mu": 25.0, "nu": 1.0}


def normals(rows: int, width: int, count: int = 2, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(rows, width, generator=generator, dtype=torch.float64) for _ in range(count)]


def white(rows: int, width: int, seed: int = 0) -> Tensor:
    """Embeddings of mean 0 whose covariance, with N under it, is the identity to the last digit."""
    z = normals(rows, width, 1, seed)[0]
    q, _ = torch.linalg.qr(z - z.mean(0))
    return q * math.sqrt(rows)


# --- slow versions of the equations ----------------------------------------------------------------------------------


def columns(z: Tensor) -> list[list[float]]:
    return z.T.tolist()


def looped_correlation(z1: Tensor, z2: Tensor, eps: float = 1e-5) -> list[list[float]]:
    def standardised(column: list[float]) -> list[float]:
        mean = sum(column) / len(column)
        deviation = math.sqrt(sum((value - mean) ** 2 for value in column) / len(column) + eps)
        return [(value - mean) / deviation for value in column]

    ones, twos = ([standardised(column) for column in columns(z)] for z in (z1, z2))
    return [[sum(a * b for a, b in zip(one, two)) / len(one) for two in twos] for one in ones]


def looped_barlow_twins(z1: Tensor, z2: Tensor, lambda_: float) -> tuple[float, float]:
    c = looped_correlation(z1, z2)
    d = range(len(c))
    return sum((1 - c[i][i]) ** 2 for i in d), lambda_ * sum(c[i][j] ** 2 for i in d for j in d if i != j)


def looped_covariance(z: Tensor) -> list[list[float]]:
    centred = [[value - sum(column) / len(column) for value in column] for column in columns(z)]
    return [[sum(a * b for a, b in zip(one, two)) / (len(z) - 1) for two in centred] for one in centred]


def looped_vicreg(z1: Tensor, z2: Tensor, gamma: float = 1.0, eps: float = 1e-4) -> tuple[float, float, float]:
    n, d = z1.shape
    s = sum((z1[b, j].item() - z2[b, j].item()) ** 2 for b in range(n) for j in range(d)) / (n * d)
    v = c = 0.0
    for z in (z1, z2):
        cov = looped_covariance(z)
        v += sum(max(0.0, gamma - math.sqrt(cov[j][j] + eps)) for j in range(d)) / d
        c += sum(cov[i][j] ** 2 for i in range(d) for j in range(d) if i != j) / d
    return s, v, c


@pytest.mark.parametrize(("rows", "width"), [(2, 1), (5, 3), (3, 6)])
def test_barlow_twins_is_its_equation(rows: int, width: int) -> None:
    z1, z2 = normals(rows, width)
    terms = barlow_twins(z1, z2, lambda_=0.3)
    assert [term.item() for term in terms] == pytest.approx(looped_barlow_twins(z1, z2, 0.3), rel=1e-9, abs=1e-12)
    torch.testing.assert_close(cross_correlation(z1, z2), torch.tensor(looped_correlation(z1, z2)).double())


@pytest.mark.parametrize(("rows", "width"), [(2, 1), (5, 3), (3, 6)])
@pytest.mark.parametrize(("gamma", "eps"), [(3.0, 1e-4), (0.4, 0.1)])
def test_vicreg_is_its_equation(rows: int, width: int, gamma: float, eps: float) -> None:
    z1, z2 = normals(rows, width)
    terms = vicreg(z1, z2, lambda_=3.0, mu=5.0, nu=7.0, gamma=gamma, eps=eps)
    s, v, c = looped_vicreg(z1, z2, gamma, eps)
    assert [term.item() for term in terms] == pytest.approx([3 * s, 5 * v, 7 * c], rel=1e-9, abs=1e-12)
    assert v > 0 or gamma < 1, "the hinge is open somewhere, or this shows nothing"


# --- values known beforehand -----------------------------------------------------------------------------------------


def test_views_that_agree_on_independent_features_cost_nothing() -> None:
    z = white(40, 6)
    invariance, redundancy = barlow_twins(z, z, lambda_=1.0)
    assert invariance.item() == pytest.approx(0, abs=1e-9)
    assert redundancy.item() == pytest.approx(0, abs=1e-20)
    terms = vicreg(z, z, **VICREG)
    assert [term.item() for term in terms] == pytest.approx([0, 0, 0], abs=1e-20)


def test_embeddings_that_collapsed_to_a_point() -> None:
    """No feature agrees with itself (D), none with another (0); the hinge is 1 − √ε open for each view."""
    z = torch.full((10, 8), 0.7, dtype=torch.float64)
    assert [term.item() for term in barlow_twins(z, z, lambda_=0.005)] == pytest.approx([8, 0], abs=1e-12)
    assert [term.item() for term in vicreg(z, z, **VICREG)] == pytest.approx([0, 25 * 2 * (1 - 0.01), 0], abs=1e-9)


def test_features_that_all_say_the_same() -> None:
    """Full agreement, and full redundancy: λ D (D − 1); of covariances, all 1, D − 1 for each view."""
    z = white(20, 1).expand(20, 5)
    invariance, redundancy = barlow_twins(z, z, lambda_=0.01)
    assert invariance.item() == pytest.approx(0, abs=1e-9)
    assert redundancy.item() == pytest.approx(0.01 * 5 * 4, rel=1e-4)
    assert vicreg(z, z, **VICREG).covariance.item() == pytest.approx(2 * 4 * (20 / 19) ** 2)


def test_views_that_contradict_each_other() -> None:
    z = white(30, 4)
    assert barlow_twins(z, -z, lambda_=1.0).invariance.item() == pytest.approx(4 * 2**2, rel=1e-4)
    assert vicreg(z, -z, **VICREG).invariance.item() == pytest.approx(25 * 4)


def test_a_collapsed_batch_has_a_finite_gradient() -> None:
    z1, z2 = (torch.full((6, 3), value, requires_grad=True) for value in (0.5, -2.0))
    terms = (*barlow_twins(z1, z2, lambda_=0.005), *vicreg(z1, z2, **VICREG))
    gradients = torch.autograd.grad(torch.stack(terms).sum(), (z1, z2))
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_off_diagonal_is_all_but_the_diagonal() -> None:
    assert off_diagonal(torch.arange(9.0).view(3, 3)).tolist() == [1, 2, 3, 5, 6, 7]
    assert off_diagonal(torch.ones(1, 1)).shape == (0,)


# --- gradients and properties ----------------------------------------------------------------------------------------


def test_gradients_are_those_of_the_equations() -> None:
    z1, z2 = (z.requires_grad_() for z in normals(5, 3))
    assert torch.autograd.gradcheck(lambda a, b: barlow_twins(a, b, lambda_=0.2), (z1, z2))
    assert torch.autograd.gradcheck(lambda a, b: vicreg(0.5 * a, 0.5 * b, **VICREG), (z1, z2))


seeds = st.integers(0, 10_000)


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(3, 9), width=st.integers(1, 6), seed=seeds)
def test_barlow_twins_knows_no_scale_no_offset_and_no_order(rows: int, width: int, seed: int) -> None:
    z1, z2 = (10 * z for z in normals(rows, width, seed=seed))  # well above eps
    terms = torch.stack(barlow_twins(z1, z2, lambda_=0.5))
    generator = torch.Generator().manual_seed(seed)
    scale, order = 1 + 5 * torch.rand(width, generator=generator), torch.randperm(rows, generator=generator)
    features = torch.randperm(width, generator=generator)
    for other1, other2 in (
        (z1 * scale - 3, z2 + 4),
        (z2, z1),
        (z1[order], z2[order]),
        (z1[:, features], z2[:, features]),
    ):
        torch.testing.assert_close(torch.stack(barlow_twins(other1, other2, lambda_=0.5)), terms, rtol=1e-3, atol=1e-3)
    assert cross_correlation(z1, z2).abs().max() <= 1
    assert (terms >= 0).all()


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(2, 9), width=st.integers(1, 6), seed=seeds)
def test_vicreg_knows_no_common_offset_and_no_order(rows: int, width: int, seed: int) -> None:
    z1, z2 = normals(rows, width, seed=seed)
    terms = torch.stack(vicreg(z1, z2, **VICREG))
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(seed))
    for other1, other2 in ((z1 + 9, z2 + 9), (z2, z1), (z1[order], z2[order]), (z1.flip(1), z2.flip(1))):
        torch.testing.assert_close(torch.stack(vicreg(other1, other2, **VICREG)), terms)
    assert (terms >= 0).all()
    assert vicreg(z1 * 1e3, z2, **VICREG).variance <= terms[1] + 1e-9, "the hinge closes as features spread"


def test_covariance_is_numpys() -> None:
    z = normals(12, 4, 1)[0]
    torch.testing.assert_close(covariance(z), torch.cov(z.T))


def test_half_precision_around_does_not_reach_the_statistics() -> None:
    z1, z2 = (z.float() for z in normals(64, 16))
    exact = torch.stack([*barlow_twins(z1, z2, lambda_=0.005), *vicreg(z1, z2, **VICREG)])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = torch.stack([*barlow_twins(z1, z2, lambda_=0.005), *vicreg(z1, z2, **VICREG)])
    assert torch.equal(exact, inside)
    assert barlow_twins(z1.bfloat16(), z2.bfloat16(), lambda_=0.005).invariance.dtype == torch.float32


# --- bad input, and processes ----------------------------------------------------------------------------------------


def test_a_batch_of_one_is_refused() -> None:
    z = torch.randn(1, 4)
    for loss in (lambda: barlow_twins(z, z, lambda_=0.005), lambda: vicreg(z, z, **VICREG)):
        with pytest.raises(ArgumentError, match=r"at least 2 samples a step, and this one has 1\. Raise batch_size"):
            loss()


SIZES = [(5, 2), (1, 1)]


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes have written."""
    out = tmp_path_factory.mktemp("out")
    script = Path(__file__).parent / "redundancy_over_processes.py"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(
        [*command, str(out), json.dumps(SIZES)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out


@pytest.mark.parametrize("sizes", SIZES)
def test_two_processes_equal_one(sizes: tuple[int, int], together: Path) -> None:
    """Values in every process, and gradients weighted and added up as the engine does, are those of one process."""
    theirs = torch.load(together / f"{sizes[0]}-{sizes[1]}.pt")
    z1, z2 = (z.requires_grad_() for z in normals(sum(sizes), 3))
    terms = (*barlow_twins(z1, z2, lambda_=0.2), *vicreg(z1, z2, **VICREG))
    torch.testing.assert_close(theirs["value"], torch.stack(terms).detach())
    for rank in (0, 1):
        whole = [0, 1, 3, 4]  # every statistic but VICReg's invariance, which is a mean over the own rows
        torch.testing.assert_close(theirs[f"value{rank}"][whole], torch.stack(terms).detach()[whole])
    for number, term in enumerate(terms):
        gradients = torch.autograd.grad(term, (z1, z2), retain_graph=True)
        torch.testing.assert_close(theirs["gradients"][number], torch.stack(gradients))
