"""What a resume refuses, and what it does when the newest checkpoint is damaged."""

from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from nolabel.errors import SavedModelError
from nolabel.training import engine
from nolabel.training.checkpoint import Checkpoint, save
from training.toys import Line, Moments, job, make, same, state, table, untimed

IDENTITY = {"method": "Line", "arguments": {"latent": 2, "hidden": (8, 4)}, "data": "abc"}


def begun(folder: Path, **changes: Any) -> None:
    """A run of one epoch, with a checkpoint after every step."""
    plan = {"checkpoint_seconds": 0.0}
    engine.run(job(make("gradient"), table(), epochs=1, folder=folder, identity=IDENTITY, plan=plan, **changes))


CHANGED: list[tuple[dict[str, Any], str]] = [
    ({"identity": {**IDENTITY, "method": "Curve"}}, "method was 'Line', is 'Curve'"),
    ({"identity": {**IDENTITY, "data": "xyz"}}, "data was 'abc', is 'xyz'"),
    (
        {"identity": {**IDENTITY, "arguments": {"latent": 3, "hidden": (8, 4)}}},
        r"latent was 2, is 3\. Use",
    ),
    ({"identity": {**IDENTITY, "new": 1}}, "new was None, is 1"),
    ({"seed": 6}, "seed was 5, is 6"),
    ({"batch_size": 4}, "batch_size was 8, is 4"),
    ({"plan": {"optimizer": "sgd"}}, "plan.optimizer was 'adam', is 'sgd'"),
    ({"plan": {"ema": 0.9}}, r"averaging \(plan.ema\) was False, is True"),
    ({"plan": {"holdout": 0.1}}, "plan.holdout was 0.0, is 0.1"),
]


