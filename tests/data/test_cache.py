"""The cache on disk: whole entries and nothing else, whatever happens while one is written."""

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nolabel.data import cache
from nolabel.data.source import open as open_source
from nolabel.errors import OutputError

MakeFolder = Callable[..., Path]


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def run(folder: Path, *, before: str = "", cached: bool = True, progress: str = "None") -> "subprocess.Popen[str]":
    """Decodes a folder of images in a process of its own, which need not wait for torch."""
    code = textwrap.dedent(f"""
        import os, resource, signal, sys, time
        from pathlib import Path
        from nolabel.data import cache, decoded, files
        {before}
        raw = files.open_folder(Path({str(folder)!r}))
        try:
            entry = decoded.pixels(raw, decoded.Wanted(), cache.root({cached}), {progress})
            print(len(entry.pixels), int(entry.pixels.sum()))
        except OSError as error:
            print(type(error).__name__, error)
        """)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", code], text=True, **pipes)


def test_a_second_start_decodes_nothing(
    make_folder: MakeFolder, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder()
    first = open_source(folder)
    assert len(entries(own_cache)) == 1
    monkeypatch.setattr("nolabel.data.decoded.decode_all", lambda *_: pytest.fail("decoded again"))
    second = open_source(folder)
    assert torch.equal(first.store, second.store)
    assert (list(first.ids), first.spec, first.classes) == (list(second.ids), second.spec, second.classes)
    assert np.array_equal(first.labels, second.labels)


def test_a_changed_file_a_new_file_and_another_wish_are_decoded_anew(make_folder: MakeFolder) -> None:
    folder = make_folder()
    first = open_source(folder)
    changed = Image.new("RGB", (10, 8), "red")
    changed.save(folder / "cat" / "000.png")
    assert open_source(folder).store[0, :, 0, 0].tolist() == [255, 0, 0]
    changed.save(folder / "cat" / "999.png")
    assert len(open_source(folder)) == len(first) + 1
    assert open_source(folder, size=4).spec.shape == (3, 4, 4)
    assert open_source(folder, channels=1).spec.shape == (1, 8, 10)


def test_the_same_names_and_times_in_another_folder_are_another_set(tmp_path: Path) -> None:
    for name, colour in (("one", "red"), ("two", "lime")):
        (tmp_path / name).mkdir()
        Image.new("RGB", (4, 4), colour).save(tmp_path / name / "a.bmp")
        os.utime(tmp_path / name / "a.bmp", ns=(0, 0))
    assert open_source(tmp_path / "one").store[0, :, 0, 0].tolist() == [255, 0, 0]
    assert open_source(tmp_path / "two").store[0, :, 0, 0].tolist() == [0, 255, 0]


def test_without_a_cache_nothing_is_left(
    make_folder: MakeFolder, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    folder = make_folder()
    data = open_source(folder, cache=False, in_memory=False)
    assert isinstance(data.store, np.memmap)
    assert torch.equal(torch.from_numpy(np.array(data.store)), open_source(folder).store)
    assert entries(tmp_path / "temporary") == []


def test_a_folder_of_the_users_choice(make_folder: MakeFolder, own_cache: Path, tmp_path: Path) -> None:
    open_source(make_folder(), cache=tmp_path / "mine")
    assert len(entries(tmp_path / "mine")) == 1
    assert entries(own_cache) == []


def test_killed_while_writing_leaves_no_half_entry(make_folder: MakeFolder, own_cache: Path) -> None:
    folder = make_folder(each=40)
    killed = run(folder, progress="lambda done, total: os.kill(os.getpid(), signal.SIGKILL)")
    killed.communicate()
    assert killed.returncode == -9
    left = entries(own_cache)
    assert len(left) == 1
    assert ".partial-" in left[0].name  # it died in the middle
    data = open_source(folder)
    assert len(data) == 80
    assert [".partial-" in place.name for place in entries(own_cache)] == [False]


@pytest.mark.parametrize("processes", [True, False])
def test_ctrl_c_leaves_nothing(make_folder: MakeFolder, own_cache: Path, processes: bool) -> None:
    before = "from nolabel.data import decoding; decoding.cores = lambda: 2; "
    before += f"decoding.PROCESS_IMAGES = {1 if processes else 10**9}"
    press = "lambda done, total: os.kill(os.getpid(), signal.SIGINT)"
    stopped = run(make_folder(each=200), before=before, progress=press)
    said, errors = stopped.communicate(timeout=60)
    assert said == ""
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert entries(own_cache) == []


def test_two_processes_may_open_at_once(make_folder: MakeFolder, own_cache: Path, tmp_path: Path) -> None:
    folder, gate = make_folder(each=60), tmp_path / "gate"
    wait = f"while not os.path.exists({str(gate)!r}): time.sleep(0.001)"
    slow = "lambda done, total: time.sleep(0.02)"  # so that each is still at it when the other begins
    both = [run(folder, before=wait, progress=slow) for _ in range(2)]
    time.sleep(0.5)
    gate.touch()
    said = [process.communicate() for process in both]
    whole = open_source(folder)
    assert [out.split() for out, _ in said] == [["120", str(int(whole.store.sum()))]] * 2
    assert [err for _, err in said] == ["", ""]
    assert len(entries(own_cache)) == 1


@pytest.mark.parametrize("cached", [True, False])
def test_a_full_disk_is_an_error_in_words(make_folder: MakeFolder, own_cache: Path, cached: bool) -> None:
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))"  # as much as fits on this disk
    said, errors = run(make_folder(each=40), before=limit, cached=cached).communicate()
    assert said.startswith("OutputError cannot"), errors
    assert "File too large" in said
    assert "Make room there" in said
    assert entries(own_cache) == []


