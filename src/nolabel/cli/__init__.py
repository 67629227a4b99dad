"""The command line: the third door to the same objects that Python and the report use.

    running.py          words -> command -> exit code; errors in one message
    commands/           one file a command, imported when it is called
    flags.py            a flag: its name, how its text is read, its help; flags from constructors and dataclasses
    parsing.py          words -> values by flags, with our own errors
    catalog.py          what methods there are, read without importing them
    speech.py           what is said, to whom, plain or with rich
    stopping.py         Ctrl-C and SIGTERM
    launch.py           several processes from one command
    history.py          the command that made a run, kept in its folder
    opening.py          sources and models of a command
    trained_on.py       the source that a run was trained on
    own_sizes.py        a folder's pictures at their own sizes
    outputs.py          files and folders that a command writes
    pictures.py         what models give back -> PNG
    measures.py         evidence.json: written, and used again when it fits

Importing this imports next to nothing, so that signals are heeded from the start; `nolabel --help` imports neither
torch nor rich and answers at once. See decisions/0005-command-line.md.
"""

from collections.abc import Sequence

from nolabel.cli.stopping import exit_code, heeding_signals


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv
        Its words, without the program's name; None for those that the program was started with.

    Returns
    -------
    int
        The exit code; see the head of running.py.
    """
    try:
        with heeding_signals():
            from nolabel.cli.running import run

            return run(argv)
    except KeyboardInterrupt as error:  # it came between two lines of ours
        return exit_code(error)


__all__ = ["main"]
