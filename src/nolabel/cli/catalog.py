"""What methods there are, in a line each, read from their files without importing them.

`nolabel methods` and `nolabel fit --help` need only what stands in plain sight, and torch takes seconds to import.
"""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import final

import nolabel.methods as methods  # not `from nolabel`, whose lazy names would import them all


@final
@dataclass(frozen=True)
class Entry:
    """One method: its name on the command line, what it does, what data it takes, and where it comes from."""

    name: str
    line: str
    modalities: tuple[str, ...]
    paper: str


def entries() -> list[Entry]:
    """All methods, in alphabetical order."""
    return [_entry(stem) for stem in methods.stems()]


def _entry(stem: str) -> Entry:
    tree = ast.parse((Path(methods.__path__[0]) / f"{stem}.py").read_text(encoding="utf-8"))
    head = (ast.get_docstring(tree) or "").partition("\n")[0].rstrip(".")
    facts = _facts(tree, stem.replace("_", ""))
    modalities = facts.get("modalities", ("image", "table"))  # until a method says otherwise it takes what there is
    return Entry(stem.replace("_", "-"), head.partition(": ")[2] or head, tuple(modalities), facts.get("paper", ""))


def _facts(tree: ast.Module, name: str) -> dict[str, str]:
    """The literals in the body of the class called `name` in lower case."""
    facts = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.lower() == name:
            for line in node.body:
                facts.update(_literal(line))
    return facts


def _literal(line: ast.stmt) -> dict[str, str]:
    if not isinstance(line, ast.Assign | ast.AnnAssign) or line.value is None:
        return {}
    target = line.target if isinstance(line, ast.AnnAssign) else line.targets[0]
    try:
        return {target.id: ast.literal_eval(line.value)} if isinstance(target, ast.Name) else {}
    except ValueError:
        return {}
