"""The options that every benchmark has."""

import argparse

from harness import machine
from harness.contender import pin

Options = argparse.Namespace


def parser(description: str, *, repeats: int | None = None, seeds: int | None = None) -> argparse.ArgumentParser:
    """A parser with --quick and --threads; --repeats and --seeds where they mean something."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    made.add_argument("--quick", action="store_true", help="tiny settings, to see that the script works")
    made.add_argument("--threads", type=int, default=2, help="cores and threads of every contender")
    if repeats is not None:
        made.add_argument("--repeats", type=int, default=repeats, help="times every contender is run")
    if seeds is not None:
        made.add_argument("--seeds", type=int, default=seeds, help="seeds 0 to N-1")
    return made


def parsed(made: argparse.ArgumentParser) -> argparse.Namespace:
    """The options given, `machine` (its facts) added; this process and its children keep to `threads` cores."""
    options = made.parse_args()
    options.machine = machine.facts(options.threads)
    print(machine.sentence(options.machine), flush=True)
    if options.quick:
        for name in ("repeats", "seeds"):
            if hasattr(options, name):
                setattr(options, name, min(2, getattr(options, name)))
    pin(options.threads)
    return options
