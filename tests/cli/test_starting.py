"""How the command line starts and whom it imports, in processes of its own where that matters."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

import nolabel
from nolabel.cli import main
from nolabel.cli.commands import COMMANDS

HEAVY = ("torch", "sklearn", "pandas", "rich")


@pytest.mark.parametrize(
    "words",
    [[], ["--help"], ["methods"], ["fitt"], ["fit", "no-such-method"], *([name, "--help"] for name in COMMANDS)],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(words: list[str]) -> None:
    what = f"from nolabel.cli import main; main({words!r})" if words else "import nolabel"
    code = f"import sys\n{what}\nprint('imported', *(name for name in {HEAVY!r} if name in sys.modules))"
    home = str(Path(nolabel.__file__).parents[1])
    found = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": home}, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines()[-1] == "imported"


def test_help_says_what_there_is(call) -> None:
    for words in ([], ["--help"], ["-h"], ["help"]):
        said = call(*words)
        assert said.code == 0
        assert all(f"\n  {name} " in said.out for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_of_itself(call, command: str) -> None:
    said = call(command, "--help")
    assert said.code == 0
    assert f"nolabel {command}" in said.out


def test_version(call) -> None:
    assert call("--version").out == f"nolabel {nolabel.__version__}\n"


def test_python_dash_m(launch, outcome, tmp_path: Path) -> None:
    said = outcome(launch("methods", cwd=tmp_path))
    assert said.code == 0
    assert "denoising-autoencoder" in said.out
    assert said.err == ""


@pytest.mark.parametrize("words", [["--help"], ["embed", "--help"], ["methods"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_error(launch, tmp_path: Path, words: list[str]) -> None:
    process = launch(*words, cwd=tmp_path, PYTHONUNBUFFERED="")
    with process.stderr as stderr:
        process.stdout.close()
        assert (process.wait(60), stderr.read()) == (141, "")


def test_a_console_that_knows_little(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    console = io.TextIOWrapper(written, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", console)
    assert main(["fit", "autoencoder", "--help"]) == 0
    assert b"?, weight of the reconstruction of each hidden layer" in b" ".join(written.getvalue().split())
