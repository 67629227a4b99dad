"""The command line: the third door to the same objects that Python and the report use.

    running.py          main(): words -> command -> exit code; errors in one message
    commands/           one file a command, imported when it is called
    flags.py            a flag: its name, how its text is read, its help; flags from constructors and dataclasses
    parsing.py          words -> values by flags, with our own errors
    catalog.py          what methods there are, read without importing them
    speech.py           what is said, to whom, plain or with rich
    stopping.py         Ctrl-C and SIGTERM
    launch.py           several processes from one command
    history.py          the command that made a run, kept in its folder
    opening.py          sources and models of a command
    outputs.py          files and folders that a command writes
    pictures.py         what models give back -> PNG
    measures.py         evidence.json: written, and used again when it fits

Importing this imports neither torch nor rich: `nolabel --help` answers at once. See decisions/0005-command-line.md.
"""

from nolabel.cli.running import main

__all__ = ["main"]