def test_a_cache_that_cannot_be_written_is_an_error_in_words(make_folder: MakeFolder, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(OutputError, match=r"cannot keep decoded images in '.*a file'.*NOLABEL_CACHE.*cache=False"):
        open_source(make_folder(), cache=tmp_path / "a file")


@pytest.mark.parametrize("damage", ["short pixels", "no about", "bad about", "newer layout"])
def test_a_damaged_entry_is_made_again(make_folder: MakeFolder, own_cache: Path, damage: str) -> None:
    folder = make_folder()
    whole = open_source(folder).store
    (entry,) = entries(own_cache)
    about = entry / "about.json"
    if damage == "short pixels":
        os.truncate(entry / "pixels", 10)
    elif damage == "no about":
        about.unlink()
    elif damage == "bad about":
        about.write_text("{")
    else:
        about.write_text(json.dumps(json.loads(about.read_text()) | {"layout": 99}))
    assert torch.equal(open_source(folder).store, whole)
    assert cache.load(entry).about.shape == (6, 3, 8, 10)


def test_what_nobody_uses_is_removed_and_what_is_used_stays(make_folder: MakeFolder, own_cache: Path) -> None:
    old, used = make_folder("old"), make_folder("used")
    open_source(old)
    (forgotten,) = entries(own_cache)
    open_source(used)
    long_ago = time.time() - (cache.KEEP_DAYS + 1) * 86_400
    for entry in entries(own_cache):
        os.utime(entry / "about.json", (long_ago, long_ago))
    open_source(used)  # counts as use
    open_source(make_folder("new"))
    assert forgotten not in entries(own_cache)
    assert len(entries(own_cache)) == 2


def test_the_partial_entry_of_a_running_process_is_left_alone(make_folder: MakeFolder, own_cache: Path) -> None:
    with cache.building(own_cache, "key") as mine:
        (mine / "pixels").write_bytes(b"12")
        open_source(make_folder())
        assert mine.is_dir()
        cache.write_about(mine, cache.About((1, 1, 1, 2), ["a"]))
    found = cache.find(own_cache, "key")
    assert found is not None
    assert found.pixels.tobytes() == b"12"


def test_an_error_inside_leaves_nothing(own_cache: Path) -> None:
    with pytest.raises(RuntimeError), cache.building(own_cache, "key"):
        raise RuntimeError
    assert entries(own_cache) == []
    assert cache.find(own_cache, "key") is None
