import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from nolabel.errors import OutputError
from nolabel.report import Content, write_report


def test_the_page_is_one_readable_file(images: Content, tmp_path: Path) -> None:
    path = write_report(images, tmp_path / "report.html")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_an_older_page_is_replaced(images: Content, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    write_report(images, str(target))
    assert target.read_text(encoding="utf-8") != "old"


def test_a_missing_folder_is_named(images: Content, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"the folder .*nowhere does not exist"):
        write_report(images, tmp_path / "nowhere" / "report.html")


def test_a_folder_is_no_file(images: Content, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"it is a folder; name a file"):
        write_report(images, tmp_path)


@pytest.fixture
def little_room() -> Iterator[None]:
    """No file of this process may grow beyond 1,000 bytes: the system itself refuses to write more."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_without_room_the_older_page_stays_and_nothing_is_left_over(
    images: Content, tmp_path: Path, little_room: None
) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    with pytest.raises(OutputError, match=r"no room for its \d+\.\d MB"):
        write_report(images, target)
    assert target.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_closed_folder_is_said_to_be_closed(images: Content, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="not allowed"):
        write_report(images, tmp_path / "report.html")


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a file system that is read-only for everyone")
def test_a_file_system_that_refuses_is_reported_in_words(images: Content) -> None:
    with pytest.raises(OutputError, match=r"cannot write the report to /sys/kernel/report\.html: "):
        write_report(images, "/sys/kernel/report.html")
