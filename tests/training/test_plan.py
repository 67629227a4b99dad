"""The plan: every value that cannot be meant is refused in words."""

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import jaxtyping
import pytest

import nolabel
from nolabel.errors import ArgumentError
from nolabel.training.plan import Plan, as_plan


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Without the checker of types, which only tests have and which would speak first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


NONSENSE: list[tuple[str, Any, str]] = [
    (
        "optimizer",
        "adamm",
        r"plan.optimizer must be one of 'adamw', 'adam', 'sgd', 'lars'; got 'adamm'; did you mean 'adamw?'",
    ),
    ("optimizer", None, "plan.optimizer must be one of .* got None"),
    (
        "schedule",
        "cosin",
        "plan.schedule must be one of 'constant', 'cosine', 'step'; got 'cosin'; did you mean 'cosine'",
    ),
    ("precision", "fp16", "plan.precision must be one of 'fp32', 'bf16'; got 'fp16'"),
    ("weight_decay", -0.1, "plan.weight_decay must be a number at least 0; got -0.1"),
    ("weight_decay", float("nan"), "plan.weight_decay must be a number at least 0; got nan"),
    ("weight_decay", float("inf"), "plan.weight_decay must be a number at least 0; got inf"),
    ("weight_decay", "0.1", "plan.weight_decay must be a number at least 0; got '0.1'"),
    ("warmup", 1.1, "plan.warmup must be a number at least 0 and at most 1; got 1.1"),
    ("warmup", True, "plan.warmup must be a number at least 0 and at most 1; got True"),
    ("betas", 0.9, r"plan.betas must be two numbers such as \(0.9, 0.999\); got 0.9"),
    ("betas", (0.5,), r"plan.betas must be two numbers such as \(0.9, 0.999\); got \(0.5,\)"),
    ("betas", "ab", r"plan.betas must be two numbers such as \(0.9, 0.999\); got 'ab'"),
    ("betas", (1.0, 0.9), "first of plan.betas must be a number at least 0 and below 1; got 1.0"),
    ("betas", (0.5, -0.1), "second of plan.betas must be a number at least 0 and below 1; got -0.1"),
    ("clip", 0, "plan.clip must be a number above 0; got 0"),
    ("clip", -1.0, "plan.clip must be a number above 0; got -1.0"),
    ("accumulate", 0, "plan.accumulate must be a whole number of at least 1; got 0"),
    ("accumulate", 2.0, "plan.accumulate must be a whole number of at least 1; got 2.0"),
    ("accumulate", True, "plan.accumulate must be a whole number of at least 1; got True"),
    ("ema", 1.0, "plan.ema must be a number at least 0 and below 1; got 1.0"),
    ("ema", -0.1, "plan.ema must be a number at least 0 and below 1; got -0.1"),
    ("compile", "yes", "plan.compile must be True or False; got 'yes'"),
    ("holdout", 0.95, "plan.holdout must be a number at least 0 and at most 0.9; got 0.95"),
    ("holdout", -0.1, "plan.holdout must be a number at least 0 and at most 0.9; got -0.1"),
    ("patience", 3, r"plan.patience=3 needs a held-out part to watch; set holdout too, e.g. holdout=0.1"),
    ("patience", 0, "plan.patience must be None or a whole number of at least 1; got 0"),
    ("patience", 1.5, "plan.patience must be None or a whole number of at least 1; got 1.5"),
    ("device", 0, "plan.device must be a name such as 'auto', 'cpu' or 'cuda:0'; got 0"),
    ("checkpoint_seconds", -1, "plan.checkpoint_seconds must be a number at least 0; got -1"),
]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("name", "value", "says"), NONSENSE, ids=[f"{name}={value!r}" for name, value, _ in NONSENSE])
def test_nonsense_is_refused(name: str, value: Any, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        Plan(**{name: value})
    with pytest.raises(ArgumentError, match=says):
        as_plan({name: value})


@pytest.mark.usefixtures("unchecked")
def test_nonsense_reaches_the_user_through_fit() -> None:
    with pytest.raises(ArgumentError, match="plan has no argument 'patiense'; did you mean 'patience'"):
        nolabel.Autoencoder(plan={"patiense": 3}).fit([[1.0, 2.0], [2.0, 3.0]])


def test_the_ends_of_every_range_are_taken() -> None:
    Plan(weight_decay=0, warmup=0, clip=None, ema=0, holdout=0, checkpoint_seconds=0, betas=(0, 0.9999))
    Plan(warmup=1, clip=1e-9, ema=0.9999, holdout=0.9, patience=1, accumulate=1, checkpoint_seconds=float("inf"))


@pytest.mark.usefixtures("unchecked")
def test_a_plan_comes_from_what_a_user_gives() -> None:
    assert as_plan(None) == Plan()
    plan = Plan(clip=1.0)
    assert as_plan(plan) == as_plan({"clip": 1.0}) == plan
    with pytest.raises(
        ArgumentError, match=r"plan has no argument 'optimiser'; did you mean 'optimizer'\? It has: optimizer, "
    ):
        as_plan({"optimiser": "adam"})
    with pytest.raises(ArgumentError, match="plan must be a Plan, a mapping of its fields, or None; got str"):
        as_plan("adam")


def test_betas_that_were_read_from_json_are_those_that_were_typed() -> None:
    assert Plan(betas=[0.5, 0.9]) == Plan(betas=(0.5, 0.9))
    assert as_plan(None, {"betas": (0.0, 0.9)}).betas == (0.0, 0.9)
    assert as_plan({"betas": [0.5, 0.9]}, {"betas": (0.0, 0.99)}).betas == (0.5, 0.9)


def test_what_a_user_states_wins_over_a_method_s_defaults() -> None:
    defaults = {"optimizer": "sgd", "schedule": "cosine"}
    assert as_plan(None, defaults) == Plan(**defaults)
    stated = Plan(optimizer="adam", clip=1.0)  # adam is Plan's own default, and stated all the same
    for copied in (stated, copy.deepcopy(stated), pickle.loads(pickle.dumps(stated))):
        assert copied.stated() == {"optimizer": "adam", "clip": 1.0}
        assert as_plan(copied, defaults) == Plan(optimizer="adam", clip=1.0, schedule="cosine")
    assert as_plan({"schedule": "step"}, defaults) == Plan(optimizer="sgd", schedule="step")
