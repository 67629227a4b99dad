"""Checkpoint files: whole or not at all, checked when read, and never run."""

import json
import os
import pickle
import resource
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from safetensors import safe_open

from nolabel.errors import OutputError, SavedModelError
from nolabel.training import checkpoint
from nolabel.training.checkpoint import FORMAT, Checkpoint, load_newest, read, save, set_aside, write_whole


def some(number: int = 0) -> Checkpoint:
    tensors = {
        "weights": torch.arange(6.0).view(2, 3) + number,
        "half": torch.ones(3, dtype=torch.bfloat16),
        "flag": torch.tensor(True),
        "count": torch.tensor(7),
        "nothing": torch.empty(0, 4),
        "strided": torch.arange(12.0).view(3, 4).t(),
    }
    return Checkpoint(tensors, {"number": number, "words": "Zoë", "list": [1.5, None]})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    path = save(tmp_path / "new folder", some(), 12)
    assert path.name == "step-0000000012.safetensors"
    found = read(path)
    assert found.facts == some().facts
    assert found.tensors.keys() == some().tensors.keys()
    for name, value in some().tensors.items():
        assert found.tensors[name].dtype == value.dtype
        assert torch.equal(found.tensors[name], value)


def test_the_newest_two_are_kept(tmp_path: Path) -> None:
    for step in (1, 5, 9, 10, 100):
        save(tmp_path, some(step), step)
    assert names(tmp_path) == ["step-0000000010.safetensors", "step-0000000100.safetensors"]
    newest, problems = load_newest(tmp_path)
    assert newest is not None
    assert newest.facts["number"] == 100
    assert problems == []


def test_saving_the_same_step_again_replaces_it(tmp_path: Path) -> None:
    save(tmp_path, some(1), 1)
    save(tmp_path, some(2), 2)
    save(tmp_path, some(3), 2)
    assert len(names(tmp_path)) == 2
    newest, _ = load_newest(tmp_path)
    assert newest is not None
    assert newest.facts["number"] == 3


def test_no_folder_and_an_empty_one_hold_nothing(tmp_path: Path) -> None:
    assert load_newest(tmp_path / "none") == (None, [])
    assert load_newest(tmp_path) == (None, [])


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_a_bit_of_a_weight(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def flip_a_bit_of_the_facts(path: Path) -> None:
    content = bytearray(path.read_bytes())
    at = content.index(b'\\"number\\": ') + len(b'\\"number\\": ')
    content[at] ^= 1  # "2" becomes "3": still good JSON
    path.write_bytes(content)


def write_zeros(path: Path) -> None:
    path.write_bytes(bytes(len(path.read_bytes())))


def claim_a_huge_header(path: Path) -> None:
    path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])


def put_in_a_foreign_file(path: Path) -> None:
    safetensors.torch.save_file({"weights": torch.zeros(3)}, path)


def put_in_a_file_without_digest(path: Path) -> None:
    safetensors.torch.save_file({"weights": torch.zeros(3)}, path, {"format": "1", "facts": "{}"})


def put_in_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE = [
    truncate,
    empty,
    flip_a_bit_of_a_weight,
    flip_a_bit_of_the_facts,
    write_zeros,
    claim_a_huge_header,
    put_in_a_foreign_file,
    put_in_a_file_without_digest,
    put_in_a_folder,
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_newest_is_passed_over_and_told_of(damage: Any, tmp_path: Path) -> None:
    save(tmp_path, some(1), 1)
    newest = save(tmp_path, some(2), 2)
    damage(newest)
    with pytest.raises(SavedModelError, match=r"step-0000000002.safetensors is damaged or no checkpoint of nolabel: "):
        read(newest)
    found, problems = load_newest(tmp_path)
    assert found is not None
    assert found.facts["number"] == 1
    assert [problem.where for problem in problems] == [str(newest)]
    assert "is damaged" in problems[0].why


def test_all_damaged_is_nothing(tmp_path: Path) -> None:
    for step in (1, 2):
        truncate(save(tmp_path, some(step), step))
    found, problems = load_newest(tmp_path)
    assert found is None
    assert len(problems) == 2


def test_what_is_set_aside_is_not_met_again_and_not_lost(tmp_path: Path) -> None:
    save(tmp_path, some(1), 10)
    truncate(save(tmp_path, some(2), 20))
    cut_short = (tmp_path / "step-0000000020.safetensors").read_bytes()
    set_aside(load_newest(tmp_path)[1])
    save(tmp_path, some(3), 15)  # a run that went on from step 10
    assert names(tmp_path) == [
        "step-0000000010.safetensors",
        "step-0000000015.safetensors",
        "step-0000000020.safetensors.damaged",
    ]
    assert (tmp_path / "step-0000000020.safetensors.damaged").read_bytes() == cut_short
    newest, problems = load_newest(tmp_path)
    assert newest is not None
    assert newest.facts["number"] == 3
    assert problems == []


def test_a_newer_format_is_not_passed_over(tmp_path: Path) -> None:
    save(tmp_path, some(1), 1)
    tensors = {"weights": torch.zeros(3)}
    newer = tmp_path / "step-0000000002.safetensors"
    safetensors.torch.save_file(tensors, newer, {"format": str(FORMAT + 1), "facts": "{}", "sha256": "whatever"})
    with pytest.raises(
        SavedModelError,
        match=rf"step-0000000002.safetensors has format {FORMAT + 1}; this nolabel reads up to {FORMAT}",
    ):
        load_newest(tmp_path)


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "it went off"),)

    path = save(tmp_path, some(), 1)
    path.write_bytes(pickle.dumps(Bomb()))
    pickle.loads(path.read_bytes())  # the bomb is a good one
    (tmp_path / "it went off").rmdir()
    torch.save({"weights": Bomb()}, tmp_path / "step-0000000002.safetensors")
    found, problems = load_newest(tmp_path)
    assert found is None
    assert len(problems) == 2
    assert not (tmp_path / "it went off").exists()


