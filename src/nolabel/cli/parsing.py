"""Words to values: flags by argparse, the rest by position, and errors in our own words.

argparse splits flags from values and lays out the help; positions are taken by hand, because argparse lets a list of
values swallow them and reports what is missing before what is misspelt.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, final

from nolabel.cli.flags import Flag, Read
from nolabel.errors import ArgumentError, NolabelError, nearest

Values = dict[str, Any]
_NUMBERS = re.compile(r"[-+]?[\d.][\d.eE+,-]*,?")
_ARGUMENT = re.compile(  # the ways in which messages of the library speak of arguments
    r"(?P<before>\b(?:say|with|or|set|leave) (?=(?:resume|overwrite|holdout)\b)|\bplan\.|^(?=\w+ must )|\b(?=\w+=))"
    r"(?P<name>[a-z_]+)(?:=(?P<value>'[^']*'|[\w.]*\w))?"
)
_FLAG = re.compile(r"--?[A-Za-z]")


@final
@dataclass(frozen=True)
class Grammar:
    """What a command understands.

    Parameters
    ----------
    command
        Its name, with the method for `fit METHOD`.
    about
        What it does; the head of its help.
    places
        The words that must be there, in order, with their help.
    groups
        Flags under headings.
    required
        Keys of flags that must be given, with an example of each.
    notes
        The end of its help: examples and remarks, laid out as they stand.
    optional
        Words that may follow the places, in order, with their help.
    """

    command: str
    about: str
    places: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Sequence[Flag]] = field(default_factory=dict)
    required: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    optional: Mapping[str, str] = field(default_factory=dict)

    @property
    def flags(self) -> list[Flag]:
        """All flags."""
        return [flag for flags in self.groups.values() for flag in flags]

    def parse(self, words: Sequence[str]) -> Values:
        """The values of some words: those of the places by their names in capitals, those of given flags by key.

        Raises
        ------
        ArgumentError
            A word is unknown, missing or cannot be read; the message names it and the nearest known one.
        SystemExit
            Help was asked for and printed.
        """
        parser = _argparser(self)
        before, after = _split_at_dashes(list(words))
        known, rest = parser.parse_known_args(_joined_lists(_plain_names(before), self.flags))
        self._refuse_unknown(rest)
        values = vars(known)
        values.update(self._placed([*rest, *after]))
        for key, example in self.required.items():
            if key not in values:
                raise ArgumentError(f"nolabel {self.command} needs {_name_of(key)}, as in {example}")
        return values

    def _refuse_unknown(self, rest: Sequence[str]) -> None:
        unknown = next((word.split("=")[0] for word in rest if _FLAG.match(word)), None)
        if unknown is not None:
            known = [name for flag in self.flags for name in flag.names]
            close = nearest(unknown, [*known, "--help", "--debug"]) or "."
            raise ArgumentError(
                f"nolabel {self.command} has no flag {unknown}{close} See nolabel {self.command} --help"
            )

    def _placed(self, words: Sequence[str]) -> Values:
        names = [*self.places, *self.optional]
        if len(words) < len(self.places):
            missing = " and ".join(list(self.places)[len(words) :])
            raise ArgumentError(f"nolabel {self.command} needs {missing}: {self.usage}")
        if len(words) > len(names):
            unexpected = ", ".join(repr(word) for word in words[len(names) :])
            raise ArgumentError(f"nolabel {self.command} does not know what to do with {unexpected}: {self.usage}")
        for name, word in zip(names, words):
            if not word.strip():
                raise ArgumentError(f"{name} is empty: {self.usage}")
        return dict(zip(names, words))

    @contextmanager
    def in_flags(self) -> Iterator[None]:
        """Errors of the library from within the block name flags where they named arguments."""
        try:
            yield
        except NolabelError as error:
            error.args = (self._as_flags(str(error)), *error.args[1:])
            raise

    def _as_flags(self, message: str) -> str:
        names = {flag.key.removeprefix("plan_"): flag.name for flag in self.flags}

        def flag(found: re.Match[str]) -> str:
            if found["name"] not in names:
                return found[0]
            value = f" {found['value']}" if found["value"] not in (None, "True") else ""
            return found["before"].removeprefix("plan.") + names[found["name"]] + value

        return _ARGUMENT.sub(flag, message)

    @property
    def usage(self) -> str:
        """One line: the command, its places, the flags that it needs."""
        needed = [f"{_name_of(key)} ..." for key in self.required]
        optional = [f"[{name}]" for name in self.optional]
        return " ".join(["nolabel", self.command, *self.places, *optional, *needed, "[flags]"])


def _name_of(key: str) -> str:
    return "--" + key.replace("_", "-")


def _plain_names(words: Sequence[str]) -> list[str]:
    """`--batch_size` is `--batch-size`."""
    plain = []
    for word in words:
        name, equals, value = word.partition("=")
        plain.append(name.replace("_", "-") + equals + value if word.startswith("--") else word)
    return plain


def _split_at_dashes(words: list[str]) -> tuple[list[str], list[str]]:
    """The words before a lone `--`, and those after it, which are no flags whatever they look like."""
    if "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _joined_lists(words: Sequence[str], flags: Sequence[Flag]) -> list[str]:
    """`--hidden 128 64 digits` is `--hidden=128,64 digits`: a list ends where the numbers do."""
    lists = {flag.name for flag in flags if flag.many}
    joined: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word in lists:
            numbers = []
            while waiting and _NUMBERS.fullmatch(waiting[0]):
                numbers.append(waiting.pop(0).strip(","))
            word = f"{word}={','.join(numbers)}" if numbers else word
        joined.append(word)
    return joined


# --- argparse --------------------------------------------------------------------------------------------------------


@final
class _Layout(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal, up to 100 columns."""

    def __init__(self, prog: str, **others: Any) -> None:
        super().__init__(prog, max_help_position=30, width=min(shutil.get_terminal_size().columns, 100) - 1)


