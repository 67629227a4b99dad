"""A method is reproducible: same seed, same bits; nothing global is touched; a run that was stopped goes on exactly.

Each check takes a class and raises AssertionError with a sentence that says what is wrong.
"""

import functools
import json
import os
import pickle
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from contract.checks.samples import MAKERS, Samples, begun, fitted
from nolabel.errors import DivergedError, TrainingInterrupted
from nolabel.methods import _folder
from nolabel.methods._base import Estimator, Sampler
from nolabel.training import engine
from nolabel.training.drive import GradientDriver
from nolabel.training.learner import AdversarialLearner, CountingLearner
from nolabel.training.progress import Listener

Class = type[Estimator]
TIMINGS = ("seconds", "samples_per_second", "waiting")


def weights(model: Any) -> dict[str, Tensor]:
    """Parameters and buffers by name."""
    return {name: value.detach().clone() for name, value in model.learner_.state_dict().items()}


def differing(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors that are not equal to the bit."""
    return [name for name in one if not torch.equal(one[name], other[name])]


def untimed(history: list[dict[str, float]]) -> list[dict[str, float]]:
    """The history without what the clock says."""
    return [{name: value for name, value in record.items() if name not in TIMINGS} for record in history]


# --- seeds -----------------------------------------------------------------------------------------------------------


def same_seed_same_bits(cls: Class, samples: Samples) -> None:
    """Two runs of one seed agree in every bit of weights and history, whatever happens to global generators."""
    one = fitted(cls, samples, epochs=3)
    _stir()
    other = fitted(cls, samples, epochs=3)
    apart = differing(weights(one), weights(other))
    assert not apart, f"{cls.__name__}: two runs of one seed differ in {', '.join(apart)}"
    assert untimed(one.history_) == untimed(other.history_), (
        f"{cls.__name__}: two runs of one seed log different losses"
    )


def other_seed_other_bits(cls: Class, samples: Samples) -> None:
    """`random_state` means something."""
    one, other = (fitted(cls, samples, epochs=1, random_state=seed) for seed in (1, 2))
    same = [name for name in differing(weights(one), weights(other)) if name]
    assert same, f"{cls.__name__}: two seeds give the same weights"
    assert (one.transform(samples.X) != other.transform(samples.X)).any(), (
        f"{cls.__name__}: two seeds give the same codes"
    )


def _stir() -> None:
    """Move every global generator on."""
    random.random()
    np.random.random(7)  # noqa: NPY002 - the global generator is what is stirred
    torch.rand(7)


def _global_state() -> dict[str, bytes]:
    return {
        "torch": torch.random.get_rng_state().numpy().tobytes(),
        "numpy": pickle.dumps(np.random.get_state()),  # noqa: NPY002 - it is what is watched
        "python": pickle.dumps(random.getstate()),
    }


GENERATORS = ("torch", "numpy", "python")


def global_state_is_untouched(cls: Class, samples: Samples, generators: Sequence[str] = GENERATORS) -> None:
    """Neither training nor anything after it moves the global generators of torch, NumPy or Python.

    Under pytest the checker of shapes draws from Python's, so that one is watched in a process without it.
    """
    _stir()
    before = _global_state()

    def unmoved(what: str) -> None:
        moved = [name for name, state in _global_state().items() if state != before[name] and name in generators]
        assert not moved, f"{cls.__name__}.{what} moves the global random state of {', '.join(moved)}"

    model = fitted(cls, samples, epochs=1, random_state=None)
    unmoved("fit")
    model.partial_fit(samples.X, samples.labels_for(cls))
    unmoved("partial_fit")
    model.transform(samples.X)
    unmoved("transform")
    model.untrained()
    unmoved("untrained")
    if isinstance(model, Sampler):
        model.sample(2)
        unmoved("sample")


# --- stopping and going on -------------------------------------------------------------------------------------------


class At(Listener):
    """Does something once, after a given number of steps or epochs."""

    def __init__(self, deed: Callable[[], None], *, step: int = 0, epoch: int = 0) -> None:
        self.deed, self.at_step, self.at_epoch = deed, step, epoch

    def start(self, facts: Mapping[str, Any]) -> None:
        pass

    def step(self, record: Mapping[str, Any]) -> None:
        if record["step"] == self.at_step:
            self.deed()

    def epoch(self, record: Mapping[str, Any]) -> None:
        if record["epoch"] == self.at_epoch:
            self.deed()

    def verdict(self, record: Mapping[str, Any]) -> None:
        pass

    def end(self, record: Mapping[str, Any]) -> None:
        pass


def press_ctrl_c() -> None:
    """The signal that Ctrl-C sends."""
    os.kill(os.getpid(), signal.SIGINT)


class PowerCut(Exception):
    """The process is gone, without a word."""


def cut_power() -> None:
    """Die in the middle of a step."""
    raise PowerCut


STOPS: dict[str, tuple[type[BaseException], Callable[[], At]]] = {
    "Ctrl-C in the first epoch": (TrainingInterrupted, lambda: At(press_ctrl_c, step=2)),
    "Ctrl-C in the middle": (TrainingInterrupted, lambda: At(press_ctrl_c, step=11)),
    "Ctrl-C between epochs": (TrainingInterrupted, lambda: At(press_ctrl_c, epoch=2)),
    "a crash": (PowerCut, lambda: At(cut_power, step=7)),
}


PLAN = {"ema": 0.9, "schedule": "cosine"}
STOPPED = {"epochs": 4, "batch_size": 16, "plan": PLAN}


@functools.cache  # it is the same for each of `STOPS`
def _never_stopped(cls: Class, samples: Samples) -> Any:
    return fitted(cls, samples, **STOPPED)


def resumes_exactly(cls: Class, samples: Samples, stop: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped by `stop` and resumed, a run ends with the bits and the history of one that never stopped."""
    whole = _never_stopped(cls, samples)
    kind, listener = STOPS[stop]
    arguments = STOPPED if kind is TrainingInterrupted else {**STOPPED, "plan": {**PLAN, "checkpoint_seconds": 0.0}}
    X, y = samples.X, samples.labels_for(cls)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "SPOKEN_SECONDS", 0)  # listeners hear of every step
        patch.setattr(_folder, "listeners", lambda *_, **__: [listener()])
        with pytest.raises(kind):
            cls.tiny().set_params(**arguments).fit(X, y, out=folder)
    resumed = cls.tiny().set_params(**arguments).fit(X, y, out=folder, resume=True)
    apart = differing(weights(whole), weights(resumed))
    assert not apart, (
        f"{cls.__name__}: stopped by {stop} and resumed, a run ends with other values of {', '.join(apart)}"
    )
    assert untimed(resumed.history_) == untimed(whole.history_), (
        f"{cls.__name__}: stopped by {stop} and resumed, a run has another history"
    )