@pytest.mark.parametrize(("changes", "says"), CHANGED, ids=[says for _, says in CHANGED])
def test_another_run_is_refused_and_the_difference_named(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    begun(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    learner = Line()
    start = state(learner)
    with pytest.raises(SavedModelError, match=rf"holds another run, so it cannot be gone on with: {says}.*overwrite"):
        engine.run(job(learner, table(), folder=tmp_path, resume=True, **{"identity": IDENTITY, **changes}))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert same(state(learner), start)


def test_other_data_are_refused_by_their_number(tmp_path: Path) -> None:
    begun(tmp_path)
    with pytest.raises(SavedModelError, match="samples was 40, is 41"):
        engine.run(job(Line(), table(41), folder=tmp_path, resume=True, identity=IDENTITY))


def test_what_does_not_change_the_past_may_change(tmp_path: Path) -> None:
    begun(tmp_path)
    plan = {"schedule": "cosine", "clip": 1.0, "accumulate": 2, "precision": "bf16"}
    again = job(
        Line(), table(), epochs=2, learning_rate=0.001, folder=tmp_path, resume=True, identity=IDENTITY, plan=plan
    )
    assert len(engine.run(again).history) == 2


def test_other_settings_are_told_of_when_the_run_ends(tmp_path: Path) -> None:
    begun(tmp_path)
    same_settings = engine.run(job(Line(), table(), epochs=2, folder=tmp_path, resume=True, identity=IDENTITY))
    assert "changed" not in [verdict.name for verdict in same_settings.verdicts]
    for epochs, rate in ((3, 0.001), (4, 0.001)):  # and are still known at the next resumption
        again = job(Line(), table(), epochs=epochs, learning_rate=rate, folder=tmp_path, resume=True, identity=IDENTITY)
        verdict = engine.run(again).verdicts[-1]
        assert (verdict.level, verdict.name) == ("warning", "changed")
        assert verdict.text.endswith("learning_rate was 0.02, is 0.001.")


def test_fewer_epochs_than_there_were_are_refused(tmp_path: Path) -> None:
    begun(tmp_path)
    engine.run(job(Line(), table(), epochs=3, folder=tmp_path, resume=True, identity=IDENTITY))
    with pytest.raises(SavedModelError, match="has 3 epochs behind it, and epochs=2 would go back"):
        engine.run(job(Line(), table(), epochs=2, folder=tmp_path, resume=True, identity=IDENTITY))


def test_a_learner_of_another_shape_is_refused(tmp_path: Path) -> None:
    engine.run(job(Line(), table(), epochs=1, folder=tmp_path))

    class Longer(Line):
        def __init__(self) -> None:
            super().__init__()
            self.down = torch.nn.Linear(4, 3)
            self.extra = torch.nn.Linear(1, 1)

    with pytest.raises(
        SavedModelError, match=r"another shape.*down.bias was \(2,\), is \(3,\).*extra.bias was not there, is"
    ):
        engine.run(job(Longer(), table(), folder=tmp_path, resume=True))


def test_nothing_to_go_on_from_is_told(tmp_path: Path) -> None:
    with pytest.raises(SavedModelError, match=rf"there is no checkpoint in {tmp_path} to go on from"):
        engine.run(job(Line(), table(), folder=tmp_path, resume=True))
    with pytest.raises(SavedModelError, match="resume needs the folder of the run to go on with"):
        engine.run(job(Line(), table(), resume=True))


def test_when_all_are_damaged_each_is_named(tmp_path: Path) -> None:
    begun(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(b"damaged")
    with pytest.raises(
        SavedModelError, match=r"(?s)no checkpoint in .*step-0000000005.*damaged.*step-0000000004.*damaged"
    ):
        engine.run(job(Line(), table(), folder=tmp_path, resume=True, identity=IDENTITY))


def test_a_foreign_checkpoint_is_refused_in_words(tmp_path: Path) -> None:
    save(tmp_path, Checkpoint({"learner/down.weight": torch.zeros(2, 4)}, {"identity": "none"}), 1)
    with pytest.raises(SavedModelError, match="were not written by this engine"):
        engine.run(job(Line(), table(), folder=tmp_path, resume=True))


@pytest.mark.parametrize("damage", ["truncated", "bit flipped", "foreign"])
def test_a_damaged_newest_falls_back_to_the_older_and_ends_the_same(damage: str, tmp_path: Path) -> None:
    whole = make("gradient")
    expected = engine.run(job(whole, table(), epochs=3))
    begun(tmp_path)
    newest = tmp_path / "step-0000000005.safetensors"
    content = newest.read_bytes()
    if damage == "truncated":
        newest.write_bytes(content[: len(content) // 2])
    elif damage == "bit flipped":
        newest.write_bytes(content[:-10] + bytes([content[-10] ^ 16]) + content[-9:])
    else:
        safetensors.torch.save_file({"a": torch.zeros(1)}, newest)
    learner = Line()
    outcome = engine.run(job(learner, table(), epochs=3, folder=tmp_path, resume=True, identity=IDENTITY))
    assert [problem.where for problem in outcome.problems] == [str(newest)]
    assert "damaged" in outcome.problems[0].why
    assert same(state(learner), state(whole))
    assert untimed(outcome.history) == untimed(expected.history)
    whole_ones = ["step-0000000004.safetensors", "step-0000000015.safetensors"]  # two that can be gone on with, again
    assert sorted(path.name for path in tmp_path.glob("*.safetensors")) == whole_ones
    after = engine.run(job(Line(), table(), epochs=3, folder=tmp_path, resume=True, identity=IDENTITY))
    assert after.problems == []


def test_counts_gathered_by_half_an_epoch_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(Moments):
        def absorb(self, batch: Any, step: Any) -> Any:
            if step.number == 3:
                raise KeyError("on purpose")
            return super().absorb(batch, step)

    with pytest.raises(KeyError):
        engine.run(job(Failing(), table(), epochs=1, folder=tmp_path, plan={"checkpoint_seconds": 0.0}))
    whole, resumed = Moments(), Moments()
    expected = engine.run(job(whole, table(), epochs=1))
    outcome = engine.run(job(resumed, table(), epochs=1, folder=tmp_path, resume=True))
    assert same(state(resumed), state(whole))
    assert untimed(outcome.history) == untimed(expected.history)
