"""Many images at once: threads and processes agree, and nothing that goes wrong in one of them is lost."""

import resource
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from nolabel.data import decoding
from nolabel.data.decoding import cores, decode_all
from nolabel.data.encoded import EncodedImages
from nolabel.data.files import ImageFiles
from nolabel.data.pictures import Facts, Plan
from nolabel.errors import DataError

MakeFolder = Callable[..., Path]
PLAN = Plan(3, 8, 10, resize=False, convert=True)


@pytest.fixture(params=["threads", "processes"])
def workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of sharing the work, whatever the size of the set."""
    monkeypatch.setattr(decoding, "PROCESS_IMAGES", 1 if request.param == "processes" else 10**9)
    monkeypatch.setattr(decoding, "cores", lambda: 2)
    return str(request.param)


def images_in(folder: Path) -> ImageFiles:
    return ImageFiles(f"{folder}/", sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png")))


def pixels_in(file: Path, plan: Plan = PLAN) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return np.fromfile(file, np.uint8).reshape(-1, plan.channels, plan.height, plan.width)


def test_every_row_gets_its_own_pixels(workers: str, make_folder: MakeFolder, tmp_path: Path) -> None:
    images = images_in(make_folder(each=45))  # several chunks, the last not full
    done: list[tuple[int, int]] = []
    report = decode_all(images, PLAN, tmp_path / "pixels", lambda now, total: done.append((now, total)))
    assert (report.broken, report.misfit) == ([], None)
    want = [np.asarray(Image.open(images.prefix + name)).transpose(2, 0, 1) for name in images.names]
    assert np.array_equal(pixels_in(tmp_path / "pixels"), want)
    assert done[-1] == (90, 90)
    assert done == sorted(done)


def test_broken_rows_are_reported_and_the_others_are_there(
    workers: str, make_folder: MakeFolder, tmp_path: Path
) -> None:
    folder = make_folder(each=40)
    images = images_in(folder)
    for row in (3, 41):
        Path(images.prefix + images.names[row]).write_bytes(b"no image")
    report = decode_all(images, PLAN, tmp_path / "pixels")
    assert report.broken == [(row, "not an image in a known format") for row in (3, 41)]
    pixels = pixels_in(tmp_path / "pixels")
    assert (pixels[[3, 41]] == 0).all()
    last = np.asarray(Image.open(images.prefix + images.names[-1]))
    assert np.array_equal(pixels[-1], last.transpose(2, 0, 1))


def test_a_misfit_stops_the_work(workers: str, make_folder: MakeFolder, tmp_path: Path) -> None:
    folder = make_folder(each=40)
    Image.new("RGB", (4, 5)).save(folder / "dog" / "020.png")
    assert decode_all(images_in(folder), PLAN, tmp_path / "pixels").misfit == Facts(5, 4, True)


@dataclass(frozen=True)
class Unknown(EncodedImages):
    """Images of a class that no other process can import."""

    names: Sequence[str]
    workers: Literal["processes", "threads", "none"] = "processes"

    def read(self, row: int) -> bytes:
        return b""

    def part(self, start: int, stop: int) -> "Unknown":
        return self


def test_a_process_that_dies_is_an_error_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "PROCESS_IMAGES", 1)
    monkeypatch.setattr(decoding, "cores", lambda: 2)
    monkeypatch.setattr(Unknown, "__module__", "nowhere")
    monkeypatch.setitem(sys.modules, "nowhere", sys.modules[__name__])
    with pytest.raises(DataError, match=r"ended with code 1 between 'a' and 'b': ModuleNotFoundError"):
        decode_all(Unknown(["a", "b"]), PLAN, tmp_path / "pixels")


def test_a_script_without_a_guard_may_use_processes(make_folder: MakeFolder, tmp_path: Path) -> None:
    script = tmp_path / "plain script.py"
    script.write_text(
        textwrap.dedent(f"""
        from pathlib import Path
        from nolabel.data import decoded, decoding, files
        decoding.PROCESS_IMAGES, decoding.cores = 1, lambda: 2
        raw = files.open_folder(Path({str(make_folder())!r}))
        print("run", decoded.pixels(raw, decoded.Wanted(), None).pixels.shape)
        """)
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("run (6, 3, 8, 10)\n", "")


def test_a_full_disk_in_a_process_reaches_the_caller(workers: str, make_folder: MakeFolder, tmp_path: Path) -> None:
    images = images_in(make_folder(each=40))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))  # as much as fits on this disk
    try:
        with pytest.raises(OSError, match="File too large"):
            decode_all(images, PLAN, tmp_path / "pixels")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_frozen_application_does_not_start_itself(
    make_folder: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "PROCESS_IMAGES", 1)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(subprocess, "Popen", lambda *_: pytest.fail("started"))
    assert decode_all(images_in(make_folder()), PLAN, tmp_path / "pixels").broken == []


def test_at_least_one_core() -> None:
    assert cores() >= 1
