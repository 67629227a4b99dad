"""Who is told: lines on disk, a bar, TensorBoard."""

import errno
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from nolabel.errors import ArgumentError, OutputError
from nolabel.training import engine
from nolabel.training.progress import Bar, JsonLines, Lines, TensorBoard, watched
from training.toys import Line, job, table


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_metrics_are_one_json_object_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SPOKEN_SECONDS", 0.0)
    path = tmp_path / "metrics.jsonl"
    outcome = engine.run(job(Line(), table(), epochs=2, listeners=[JsonLines(path)]))
    found = lines(path)
    assert [line["kind"] for line in found] == ["run", *(["step"] * 4 + ["epoch"]) * 2, "end"]
    assert all(isinstance(line["time"], float) for line in found)
    epochs = [{k: v for k, v in line.items() if k not in ("kind", "time")} for line in found if line["kind"] == "epoch"]
    assert epochs == outcome.history


def test_a_second_run_appends_and_a_line_that_a_kill_has_cut_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    engine.run(job(Line(), table(), epochs=1, listeners=[JsonLines(path)]))
    whole = path.read_text()
    path.write_text(whole[:-20])
    engine.run(job(Line(), table(), epochs=1, listeners=[JsonLines(path)]))
    text = path.read_text().splitlines()
    assert len(text) == 6
    assert [json.loads(line)["kind"] for line in text[:2] + text[3:]] == ["run", "epoch", "run", "epoch", "end"]
    assert "" not in text


def test_lines_that_cannot_be_written_are_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.mkdir()
    with pytest.raises(OutputError, match=f"cannot write {path}: Is a directory"):
        JsonLines(path).epoch({"loss": 1.0})
    with pytest.raises(OutputError, match=f"cannot write {tmp_path}/none/metrics.jsonl: No such file"):
        engine.run(job(Line(), table(), listeners=[JsonLines(tmp_path / "none" / "metrics.jsonl")]))
    if Path("/dev/full").exists():
        with pytest.raises(OutputError, match="cannot write /dev/full: No space left on device"):
            JsonLines(Path("/dev/full")).epoch({"loss": 1.0})


def test_a_full_disk_at_the_end_does_not_hide_why_the_run_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(Line):
        def loss(self, *_: Any) -> Any:
            def full(*_: Any, **__: Any) -> None:
                raise OSError(errno.ENOSPC, "No space left on device")

            monkeypatch.setattr(Path, "open", full)
            raise KeyError("on purpose")

    with pytest.raises(KeyError, match="on purpose"):
        engine.run(job(Failing(), table(), listeners=[JsonLines(tmp_path / "metrics.jsonl")]))


def test_the_bar_shows_rate_losses_time_left_and_waiting(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal
    monkeypatch.setattr(engine, "SPOKEN_SECONDS", 0.0)
    engine.run(job(Line(), table(), epochs=2, listeners=[Bar()]))
    out, err = capfd.readouterr()
    assert out == ""
    for word in ("epoch 2/2", "error", "size", "samples/s", "waiting", "left"):
        assert word in err


def test_the_bar_is_taken_away_when_a_run_fails(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(Line):
        def loss(self, *_: Any) -> Any:
            raise KeyError("on purpose")

    bar = Bar()
    with pytest.raises(KeyError):
        engine.run(job(Failing(), table(), listeners=[bar]))
    assert not bar._progress.live.is_started
    capfd.readouterr()


def test_tensorboard_is_an_extra_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ArgumentError, match=r"TensorBoard is not installed: pip install 'nolabel\[tensorboard\]'"):
        TensorBoard(tmp_path)


def test_tensorboard_gets_every_number_of_every_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its writer is stood in for, so that the test needs no extra."""
    written: list[Any] = []

    class SummaryWriter:
        def __init__(self, folder: str) -> None:
            written.append(folder)

        def add_scalar(self, name: str, value: float, epoch: int) -> None:
            written.append((name, value, epoch))

        def close(self) -> None:
            written.append("closed")

    import types

    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    outcome = engine.run(job(Line(), table(), epochs=2, listeners=[TensorBoard(tmp_path)]))
    expected = [
        (name, value, record["epoch"])
        for record in outcome.history
        for name, value in record.items()
        if name != "epoch"
    ]
    assert written == [str(tmp_path), *expected, "closed"]


def test_where_nobody_watches_there_is_a_line_now_and_then_and_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"now": 0.0}
    monkeypatch.setattr("nolabel.training.progress.time.monotonic", lambda: clock["now"])
    talker = Lines()
    talker.start({"epochs": 9, "steps_per_epoch": 1, "samples": 1, "done": 0})
    for epoch in range(1, 10):
        clock["now"] += 4.0
        talker.epoch({"epoch": epoch, "loss": 0.5, "seconds": 4.0, "samples_per_second": 1234.5, "waiting": 0.1})
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in said] == ["3/9", "6/9", "9/9"]
    assert said[0] == "epoch 3/9  loss 0.5  1,234 samples/s"


def test_a_run_that_is_soon_over_says_nothing_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    assert not watched()
    engine.run(job(Line(), table(), epochs=2, listeners=[Lines()]))
    assert capsys.readouterr().err == ""
