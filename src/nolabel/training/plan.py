"""`Plan`: everything about *how* training runs that is not the method's own.

The four numbers that users change most (epochs, batch size, learning rate, seed) are arguments of every method, because
their good values differ from method to method; the rest has one home here.
"""

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self, get_args

from nolabel.errors import ArgumentError, SignatureOfInit, not_a_choice, refuse_unknown

OptimizerName = Literal["adamw", "adam", "sgd", "lars"]
ScheduleName = Literal["constant", "cosine", "step"]
Precision = Literal["fp32", "bf16"]

# What suits networks that are trained without labels, and is the default of many methods.
ADAMW_COSINE = MappingProxyType({"optimizer": "adamw", "weight_decay": 1e-4, "schedule": "cosine", "warmup": 0.05})


@dataclass(frozen=True)
class Plan:
    """How training runs.

    Parameters
    ----------
    optimizer : {"adamw", "adam", "sgd", "lars"}
        Rule that turns gradients into steps. `sgd` and `lars` use momentum 0.9.
    betas : two floats
        β₁ and β₂ of `adam` and `adamw`: how much of the means of gradients and of their squares is kept from step to
        step. Players who move against each other want a smaller β₁, such as 0 or 0.5.
    weight_decay : float
        Pull of the weights towards 0, decoupled from the gradient for `adamw`; biases are spared.
    schedule : {"constant", "cosine", "step"}
        How the learning rate moves after warm-up: not at all, to 0 along half a cosine, or tenfold down at 60 % and
        at 85 % of the run.
    warmup : float
        Fraction of the run over which the learning rate rises linearly from 0.
    clip : float or None
        Largest norm of the whole gradient; None leaves gradients as they are.
    accumulate : int
        Pieces into which a batch is cut, whose gradients are added up to one step: a large batch in little memory.
    ema : float or None
        Decay of an exponential moving average of the weights, which is then what the model uses; None for none.
    precision : {"fp32", "bf16"}
        Arithmetic of nets and losses; weights are float32 in either.
    compile : bool
        Whether to compile the learner's loss with `torch.compile` (needs a C++ compiler on a CPU).
    holdout : float
        Fraction of the samples held out of training to measure the loss on.
    patience : int or None
        Stop after so many epochs without a better held-out loss, and keep the best weights; None runs all epochs.
        Needs `holdout`.
    device : str
        `"auto"` takes a GPU when there is one; else a PyTorch device such as `"cpu"` or `"cuda:1"`.
    checkpoint_seconds : float
        Least time between two checkpoints, in seconds; a run that is stopped writes one anyway.
    """

    optimizer: OptimizerName = "adam"
    betas: Sequence[float] = (0.9, 0.999)
    weight_decay: float = 0.0
    schedule: ScheduleName = "constant"
    warmup: float = 0.0
    clip: float | None = None
    accumulate: int = 1
    ema: float | None = None
    precision: Precision = "fp32"
    compile: bool = False
    holdout: float = 0.0
    patience: int | None = None
    device: str = "auto"
    checkpoint_seconds: float = 60.0

    __signature__: ClassVar = SignatureOfInit()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Refuse an unknown field with the nearest known one; `__init__` takes the rest."""
        fields = inspect.signature(cls).parameters
        refuse_unknown("plan", kwargs, fields)
        new = super().__new__(cls)
        object.__setattr__(new, "_stated", (*list(fields)[: len(args)], *kwargs))
        return new

    def stated(self) -> dict[str, Any]:
        """The fields that were given by name or place, whatever their values: the rest is a method's to choose."""
        return {name: getattr(self, name) for name in self._stated}  # type: ignore[attr-defined]

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        for name, choices in (("optimizer", OptimizerName), ("schedule", ScheduleName), ("precision", Precision)):
            if getattr(self, name) not in get_args(choices):
                raise not_a_choice(f"plan.{name}", getattr(self, name), get_args(choices))
        object.__setattr__(self, "betas", _two_betas(self.betas))
        _between("plan.weight_decay", self.weight_decay, 0, math.inf, open_right=True)
        _between("plan.warmup", self.warmup, 0, 1)
        _between("plan.holdout", self.holdout, 0, 0.9)
        _between("plan.checkpoint_seconds", self.checkpoint_seconds, 0, math.inf)
        if self.clip is not None:
            _between("plan.clip", self.clip, 0, math.inf, open_left=True)
        if self.ema is not None:
            _between("plan.ema", self.ema, 0, 1, open_right=True)
        if not isinstance(self.compile, bool):
            raise ArgumentError(f"plan.compile must be True or False; got {self.compile!r}")
        if not isinstance(self.device, str):
            raise ArgumentError(f"plan.device must be a name such as 'auto', 'cpu' or 'cuda:0'; got {self.device!r}")
        if not _is_count(self.accumulate):
            raise ArgumentError(f"plan.accumulate must be a whole number of at least 1; got {self.accumulate!r}")
        if self.patience is not None and not _is_count(self.patience):
            raise ArgumentError(f"plan.patience must be None or a whole number of at least 1; got {self.patience!r}")
        if self.patience is not None and not self.holdout:
            raise ArgumentError(
                f"plan.patience={self.patience} needs a held-out part to watch; set holdout too, e.g. holdout=0.1"
            )


def _two_betas(value: object) -> tuple[float, float]:
    """As a tuple, so that plans that were read from JSON are equal to those that were typed."""
    listed = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
    if len(listed) != 2:
        raise ArgumentError(f"plan.betas must be two numbers such as (0.9, 0.999); got {value!r}")
    for name, beta in zip(("first of plan.betas", "second of plan.betas"), listed):
        _between(name, beta, 0, 1, open_right=True)
    return listed[0], listed[1]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _between(
    name: str, value: object, low: float, high: float, *, open_left: bool = False, open_right: bool = False
) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
    if is_number and (low < value if open_left else low <= value) and (value < high if open_right else value <= high):  # type: ignore[operator]
        return
    bounds = f"{'above' if open_left else 'at least'} {low:g}"
    if high != math.inf:
        bounds += f" and {'below' if open_right else 'at most'} {high:g}"
    raise ArgumentError(f"{name} must be a number {bounds}; got {value!r}")


def as_plan(plan: "Plan | Mapping[str, Any] | None", defaults: Mapping[str, Any] = MappingProxyType({})) -> Plan:
    """A `Plan` from what a user gives: a Plan, a mapping of its fields, or None.

    `defaults` are a method's own; what the user states wins over them.
    """
    if plan is not None and not isinstance(plan, Plan | Mapping):
        raise ArgumentError(f"plan must be a Plan, a mapping of its fields, or None; got {type(plan).__name__}")
    stated = plan.stated() if isinstance(plan, Plan) else plan or {}
    return Plan(**{**defaults, **stated})
