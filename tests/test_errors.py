"""The exception tree: what it says at the top of its file is what it is, and messages offer the nearest choice."""

import inspect
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nolabel import errors
from nolabel.errors import (
    BrokenFilesError,
    DivergedError,
    NolabelError,
    Problem,
    TrainingInterrupted,
    nearest,
    not_a_choice,
)

TREE = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, Exception | KeyboardInterrupt)
}


def test_every_error_is_ours_and_says_when_it_is_raised() -> None:
    for error in TREE.values():
        assert issubclass(error, NolabelError)
        assert error.__doc__


def test_the_tree_is_as_it_is_drawn() -> None:
    drawn = re.findall(r"[├└]── (\w+)(?:\((\w+)\))?", errors.__doc__ or "")
    assert {name for name, _ in drawn} == set(TREE) - {"NolabelError"}
    for name, builtin in drawn:
        if builtin:
            bases = {base.__name__ for base in TREE[name].__mro__}
            assert builtin in bases


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (errors.DataError, ValueError),
        (errors.ArgumentError, ValueError),
        (errors.OutputError, OSError),
        (errors.TrainingError, RuntimeError),
        (errors.TrainingInterrupted, KeyboardInterrupt),
        (errors.ModalityError, errors.DataError),
        (errors.BrokenFilesError, errors.DataError),
        (errors.DivergedError, errors.TrainingError),
        (errors.HealthWarning, UserWarning),
    ],
)
def test_ours_are_caught_where_theirs_are_expected(ours: type, theirs: type) -> None:
    assert issubclass(ours, theirs)


def test_errors_carry_what_they_are_about() -> None:
    problems = [Problem("a.png", "cut short"), Problem("b.png", "empty")]
    assert BrokenFilesError("two files", problems).problems == tuple(problems)
    assert DivergedError("at step 7", 7).step == 7
    assert TrainingInterrupted("by SIGTERM", 15).signum == 15
    for error in (
        BrokenFilesError("two files", problems),
        DivergedError("at step 7", 7),
        TrainingInterrupted("stop", 15),
    ):
        assert str(error) in ("two files", "at step 7", "stop")


def test_errors_survive_the_way_between_processes() -> None:
    for error in (
        DivergedError("at step 7", 7),
        TrainingInterrupted("stop", 15),
        BrokenFilesError("two", [Problem("a", "b")]),
    ):
        back = pickle.loads(pickle.dumps(error))
        assert type(back) is type(error)
        assert str(back) == str(error)
        assert vars(back) == vars(error)


@pytest.mark.parametrize(
    ("word", "offered"),
    [
        ("autoencodder", "autoencoder"),
        ("AutoEncoder", "autoencoder"),
        ("ladder", "ladder-network"),
        ("vea", "vae"),
        ("zzzz", None),
        ("", None),
    ],
)
def test_the_nearest_choice_is_offered_and_no_far_one(word: str, offered: str | None) -> None:
    expected = f"; did you mean {offered!r}?" if offered else ""
    assert nearest(word, ["autoencoder", "vae", "vqvae", "ladder-network"]) == expected
    assert nearest(word, []) == ""


def test_a_wrong_choice_is_one_sentence() -> None:
    error = not_a_choice("loss", "bse", (choice for choice in ("bce", "mse")))
    assert isinstance(error, errors.ArgumentError)
    assert str(error) in (
        "loss must be one of 'bce', 'mse'; got 'bse'; did you mean 'bce'?",
        "loss must be one of 'bce', 'mse'; got 'bse'; did you mean 'mse'?",
    )
    assert str(not_a_choice("loss", 3, ["bce"])) == "loss must be one of 'bce'; got 3"
    assert "got None" in str(not_a_choice("loss", None, ["bce"]))


@given(word=st.text(max_size=30), choices=st.lists(st.text(max_size=10), max_size=5))
def test_any_text_can_be_a_typo(word: str, choices: list[str]) -> None:
    offered = nearest(word, choices)
    assert offered == "" or any(repr(choice) in offered for choice in choices)
    not_a_choice("x", word, choices)
