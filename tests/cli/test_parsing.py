"""Words to values, and errors that name the thing and the nearest choice."""

import pytest

from nolabel.cli.flags import Flag, number, several, whole
from nolabel.cli.parsing import Grammar
from nolabel.errors import ArgumentError

GRAMMAR = Grammar(
    "paint",
    "Paint it.",
    {"WALL": "which", "COLOUR": "what"},
    {
        "how": [
            Flag("out", str, "where to", "FILE", short="-o"),
            Flag("coats", whole, "how many, up to 100 %", "N"),
            Flag("batch_size", whole, "how many at once", "N"),
            Flag("hidden", several(whole), "widths", "N,N,...", many=True),
            Flag("costs", several(number), "weights", "X,X,...", many=True),
            Flag("tied", None, "whether", negatable=True),
            Flag("fast", None, "whether"),
        ]
    },
    required={"out": "--out wall.png"},
    notes="example:\n  nolabel paint north red",
)
PLACES = {"WALL": "north", "COLOUR": "red", "out": "x"}


@pytest.mark.parametrize(
    ("words", "more"),
    [
        ("north red --out x", {}),
        ("-o x north red", {}),
        ("north -o x red", {}),
        ("--out=x north --fast red", {"fast": True}),
        ("north red -o x --coats -3", {"coats": -3}),
        ("north red -o x --tied", {"tied": True}),
        ("north red -o x --no-tied", {"tied": False}),
        ("north red -o x --hidden 128,64", {"hidden": (128, 64)}),
        ("north red -o x --hidden 128 64", {"hidden": (128, 64)}),
        ("-o x --hidden 128 64 north red", {"hidden": (128, 64)}),
        ("-o x --hidden 128, 64 north red", {"hidden": (128, 64)}),
        ("-o x --costs 1e3 .5 -1 north red", {"costs": (1000.0, 0.5, -1.0)}),
        ("-o x --hidden=8 north red", {"hidden": (8,)}),
        ("north red -o x --batch_size 4", {"batch_size": 4}),
        ("north red -o x --batch-size=4", {"batch_size": 4}),
    ],
)
def test_words_become_values(words: str, more: dict[str, object]) -> None:
    assert GRAMMAR.parse(words.split()) == PLACES | more


def test_flags_not_given_are_not_there() -> None:
    assert set(GRAMMAR.parse(["north", "red", "-o", "x"])) == {"WALL", "COLOUR", "out"}


def test_after_two_dashes_nothing_is_a_flag() -> None:
    assert GRAMMAR.parse(["-o", "x", "--", "-north", "--r_d"]) == {"WALL": "-north", "COLOUR": "--r_d", "out": "x"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "north red -o x --coat 2",
            "nolabel paint has no flag --coat; did you mean '--coats'? See nolabel paint --help",
        ),
        ("north red -o x --qqqq", "nolabel paint has no flag --qqqq. See nolabel paint --help"),
        ("north red -o x -z", "nolabel paint has no flag -z"),
        ("north red -o x --no-tide", "did you mean '--no-tied'?"),
        ("north red -o x --coats two", "--coats must be a whole number; got 'two'"),
        ("north red -o x --coats", "--coats needs a value after it"),
        ("north red -o x --hidden red", "--hidden must be whole numbers separated by commas"),
        ("north red", "nolabel paint needs --out, as in --out wall.png"),
        ("north -o x", "nolabel paint needs COLOUR: nolabel paint WALL COLOUR --out ... [flags]"),
        ("-o x", "nolabel paint needs WALL and COLOUR"),
        ("north red blue -o x", "nolabel paint does not know what to do with 'blue'"),
        ("north red -o x --fast=yes", "--fast"),
    ],
)
def test_errors_name_the_word_and_the_fix(words: str, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        GRAMMAR.parse(words.split())
    assert message in str(caught.value)


def test_a_misspelt_flag_is_told_before_what_it_makes_missing() -> None:
    with pytest.raises(ArgumentError, match="no flag --outt; did you mean '--out'"):
        GRAMMAR.parse(["north", "red", "--outt", "x"])


def test_flags_are_not_abbreviated() -> None:
    with pytest.raises(ArgumentError, match="no flag --coa"):
        GRAMMAR.parse(["north", "red", "-o", "x", "--coa", "2"])


def test_help_shows_everything(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        GRAMMAR.parse(["--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    for word in (
        "Paint it.",
        "WALL",
        "-o FILE, --out FILE",
        "up to 100 %",
        "--tied, --no-tied",
        "nolabel paint north red",
    ):
        assert word in out
