"""A flag: its name, how its text becomes a value, and its help. And flags read from a signature and its docstring.

A constructor's arguments become flags by these rules; nothing is said twice:

    bool                     --tied, --no-tied
    int, float, str          --beta 4
    bool | float             --freeze yes, --freeze no, --freeze 0.5
    int | float              --min-df 5, --min-df 0.01: a whole number is one if it is written as one
    Literal["a", "b"]        --net conv, one of the choices
    Sequence[int]            --hidden 128,64,32 or --hidden 128 64 32
    X | None                 X, or the word none
    Any (random_state)       a whole number, or none
    Any (views: a mapping)   --views crop=0.6:1,flip=0,rotate=15, or a word

A flag that is not given is no argument, so defaults have one home: the signature. This file knows no method and no
command.
"""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, final, get_args, get_origin

from nolabel.errors import not_a_choice

Read = Callable[[str], Any]
NONE = "none"
SAID = "Settings are typed as NAME=VALUE,NAME=LOW:HIGH."


@final
@dataclass(frozen=True)
class Flag:
    """One flag.

    Parameters
    ----------
    key
        Name of its value: `batch_size` for `--batch-size`.
    read
        Text to value; raises ValueError with the end of the sentence "--flag must be ...". None for a switch, which is
        True when given.
    help, metavar
        For `--help`.
    short
        A short form such as "-o".
    negatable
        Whether a switch has a `--no-` form.
    many
        Whether several values may follow, separated by spaces; `read` gets them joined by commas.
    """

    key: str
    read: Read | None
    help: str
    metavar: str = ""
    short: str = ""
    negatable: bool = False
    many: bool = False

    @property
    def name(self) -> str:
        """The long form."""
        return "--" + self.key.replace("_", "-")

    @property
    def names(self) -> list[str]:
        """Every form."""
        forms = [self.short, self.name, self.name.replace("--", "--no-") if self.negatable else ""]
        return [form for form in forms if form]


# --- reading text ----------------------------------------------------------------------------------------------------


def whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"a whole number; got {text!r}") from None


def number(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"a number; got {text!r}") from None


def place(text: str) -> str:
    """A path: not the empty text, which would be the current folder, as when a shell's variable is not set."""
    if not text.strip():
        raise ValueError(f"a path; got {text!r}")
    return text


def amount(text: str) -> int | float:
    """A number; a whole one if it is written as one."""
    try:
        return int(text)
    except ValueError:
        return number(text)


def share(text: str) -> bool | float:
    """yes, no, or a number between."""
    if text.lower() in ("yes", "no"):
        return text.lower() == "yes"
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"yes, no, or a number; got {text!r}") from None


