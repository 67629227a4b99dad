"""Plain in a pipe, drawn on a terminal, silent in all processes but the first."""

import io
import re
import sys
from collections.abc import Callable

import pytest

from nolabel.cli import speech

ROWS = [("digits", "1,797", "a long story " * 20), ("mnist", "60,000", "")]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Terminal]:
    """Puts a terminal in the place of stdout; called by the test, for pytest sets stdout anew before it."""

    def put() -> Terminal:
        screen = Terminal()
        monkeypatch.setattr(sys, "stdout", screen)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", "60")
        monkeypatch.delenv("NO_COLOR", raising=False)
        return screen

    return put


def test_a_table_in_a_pipe_is_plain_aligned_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    speech.table(("name", "samples", "story"), ROWS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "name    samples  story"
    assert lines[1] == "digits  1,797    " + ROWS[0][2].rstrip()
    assert lines[2] == "mnist   60,000"
    assert "\n".join(lines).isascii()


def test_a_table_on_a_terminal_is_drawn_and_wrapped(terminal: Callable[[], Terminal]) -> None:
    screen = terminal()
    speech.table(("name", "samples", "story"), ROWS)
    text = screen.getvalue()
    assert "\x1b[1m" in text
    assert text.count("story") == 21
    assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines())) <= 60


def test_a_table_has_no_place_on_a_narrow_terminal(terminal: Callable[[], Terminal], monkeypatch) -> None:
    screen = terminal()
    monkeypatch.setenv("COLUMNS", "30")
    speech.table(("name", "samples", "story"), ROWS)
    lines = screen.getvalue().splitlines()
    assert lines[:3] == ["name: digits", "samples: 1,797", "story: a long story a long "]
    assert lines[-3:] == ["name: mnist", "samples: 60,000", ""]
    assert max(map(len, lines)) <= 30


def test_styles_are_for_terminals(capsys: pytest.CaptureFixture[str]) -> None:
    speech.say("all is well", "green")
    speech.complain("not so")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("all is well\n", "error: not so\n")


def test_styles_on_a_terminal_and_without_colour(
    terminal: Callable[[], Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = terminal()
    speech.say("all is well", "green")
    assert screen.getvalue() == "\x1b[32mall is well\x1b[0m\n"
    screen = terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    speech.say("all is well [bold]always[/bold]", "green")
    assert screen.getvalue() == "all is well [bold]always[/bold]\n"


def test_long_lines_are_not_wrapped(terminal: Callable[[], Terminal]) -> None:
    screen = terminal()
    path = "/a/long/path" * 20
    speech.say(path, "green")
    assert path in screen.getvalue()


def test_only_the_first_process_speaks(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    speech.say("x")
    speech.remark("x")
    speech.table(("a",), [("b",)])
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")
    assert not speech.watched()


def test_counting_is_for_those_who_look_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with speech.counting("reading") as count:
        assert count is None
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    with speech.counting("reading"):
        pass
    assert "reading" not in screen.getvalue()
    with speech.counting("reading") as count:
        assert count is not None
        count(3, 10)
    assert "reading" in screen.getvalue()
    assert "3/10" in screen.getvalue()