def test_tensors_that_share_memory_are_written_apart(tmp_path: Path) -> None:
    weight = torch.arange(6.0)
    path = save(tmp_path, Checkpoint({"a": weight, "b": weight, "c": weight[2:]}, {}), 1)
    found = read(path).tensors
    assert torch.equal(found["b"], weight)
    assert torch.equal(found["c"], weight[2:])


def test_leftovers_of_a_kill_are_ignored_and_removed_by_the_next_save(tmp_path: Path) -> None:
    save(tmp_path, some(1), 1)
    leftover = tmp_path / ".step-0000000002.safetensors.999.part"
    leftover.write_bytes(b"half of it")
    found, problems = load_newest(tmp_path)
    assert found is not None
    assert problems == []
    assert leftover.exists()
    save(tmp_path, some(3), 3)
    assert not leftover.exists()


def test_others_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "step-by-step").write_text("mine too")
    for step in (1, 2, 3):
        save(tmp_path, some(step), step)
    assert {"notes.txt", "step-by-step"} <= set(names(tmp_path))


def test_a_checkpoint_is_a_plain_safetensors_file(tmp_path: Path) -> None:
    path = save(tmp_path, some(), 1)
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["facts"]) == some().facts
        assert file.metadata()["format"] == str(FORMAT)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_whole(path, b"first")
    for broken in ("fsync", "replace"):
        with monkeypatch.context() as patch:

            def fail(*_: Any) -> None:
                raise OSError(5, "Input/output error")

            if broken == "fsync":
                patch.setattr(os, "fsync", fail)
            else:
                patch.setattr(Path, "replace", fail)
            with pytest.raises(OutputError, match=f"cannot write {path}: Input/output error"):
                write_whole(path, b"second")
        assert path.read_bytes() == b"first"
        assert names(tmp_path) == ["file"]
    write_whole(path, b"third")
    assert path.read_bytes() == b"third"


def test_content_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda number: events.append("flush") or fsync(number))
    monkeypatch.setattr(Path, "replace", lambda self, target: events.append("rename") or replace(self, target))
    write_whole(tmp_path / "file", b"content")
    assert events == ["flush", "rename", "flush"]  # the file, its name, and the folder that holds the name


def test_a_place_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*file/deeper/new: "):
        write_whole(tmp_path / "file" / "deeper" / "new", b"content")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*folder: "):
        write_whole(tmp_path / "folder", b"content")
    assert names(tmp_path) == ["file", "folder"]


def test_another_runs_folder_is_refused(tmp_path: Path) -> None:
    checkpoint.refuse_another(tmp_path)
    checkpoint.refuse_another(tmp_path / "not there")
    save(tmp_path, some(), 1)
    with pytest.raises(OutputError, match="holds checkpoints of another run"):
        checkpoint.refuse_another(tmp_path)


def test_a_disk_that_is_full_before_the_first_checkpoint_leaves_nothing_to_go_on_from(tmp_path: Path) -> None:
    room = resource.getrlimit(resource.RLIMIT_FSIZE)
    large = Checkpoint({"weights": torch.zeros(50_000)}, {})
    for advice in ("start again with overwrite: there was no checkpoint yet", "go on with resume"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, room[1]))
        try:
            with pytest.raises(OutputError, match=f"the disk is full.*free some space and {advice}$"):
                save(tmp_path, large, 2)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, room)
        assert not list(tmp_path.glob(".*"))
        save(tmp_path, Checkpoint({"weights": torch.zeros(5)}, {}), 1)