def one_of(choices: Sequence[str]) -> Read:
    """One of some words."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(str(not_a_choice("", text, choices)).removeprefix(" must be "))
        return text

    return read


def several(item: Read) -> Read:
    """Values separated by commas, as a tuple."""

    def read(text: str) -> tuple[Any, ...]:
        try:
            inner = text.strip().strip("()[]").removesuffix(",")  # (8,) is how Python writes one number
            return tuple(item(part.strip()) for part in inner.split(",")) if inner.strip() else ()
        except ValueError as error:
            what = "whole numbers" if item is whole else "numbers"
            raise ValueError(f"{what} separated by commas, each {error}") from None

    return read


def maybe(read: Read) -> Read:
    """The same, or the word none."""

    def read_or_none(text: str) -> Any:
        if text.lower() == NONE:
            return None
        try:
            return read(text)
        except ValueError as error:
            wanted, _, came = str(error).partition("; got ")
            raise ValueError(f"{wanted}, or {NONE}; got {came}") from None

    return read_or_none


def settings(text: str) -> str | dict[str, Any]:
    """NAME=VALUE pairs separated by commas, as a mapping; or a word."""
    if "=" not in text:
        return text
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(name.strip() and equals and value.strip() for name, equals, value in pairs):
        raise ValueError(f"a word, or pairs NAME=VALUE separated by commas, a range as 0.3:1; got {text!r}")
    return {name.strip(): _setting(value.strip()) for name, _, value in pairs}


def _setting(text: str) -> Any:
    """What stands after NAME=: none, a range LOW:HIGH, a number, or a word."""
    if ":" in text:
        return tuple(_setting(part.strip()) for part in text.split(":"))
    if text.lower() == NONE:
        return None
    try:
        return amount(text)
    except ValueError:
        return text


# --- from a signature ------------------------------------------------------------------------------------------------


def flags_of(
    target: Callable[..., Any], leave_out: Collection[str] = (), defaults: Mapping[str, Any] | None = None
) -> list[Flag]:
    """A flag for each argument of a class or function, with the help of its numpydoc docstring.

    `defaults`: what holds when a flag is not given, where that is not what the signature says.

    Raises
    ------
    TypeError
        An argument's annotation is none of those at the head of this file.
    """
    import docstring_parser  # only here: a tenth of a second that `nolabel --help` need not wait for

    parsed = docstring_parser.parse(inspect.getdoc(target) or "", docstring_parser.DocstringStyle.NUMPYDOC)
    told = {parameter.arg_name: parameter for parameter in parsed.params}
    flags = []
    for name, parameter in inspect.signature(target, eval_str=True).parameters.items():
        if name not in leave_out:
            doc = told.get(name)
            words = " ".join((doc.description or "").split()) if doc else ""
            annotation = _meant(parameter.annotation, (doc.type_name or "") if doc else "")
            default = _default((defaults or {}).get(name, parameter.default))
            typed = f"{words} {SAID}" if annotation is Mapping else words
            flags.append(_flag(name, annotation, f"{typed} {default}".strip()))
    return flags


def _meant(annotation: Any, documented: str) -> Any:
    """`Any` stands for what the docstring says first, where that is a type of ours."""
    if annotation is not Any:
        return annotation
    if "mapping" in documented:
        return Mapping
    first = documented.split(",")[0].split(" or ")[0].strip()
    meant = {"int": int, "float": float, "str": str}.get(first, str)
    return meant | None if "None" in documented else meant


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return ""
    if value is None:
        return f"[{NONE}]"
    if isinstance(value, bool):
        return "[yes]" if value else "[no]"
    if isinstance(value, tuple | list):
        return f"[{','.join(format(item, 'g') for item in value)}]"
    return f"[{value:g}]" if isinstance(value, float) else f"[{value}]"


def _flag(name: str, annotation: Any, words: str) -> Flag:
    optional, kind = _without_none(annotation)
    if kind is bool:
        return Flag(name, None, words, negatable=True)
    read, metavar, many = _reader(name, kind)
    return Flag(name, maybe(read) if optional else read, words, metavar, many=many)


def _without_none(annotation: Any) -> tuple[bool, Any]:
    if get_origin(annotation) not in (Union, UnionType):
        return False, annotation
    rest = [part for part in get_args(annotation) if part is not NoneType]
    pair = next((two for two in (int | float, bool | float) if set(rest) == set(get_args(two))), rest[0])
    return len(rest) < len(get_args(annotation)), pair


def _reader(name: str, kind: Any) -> tuple[Read, str, bool]:
    if kind is int:
        return whole, "N", False
    if kind is float:
        return number, "X", False
    if kind == int | float:
        return amount, "X", False
    if kind == bool | float:
        return share, "yes|no|X", False
    if kind is str:
        return str, "WORD", False
    if kind is Mapping:
        return settings, "WORD|NAME=VALUE,...", False
    if get_origin(kind) is Literal:
        return one_of(get_args(kind)), "{" + ",".join(get_args(kind)) + "}", False
    if get_origin(kind) is not None and issubclass(get_origin(kind), Sequence):
        item = get_args(kind)[0]
        return several(whole if item is int else number), "N,N,..." if item is int else "X,X,...", True
    raise TypeError(f"no flag can be made of {name}: {kind!r}; say in nolabel.cli.flags how its text is read")