def keeps_what_it_learned(cls: Class, samples: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C without a folder the model can be used, ready to embed."""
    with monkeypatch.context() as patch:
        patch.setattr(engine, "SPOKEN_SECONDS", 0)
        patch.setattr(_folder, "listeners", lambda *_, **__: [At(press_ctrl_c, step=2)])
        model = cls.tiny()
        with pytest.raises(TrainingInterrupted, match=r"SIGINT after step 3.*out=FOLDER"):
            model.fit(samples.X, samples.labels_for(cls))
    assert not model.learner_.training, f"{cls.__name__}: interrupted, the learner is left in training mode"
    assert np.isfinite(model.transform(samples.X)).all()


def a_failed_step_leaves_no_trace(cls: Class, samples: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a step that diverged, training goes on as if the step had never been tried."""

    def diverge(self: GradientDriver, *_: Any) -> None:
        raise DivergedError("as if the loss were NaN", 1)

    def trained(*, fails: bool) -> Any:
        model = cls.tiny().partial_fit(*first)
        if fails:
            with monkeypatch.context() as patch, pytest.raises(DivergedError):
                patch.setattr(GradientDriver, "_refuse_nonfinite", diverge)
                model.partial_fit(*bad)
        return model.partial_fit(*second)

    first, bad, second = (_part(cls, samples, slice(start, start + 32)) for start in (0, 32, 64))
    apart = differing(weights(trained(fails=False)), weights(trained(fails=True)))
    assert not apart, f"{cls.__name__}: a step that diverged leaves its mark on {', '.join(apart)}"


def _part(cls: Class, samples: Samples, rows: slice) -> tuple[Any, Any]:
    y = samples.labels_for(cls)
    return samples.X[rows], None if y is None else y[rows]


# --- several processes -----------------------------------------------------------------------------------------------


def train_in_two_processes(out: Path, names: Sequence[str] = ()) -> None:
    """Train every method (or those named) in two processes; weights and history are written to `out`."""
    script = Path(__file__).parents[1] / "two_processes.py"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(
        [*command, str(out), *names],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"training in two processes failed:\n{done.stderr[-3000:]}"


def trained_alike(cls: Class, samples: Samples) -> Any:
    """A tiny model trained by as many processes as there are, so that weights can be compared.

    Gradients are followed by SGD, whose steps are as they are. Adam's would hide that they are too large by a factor,
    and make whole steps of those that are nothing but rounding (of the weights of a constant pixel, say). What follows
    from equal gradients is the same in every process, whichever the optimizer. `clip` is for losses that are sums over
    pixels.
    """
    counts = isinstance(begun(cls, samples).learner_, CountingLearner)
    plain: dict[str, Any] = {} if counts else {"plan": {"optimizer": "sgd", "clip": 10.0}, "learning_rate": 0.01}
    # 51 samples in batches of 32: the last batch of an epoch is shorter, and is shared unevenly
    return fitted(cls, samples, epochs=3, batch_size=32, **plain)


def write_results(model: Any, kind: str, out: Path) -> None:
    """Weights and history of a model, for `two_processes_equal_one` to read."""
    name = f"{type(model).__name__}-{kind}"
    save_file({key: value.contiguous() for key, value in weights(model).items()}, out / f"{name}.safetensors")
    (out / f"{name}.json").write_text(json.dumps(untimed(model.history_)))


def two_processes_equal_one(cls: Class, kind: str, found: Path) -> None:
    """Weights and losses from two processes (in the folder `found`) are those of one, within rounding.

    Of weights: a thousandth of how far they moved, and 1e-6 an entry for those that move by rounding alone. In games
    five thousandths: rounding brings a rectifier's input over 0 now and then, and a penalty on slopes jumps there. Of
    what is logged 1e-5, and in games 1e-4.
    """
    one = trained_alike(cls, MAKERS[kind](51))
    first = one._new_learner(one.seed_).state_dict()
    slack, told = (5e-3, 1e-4) if isinstance(one.learner_, AdversarialLearner) else (1e-3, 1e-5)
    shared = load_file(found / f"{cls.__name__}-{kind}.safetensors")
    for name, value in weights(one).items():
        off, moved = ((value.double() - other[name].double()).norm().item() for other in (shared, first))
        allowed = slack * moved + 1e-6 * value.numel() ** 0.5
        assert off <= allowed, (
            f"{cls.__name__}: in two processes {name} comes out {off:.2g} away from one process's, having moved {moved:.2g}"
        )
    history = json.loads((found / f"{cls.__name__}-{kind}.json").read_text())
    for own, theirs in zip(untimed(one.history_), history):
        for name, value in own.items():
            close = abs(value - theirs[name]) <= told * max(1, abs(value))
            assert close, f"{cls.__name__}: two processes log {name} {theirs[name]}, one logs {value}"