@final
class _Parser(argparse.ArgumentParser):
    """argparse that raises our errors."""

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix("argument ").replace("expected one argument", "needs a value after it")
        message = message.replace("ignored explicit argument", "takes no value; got")
        name, colon, rest = message.partition(": ")
        raise ArgumentError(f"{name.split('/')[-1]} {rest}" if colon and name.startswith("-") else message)


def _argparser(grammar: Grammar) -> _Parser:
    all_places = {**grammar.places, **grammar.optional}
    width = max(map(len, all_places), default=0)
    places = "".join(f"\n  {name:{width}}  {words}" for name, words in all_places.items())
    parser = _Parser(
        prog=f"nolabel {grammar.command}",
        usage=grammar.usage.replace("%", "%%"),
        description=grammar.about + ("\n" + places if places else ""),
        epilog=grammar.notes or None,
        formatter_class=_Layout,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    if sys.version_info >= (3, 14):
        parser.color = False  # plain in a pipe and in a terminal alike
    for title, flags in grammar.groups.items():
        group = parser.add_argument_group(title)
        for flag in flags:
            _add(group, flag)
    return parser


def _add(group: argparse._ArgumentGroup, flag: Flag) -> None:
    names = [flag.short, flag.name] if flag.short else [flag.name]
    words = flag.help.replace("%", "%%")
    if flag.read is not None:
        group.add_argument(*names, dest=flag.key, type=_typed(flag.read), metavar=flag.metavar, help=words)
    elif flag.negatable:
        group.add_argument(*names, dest=flag.key, action=argparse.BooleanOptionalAction, help=words)
    else:
        group.add_argument(*names, dest=flag.key, action="store_true", help=words)


def _typed(read: Read) -> Read:
    def read_or_say(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"must be {error}") from None

    return read_or_say
