"""Flags are read from signatures; what stands by hand equals what it stands for."""

import inspect
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Literal, get_args, get_type_hints

import pytest

from nolabel.cli import opening
from nolabel.cli.commands import evaluate as evaluate_command
from nolabel.cli.commands import fit
from nolabel.cli.flags import Flag, flags_of, maybe, number, one_of, settings, several, whole
from nolabel.data import source
from nolabel.evaluation.evaluate import evaluate
from nolabel.methods import method_class, stems
from nolabel.training.plan import Plan


def example(
    size: int,
    rate: float = 0.5,
    name: str = "x",
    net: Literal["mlp", "conv"] = "mlp",
    tied: bool = False,
    hidden: Sequence[int] | None = None,
    costs: Sequence[float] = (1.0, 0.5),
    random_state: Any = None,
) -> None:
    """Do it.

    Parameters
    ----------
    size : int
        How large, in 100 %
        of cases.
    rate : float, default=0.5
        How fast.
    name, net
        Which.
    tied : bool, default=False
        Whether.
    hidden : sequence of int or None, default=None
        Widths.
    costs : sequence of float
        Weights.
    random_state : int, RandomState or None, default=None
        Seed.
    """


@pytest.fixture
def found() -> dict[str, Flag]:
    return {flag.key: flag for flag in flags_of(example)}


def test_every_argument_is_a_flag_with_its_help_and_default(found: dict[str, Flag]) -> None:
    assert list(found) == list(inspect.signature(example).parameters)
    assert found["size"].help == "How large, in 100 % of cases."
    assert found["rate"].help == "How fast. [0.5]"
    assert found["costs"].help == "Weights. [1,0.5]"
    assert found["hidden"].help == "Widths. [none]"
    assert found["tied"].help == "Whether. [no]"
    assert found["random_state"].name == "--random-state"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("size", "3", 3),
        ("rate", "1e-3", 0.001),
        ("name", "none", "none"),
        ("net", "conv", "conv"),
        ("hidden", "128,64", (128, 64)),
        ("hidden", "(128, 64,)", (128, 64)),
        ("hidden", "16", (16,)),
        ("hidden", "none", None),
        ("costs", "1,.5", (1.0, 0.5)),
        ("random_state", "7", 7),
        ("random_state", "none", None),
    ],
)
def test_text_becomes_a_value(found: dict[str, Flag], key: str, text: str, value: object) -> None:
    read = found[key].read
    assert read is not None
    assert read(text) == value
    assert type(read(text)) is type(value)


@pytest.mark.parametrize(
    ("read", "text", "words"),
    [
        (whole, "ten", "a whole number; got 'ten'"),
        (whole, "1.5", "a whole number; got '1.5'"),
        (number, "fast", "a number; got 'fast'"),
        (maybe(whole), "ten", "a whole number, or none; got 'ten'"),
        (one_of(("mlp", "conv")), "cov", "one of 'mlp', 'conv'; got 'cov'; did you mean 'conv'?"),
        (several(whole), "1,x", "whole numbers separated by commas, each a whole number; got 'x'"),
        (opening.size, "0", "pixels, as 64, or height and width, as 48x64; got '0'"),
        (opening.size, "1x2x3", "pixels, as 64, or height and width, as 48x64; got '1x2x3'"),
    ],
)
def test_text_that_cannot_be_read_says_what_was_wanted(read: Any, text: str, words: str) -> None:
    with pytest.raises(ValueError, match="^" + words.replace("?", r"\?").replace(".", r"\.") + "$"):
        read(text)


def test_size() -> None:
    assert opening.size("64") == 64
    assert opening.size("48x64") == (48, 64)


@pytest.mark.parametrize("stem", stems())
def test_every_method_can_be_said_in_flags_and_no_flag_twice(stem: str) -> None:
    grammar = fit.grammar(stem)
    forms = [form for flag in grammar.flags for form in flag.names]
    assert len(forms) == len(set(forms))
    assert len({flag.key for flag in grammar.flags}) == len(grammar.flags)
    arguments = set(method_class(stem)._get_param_names()) - {"plan"}
    plan = {field.name for field in fields(Plan)}
    assert arguments | plan <= {flag.key.removeprefix("plan_") for flag in grammar.flags}
    assert all(flag.help for flag in grammar.flags)


def test_a_field_of_the_plan_that_a_method_has_taken_gets_another_name() -> None:
    names = {flag.name for flag in fit.plan_flags({"ema"})}
    assert {"--plan-ema", "--clip"} <= names
    assert "--ema" not in names


@pytest.mark.parametrize("flag", opening.DATA, ids=lambda flag: flag.key)
def test_flags_for_data_are_arguments_of_open(flag: Flag) -> None:
    hint = get_type_hints(source.open)[flag.key]
    choices = [choice for part in get_args(hint) for choice in (get_args(part) or (part,)) if isinstance(choice, str)]
    if flag.metavar.startswith("{") and flag.key != "channels":
        assert flag.metavar == "{" + ",".join(choices) + "}"
    assert flag.read is not None
    for choice in choices:
        assert flag.read(choice) == choice


@pytest.mark.parametrize("flag", evaluate_command.MEASURING, ids=lambda flag: flag.key)
def test_flags_for_measuring_are_arguments_of_evaluate(flag: Flag) -> None:
    assert get_type_hints(evaluate)[flag.key] is int


def test_an_annotation_of_a_new_kind_is_refused() -> None:
    def strange(where: complex) -> None:
        """Nothing."""

    with pytest.raises(TypeError, match="where"):
        flags_of(strange)


def test_a_number_or_a_share_is_read_as_it_is_written() -> None:
    def keep(least: int | float = 1) -> None:
        """Keep."""

    flag = flags_of(keep)[0]
    assert [repr(flag.read(text)) for text in ("2", "1.0", "0.25")] == ["2", "1.0", "0.25"]
    with pytest.raises(ValueError, match="a number; got 'few'"):
        flag.read("few")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("auto", "auto"),
        ("crop=0.6:1,flip=0", {"crop": (0.6, 1), "flip": 0}),
        ("crop=none, hue = 0.05", {"crop": None, "hue": 0.05}),
        ("kind=soft", {"kind": "soft"}),
    ],
)
def test_settings_are_typed_as_pairs(text: str, value: object) -> None:
    assert settings(text) == value


@pytest.mark.parametrize("text", ["crop=", "=1", "crop=0.6,1"])
def test_half_a_pair_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="pairs NAME=VALUE"):
        settings(text)


def test_views_can_be_set_in_words() -> None:
    flag = next(flag for flag in fit.grammar("simclr").flags if flag.key == "views")
    assert flag.read is not None
    assert flag.read("flip=0") == {"flip": 0}
    assert "NAME=LOW:HIGH" in flag.help


@pytest.mark.parametrize("stem", stems())
def test_help_says_what_holds_for_this_method_when_a_flag_of_the_plan_is_left_out(stem: str) -> None:
    helps = {flag.key.removeprefix("plan_"): flag.help for flag in fit.grammar(stem).flags}
    for name, value in method_class(stem).plan_defaults.items():
        values = value if isinstance(value, tuple) else (value,)
        said = ",".join(f"{one:g}" if isinstance(one, float) else str(one) for one in values)
        assert helps[name].endswith(f"[{said}]")
