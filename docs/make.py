"""Writes `docs/methods/`: a page for each method and a table of all, from the docstrings. Run it with `make docs`.

When to take a method, and when not, stands in the tables of the hand-written pages (those headed by `WHEN`), where it
can be compared; a method's page repeats its row and names the page. The pages are committed so that they can be read
where the code is; a test holds them to what this script writes.
"""

import inspect
import re
import sys
from pathlib import Path

from docstring_parser import parse
from docstring_parser.common import Docstring

from nolabel.methods import method_class, stems
from nolabel.methods._base import Assigner, Embedder, Estimator, Reconstructor, Sampler
from nolabel.methods._generator import Generator
from nolabel.methods._map import Map
from nolabel.methods._supervised import Supervised
from nolabel.methods._topics import TopicModel
from nolabel.methods._translator import Translator

HERE = Path(__file__).parent
WHEN = ("method", "take it for", "leave it for")
VERBS = {
    Embedder: ("transform",),
    Reconstructor: ("reconstruct", "inverse_transform", "score_samples", "interpolate"),
    Sampler: ("sample",),
    Generator: ("generate", "interpolate", "invert"),
    Assigner: ("predict",),
    TopicModel: (
        *("topics", "score", "perplexity", "unigram_perplexity", "coherence", "coherences"),
        *("diversity", "stability", "choose"),
    ),
    Map: (
        *("positions", "neighbours", "units", "umatrix", "planes", "hits", "label_map", "unit_clusters"),
        *("quantization_error", "topographic_error", "plot"),
    ),
}


def page(stem: str) -> str:
    """The Markdown page of one method."""
    cls = method_class(stem)
    doc = parse(inspect.getdoc(cls) or "")
    module = sys.modules[cls.__module__].__doc__ or ""
    head, _, idea = module.partition("\n\n")
    targets = " --target TARGETS" if issubclass(cls, Translator) else ""
    command = f"nolabel fit {stem.replace('_', '-')} SOURCE{targets} --out RUN"
    parts = [f"# {cls.title}", f"`nolabel.{cls.__name__}` · `{command}`"]
    parts += [doc.short_description or "", doc.long_description or ""]
    parts += ["## The idea", f"```text\n{head}\n\n{idea.rstrip()}\n```"]
    parts += [when(stem)]
    parts += ["## Example", f"```python\n{example(cls)}\n```"]
    parts += ["## Arguments", arguments(cls, doc)]
    parts += ["## What it can do", can_do(cls)]
    parts += ["Back to [all methods](README.md)."]
    return "\n\n".join(part for part in parts if part) + "\n"


def when(stem: str) -> str:
    """When to take a method and when not, from the hand-written page that says it; nothing if none does."""
    for file in sorted(HERE.glob("*.md")):
        text = file.read_text(encoding="utf-8")
        for first, take, leave in rows(text, WHEN):
            if f"(methods/{stem}.md)" in first:
                name = text.partition("\n")[0].removeprefix("# ")
                more = f"Beside the others, with pictures and what to watch: [{name}](../{file.name})."
                told = f"- **Take it for** {take}.\n- **Leave it for** {leave}."
                return f"## When, and when not\n\n{told.replace('](methods/', '](')}\n\n{more}"
    return ""


def rows(text: str, header: tuple[str, ...]) -> list[list[str]]:
    """Cells of the rows of the tables with that header."""
    body = re.escape(f"| {' | '.join(header)} |\n") + r"[|-]+\n((?:\|.*\n)+)"
    lines = [line for table in re.findall(body, text) for line in table.splitlines()]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def example(cls: type[Estimator]) -> str:
    """The doctest of the class's docstring: its last section."""
    return (inspect.getdoc(cls) or "").partition("Examples\n--------\n")[2].strip()


def arguments(cls: type[Estimator], doc: Docstring) -> str:
    """A table of the constructor's arguments."""
    signature = inspect.signature(cls.__init__)
    rows = ["| argument | default | meaning |", "|---|---|---|"]
    for param in doc.params:
        if param.arg_name not in signature.parameters:
            continue
        default = signature.parameters[param.arg_name].default
        meaning = " ".join((param.description or "").split()).replace("|", "\\|")
        rows.append(f"| `{param.arg_name}` | `{default!r}` | {meaning} |")
    return "\n".join(rows)


def can_do(cls: type[Estimator]) -> str:
    """The verbs of the types that the method has, and those of its own."""
    verbs = ["fit", "partial_fit", "save"]
    for kind, names in VERBS.items():
        if issubclass(cls, kind):
            verbs += names
    own = [name for name, value in vars(cls).items() if inspect.isfunction(value) and not name.startswith("_")]
    verbs += [name for name in own if name != "build" and name not in vars(Supervised)]
    rows = [f"- `{verb}`: {first_line(getattr(cls, verb))}" for verb in dict.fromkeys(verbs)]
    return "\n".join(rows)


def first_line(function: object) -> str:
    """First paragraph of a docstring, in one line."""
    return " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())


def table() -> str:
    """The table of all methods."""
    rows = ["# Methods", "", "| method | what it is | reference |", "|---|---|---|"]
    for stem in stems():
        cls = method_class(stem)
        rows.append(f"| [{cls.title}]({stem}.md) | {first_line(cls)} | {cls.paper} |")
    return "\n".join(rows) + "\n"


def pages() -> dict[str, str]:
    """Every generated file by its name under `docs/methods/`."""
    return {"README.md": table(), **{f"{stem}.md": page(stem) for stem in stems()}}


def main() -> None:
    """Write them all."""
    folder = HERE / "methods"
    folder.mkdir(exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
    print(f"{len(pages())} pages written to docs/methods")


if __name__ == "__main__":
    main()
