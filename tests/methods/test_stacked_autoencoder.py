"""What is special about StackedAutoencoder: layers are trained one at a time, in order, and then all together."""

from pathlib import Path
from typing import Any

import pytest
import torch

from contract.checks.reproducing import At, differing, press_ctrl_c, weights
from nolabel import Autoencoder, StackedAutoencoder
from nolabel.data import sampler, toys
from nolabel.errors import ArgumentError, TrainingInterrupted
from nolabel.methods import _folder
from nolabel.randomness import Draws
from nolabel.training import engine
from nolabel.training.learner import Step
from nolabel.types import Batch

DATA = toys.blobs(96, 10)
ARGUMENTS: dict[str, Any] = {
    "hidden": (8, 5, 3),
    "epochs": 12,
    "batch_size": 32,
    "learning_rate": 0.01,
    "random_state": 0,
}


def _stopped_after(epoch: int, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> StackedAutoencoder:
    """The model as it stands when so many of 12 epochs are done: three layers of two epochs, then fine-tuning.

    An epoch has three steps, and a signal is acted on after the step that follows it.
    """
    model = StackedAutoencoder(**{**ARGUMENTS, **arguments})
    with monkeypatch.context() as patch:
        patch.setattr(engine, "SPOKEN_SECONDS", 0)
        patch.setattr(_folder, "listeners", lambda *_, **__: [At(press_ctrl_c, step=3 * epoch - 1)])
        with pytest.raises(TrainingInterrupted):
            model.fit(DATA)
    return model


def _moved(before: StackedAutoencoder, after: StackedAutoencoder) -> set[str]:
    """Stages whose weights differ: "encoder 0", ..., "decoder 2"."""
    return {" ".join(name.split(".")[::2][:2]) for name in differing(weights(before), weights(after))}


def test_one_layer_moves_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = {epoch: _stopped_after(epoch, monkeypatch) for epoch in (1, 2, 3, 4, 5, 6, 7)}
    assert _moved(stages[1], stages[2]) == {"encoder 0", "decoder 2"}
    assert _moved(stages[2], stages[3]) == {"encoder 1", "decoder 1"}
    assert _moved(stages[3], stages[4]) == {"encoder 1", "decoder 1"}
    assert _moved(stages[4], stages[6]) == {"encoder 2", "decoder 0"}
    assert _moved(stages[6], stages[7]) == {
        f"{side} {number}" for side in ("encoder", "decoder") for number in range(3)
    }


def test_phases_come_in_order() -> None:
    model = StackedAutoencoder(**ARGUMENTS).fit(DATA)
    known = {"layer 1", "layer 2", "layer 3", "reconstruction"}
    phases = [sorted(known & set(record)) for record in model.history_]
    assert phases == [["layer 1"]] * 2 + [["layer 2"]] * 2 + [["layer 3"]] * 2 + [["reconstruction"]] * 6
    for first, second in ((0, 1), (2, 3), (4, 5)):
        assert model.history_[second]["loss"] < model.history_[first]["loss"], "a layer learns while its turn lasts"


@pytest.mark.parametrize(("layer", "progress"), [(0, 0.1), (1, 0.2), (2, 0.45)])
def test_a_layer_rebuilds_what_comes_in_to_it(layer: int, progress: float) -> None:
    learner = StackedAutoencoder(**{**ARGUMENTS, "epochs": 1, "activation": "tanh"}).fit(DATA).learner_.train()
    losses = learner.loss(Batch(DATA.store, torch.arange(len(DATA))), Step(0, progress, Draws(0)))
    h = DATA.store
    for stage in learner.encoder.stages[:layer]:
        h = stage(h)
    rebuilt = learner.decoder.stages[2 - layer](learner.encoder.stages[layer](h))
    assert torch.allclose(losses.parts[f"layer {layer + 1}"], (rebuilt - h).square().mean())


def test_without_pretraining_it_is_an_autoencoder() -> None:
    arguments = {**ARGUMENTS, "epochs": 3}
    stacked = StackedAutoencoder(pretraining=0.0, **arguments).fit(DATA).learner_.state_dict()
    plain = Autoencoder(activation="sigmoid", **arguments).fit(DATA).learner_.state_dict()
    assert all(torch.equal(value, stacked[name]) for name, value in plain.items())


def test_the_held_out_loss_is_always_that_of_the_whole() -> None:
    model = StackedAutoencoder(**{**ARGUMENTS, "epochs": 4, "plan": {"holdout": 0.25}}).fit(DATA)
    learner, held = model.learner_, sampler.split_rows(len(DATA), 0.25, 0)[1]
    with torch.no_grad():
        rebuilt = learner.decode(learner.encode(DATA.store[held]))
    assert model.history_[-1]["holdout_loss"] == pytest.approx((rebuilt - DATA.store[held]).square().mean().item())
    assert all("holdout_loss" in record for record in model.history_)


def test_a_stopped_pretraining_goes_on_in_its_phase(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = StackedAutoencoder(**ARGUMENTS).fit(DATA)
    with monkeypatch.context() as patch:
        patch.setattr(_folder, "listeners", lambda *_, **__: [At(press_ctrl_c, epoch=3)])
        with pytest.raises(TrainingInterrupted):
            StackedAutoencoder(**ARGUMENTS).fit(DATA, out=tmp_path / "run")
    resumed = StackedAutoencoder(**ARGUMENTS).fit(DATA, out=tmp_path / "run", resume=True)
    assert not differing(weights(whole), weights(resumed))


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_senseless_share_is_refused(share: float) -> None:
    with pytest.raises(ArgumentError, match=f"pretraining must be at least 0 and below 1; got {share}"):
        StackedAutoencoder(**{**ARGUMENTS, "pretraining": share}).fit(DATA)
