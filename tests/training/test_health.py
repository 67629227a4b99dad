"""Verdicts: each rule fires on what it is for, keeps quiet otherwise, and names a knob."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nolabel.training import engine
from nolabel.training.health import effective_rank, examine
from training.toys import Line, Moments, job, table, values

spread = torch.randn(100, 8, generator=torch.Generator().manual_seed(0))
falling = [{"epoch": e, "loss": 1 / e} for e in range(1, 7)]


def found(codes: Tensor = spread, history: Any = falling) -> dict[str, str]:
    return {verdict.name: verdict.level for verdict in examine(codes, history)}


def test_a_good_run_is_called_good() -> None:
    (verdict,) = examine(spread, falling)
    assert (verdict.level, verdict.name, verdict.knob) == ("good", "healthy", "")
    assert verdict.text == f"The loss fell, and codes use {effective_rank(spread):.1f} effective of 8 dimensions."


def test_a_short_run_is_not_said_to_have_learned() -> None:
    (verdict,) = examine(spread, [{"loss": 1.0}])
    assert verdict.text.startswith("Codes use")


line = torch.randn(100, 1) @ torch.randn(1, 8)
dead = torch.cat([spread[:, :6], torch.full((100, 2), 0.3)], 1)
held = [{"loss": 1 / e, "holdout_loss": [3, 2, 1, 1.2, 1.5, 2][e - 1]} for e in range(1, 7)]
CASES: list[tuple[str, str, Tensor, Any]] = [
    ("collapse", "bad", torch.ones(100, 8) * 3, falling),
    ("collapse", "bad", torch.ones(100, 2) * 3, falling),
    ("collapse", "bad", torch.zeros(100, 8), falling),
    ("collapse", "bad", 5 + 1e-6 * spread, falling),
    ("dimensional collapse", "bad", line + 3, falling),
    ("dead units", "warning", dead, falling),
    ("not learning", "bad", spread, [{"loss": 0.6931 + 0.0005 * (-1) ** e} for e in range(5)]),
    ("not learning", "bad", spread, [{"loss": loss} for loss in (1.0, 2.0, 3.0)]),
    ("not learning", "bad", spread, [{"loss": 1.0, "units_moved": 0.04}] * 3),
    ("overfitting", "warning", spread, held),
    ("posterior collapse", "bad", spread, [*falling, {"loss": 0.1, "nats": 0.02}]),
    ("codebook collapse", "bad", spread, [*falling, {"loss": 0.1, "in_use": 0.01}]),
]


@pytest.mark.parametrize(("name", "level", "codes", "history"), CASES)
def test_each_rule_fires(name: str, level: str, codes: Tensor, history: Any) -> None:
    verdicts = [verdict for verdict in examine(codes, history) if verdict.name == name]
    assert [verdict.level for verdict in verdicts] == [level]
    assert verdicts[0].knob
    assert verdicts[0].text.endswith(".")
    assert "healthy" not in found(codes, history)


@pytest.mark.parametrize(
    "history",
    [
        [{"loss": loss} for loss in (-1.0, -2.0, -3.0)],  # a loss may be negative
        [{"loss": loss} for loss in (1.0, 5.0, 0.5)],
        [{"loss": 1 / e, "nats": 5.0, "in_use": 0.3} for e in range(1, 6)],
        [{"loss": 1 / e, "holdout_loss": 1 / e} for e in range(1, 9)],
        [{"loss": 1.0, "units_moved": 1.0 / e} for e in range(1, 20)],  # a map that has settled
    ],
)
def test_rules_keep_quiet_about_good_runs(history: Any) -> None:
    assert found(spread, history) == {"healthy": "good"}


def test_a_code_of_one_dimension_is_not_called_a_line() -> None:
    assert found(spread[:, :1]) == {"healthy": "good"}
    assert found(spread[:, :3] @ torch.ones(3, 3)) == {"healthy": "good"}


def test_a_risen_held_out_loss_is_no_matter_when_the_best_weights_were_kept() -> None:
    assert [verdict.name for verdict in examine(spread, held, best_kept=True)] == ["healthy"]


def test_the_worst_comes_first() -> None:
    levels = [verdict.level for verdict in examine(dead, [*held, {"loss": 0.1, "holdout_loss": 2.0, "nats": 0.0}])]
    assert levels == ["bad", "warning", "warning"]


def test_a_sample_or_two_are_too_few_for_verdicts_and_no_reason_to_fail() -> None:
    for count in (1, 2, 7):
        assert found(spread[:count])["healthy"] == "good"


@given(rank=st.integers(1, 6), seed=st.integers(0, 1000))
def test_effective_rank_is_between_one_and_the_rank(rank: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randn(40, rank, generator=generator) @ torch.randn(rank, 6, generator=generator)
    assert 0.999 <= effective_rank(codes) <= rank + 1e-4
    assert effective_rank(3 * codes + 5) == pytest.approx(effective_rank(codes), rel=1e-4)


def test_effective_rank_of_known_spectra() -> None:
    q, _ = torch.linalg.qr(torch.randn(50, 4) - torch.randn(50, 4).mean(0))
    q = q - q.mean(0)
    q, _ = torch.linalg.qr(q)  # centred and orthonormal
    assert effective_rank(q) == pytest.approx(4, rel=1e-3)
    p = [0.5, 0.25, 0.125, 0.125]
    expected = math.exp(-sum(value * math.log(value) for value in p))
    assert effective_rank(q * torch.tensor(p)) == pytest.approx(expected, rel=1e-3)
    assert effective_rank(torch.ones(9, 3)) == 0


def test_the_engine_asks_for_verdicts_when_a_run_ends() -> None:
    class Flat(Line):
        def encode(self, x: Tensor) -> Tensor:
            return super().encode(x) * 0

    assert [verdict.name for verdict in engine.run(job(Flat(), table())).verdicts] == ["collapse"]
    assert [verdict.name for verdict in engine.run(job(Moments(), table(values_of=values(50)))).verdicts] == [
        "not learning"
    ]


def test_samples_of_one_value_may_have_codes_on_a_line() -> None:
    line = torch.linspace(-1, 1, 100)[:, None] * torch.arange(1.0, 9.0)
    assert "dimensional collapse" in {verdict.name for verdict in examine(line, falling, values=8)}
    assert "dimensional collapse" not in {verdict.name for verdict in examine(line, falling, values=1)}
