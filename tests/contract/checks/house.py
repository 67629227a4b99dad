"""A method fits the house: the order of rooms, names, documentation, and nothing concrete overridden.

Checks of source text take paths, so that they can be shown wrong ones; each raises AssertionError with a sentence.
"""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import nolabel
from contract.checks.shapes import shapes_unchecked
from nolabel.methods._base import Estimator

SRC = Path(nolabel.__file__).parent
# A room imports only from rooms before it; rooms of one row do not know each other.
ROOMS = (
    ("_version",),
    ("errors",),
    ("types",),
    ("randomness",),
    ("compiled",),
    ("data",),
    ("views",),
    ("nets",),
    ("objectives",),
    ("training",),
    ("methods",),
    ("evaluation",),
    ("report", "serve"),
    ("cli",),
)
FORBIDDEN = ("torchvision", "torchaudio", "torchcodec", "torchtext")
SEEDERS = {"manual_seed", "manual_seed_all", "seed", "set_rng_state", "set_state", "setstate"}


def files(root: Path = SRC) -> list[Path]:
    """Every Python file of the package."""
    return sorted(path for path in root.rglob("*.py") if "__pycache__" not in path.parts)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Modules that a file imports, wherever in it, and the line."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                yield f"{base}.{alias.name}" if base == "nolabel" else base, node.lineno


# --- the order of rooms ----------------------------------------------------------------------------------------------


def rooms_are_in_order(root: Path = SRC) -> None:
    """A room imports only from rooms above it, absolutely, and never the package as a whole."""
    row_of = {room: row for row, rooms in enumerate(ROOMS) for room in rooms}
    wrong = []
    for path in files(root):
        own = path.relative_to(root).parts[0].removesuffix(".py")
        if own in ("__init__", "__main__"):
            continue
        assert own in row_of, f"{path.name}: the room {own!r} has no place in the order of rooms"
        for module, line in imports(path):
            where = f"{path.relative_to(root)}:{line}"
            if module.startswith("."):
                wrong.append(f"{where} imports {module!r} relatively")
            if module.split(".")[0] != "nolabel":
                continue
            room = module.split(".")[1] if "." in module else ""
            if room == own:
                continue
            if room not in row_of:
                wrong.append(f"{where} imports {module}, the package as a whole")
            elif row_of[room] >= row_of[own]:
                wrong.append(f"{where} imports {module}: {own} stands {_relation(row_of[room], row_of[own])} {room}")
    assert not wrong, "rooms out of order:\n" + "\n".join(wrong)


def _relation(room: int, own: int) -> str:
    return "beside" if room == own else "above"


def methods_do_not_know_each_other(root: Path = SRC) -> None:
    """A method's file imports from `methods` only what begins with an underscore."""
    wrong = [
        f"{path.name}:{line} imports {module}"
        for path in sorted((root / "methods").glob("[!_]*.py"))
        for module, line in imports(path)
        if re.match(r"nolabel\.methods(\.[^_]|$)", module)
    ]
    assert not wrong, "methods know each other:\n" + "\n".join(wrong)


def nothing_forbidden_is_imported(root: Path = SRC) -> None:
    """torchvision, torchaudio and their like cannot be imported on many machines."""
    wrong = [
        f"{path.relative_to(root)}:{line} imports {module}"
        for path in files(root)
        for module, line in imports(path)
        if module.split(".")[0] in FORBIDDEN
    ]
    assert not wrong, "not to be imported anywhere:\n" + "\n".join(wrong)


# --- what may stand in a file ----------------------------------------------------------------------------------------


def files_have_heads(root: Path = SRC) -> None:
    """Every file says in its first lines what it is."""
    written = [path for path in files(root) if path.name != "_version.py" and path.read_text(encoding="utf-8").strip()]
    empty = [str(path.relative_to(root)) for path in written if not ast.get_docstring(_tree(path))]
    assert not empty, f"these files do not say what they are: {', '.join(empty)}"


def no_utils(root: Path = SRC) -> None:
    """A file is one idea, and its name says which."""
    wrong = [path.name for path in files(root) if path.stem in ("utils", "util", "helpers", "helper", "common", "misc")]
    assert not wrong, f"{', '.join(wrong)}: a file is one idea; name it"


def nothing_prints(root: Path = SRC) -> None:
    """Only the command line speaks to the terminal."""
    wrong = [
        f"{path.relative_to(root)}:{node.lineno}"
        for path in files(root)
        if path.relative_to(root).parts[0] != "cli"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong, f"print in the library: {', '.join(wrong)}"


def nothing_seeds_globally(root: Path = SRC) -> None:
    """Global generators are left alone: `torch.manual_seed`, `np.random.seed` and `random.seed` are never called.

    Only `randomness.py` moves them, for code that is not ours, and puts them back: its own tests see to that.
    """
    wrong = []
    for path in files(root):
        if path == root / "randomness.py":
            continue
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SEEDERS:
                owner = ast.unparse(node.func.value)
                if owner in ("torch", "torch.random", "torch.cuda", "np.random", "numpy.random", "random"):
                    wrong.append(f"{path.relative_to(root)}:{node.lineno} calls {owner}.{node.func.attr}")
    assert not wrong, "global generators are moved:\n" + "\n".join(wrong)


def annotations_are_not_postponed(root: Path = SRC) -> None:
    """`from __future__ import annotations` would hide shapes from the checker."""
    wrong = [path.name for path in files(root) for module, _ in imports(path) if module == "__future__"]
    assert not wrong, f"{', '.join(wrong)}: no __future__ imports"


# --- one method a file -----------------------------------------------------------------------------------------------


def one_estimator_a_file(path: Path) -> None:
    """A method's file holds one public estimator, of its own name, and one learner."""
    module = _load(path)
    estimators = [cls.__name__ for cls in _own_classes(module) if issubclass(cls, Estimator)]
    found = [name for name in estimators if not name.startswith("_")]
    wanted = path.stem.replace("_", "")
    assert len(found) == 1, f"{path.name} holds {len(found)} estimators ({', '.join(found)}); a file holds one"
    assert found[0].lower() == wanted, f"{path.name} holds {found[0]}; its name in lower case must be {wanted}"


def _load(path: Path) -> ModuleType:
    if path.is_relative_to(SRC):
        return importlib.import_module(".".join(("nolabel", *path.relative_to(SRC).with_suffix("").parts)))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _own_classes(module: ModuleType) -> list[type]:
    return [cls for cls in vars(module).values() if inspect.isclass(cls) and cls.__module__ == module.__name__]


def head_says_what_it_is(cls: type[Estimator]) -> None:
    """A method's file states its objective, shapes, relations and source; its class has a title and a paper."""
    text = inspect.getdoc(inspect.getmodule(cls)) or ""
    for word in ("loss", "Shapes:", "Relations:"):
        assert word in text, f"the head of {cls.__name__}'s file does not say {word!r}"
    assert re.search(r"\b(19|20)\d\d\b", text), f"the head of {cls.__name__}'s file gives no reference"
    assert cls.title, f"{cls.__name__}.title is empty"
    assert cls.paper, f"{cls.__name__}.paper is empty"


# --- documentation ---------------------------------------------------------------------------------------------------


def everything_public_is_documented(module: ModuleType) -> None:
    """Public classes, functions and methods have a docstring."""
    silent = [name for name, thing in public_things(module) if not _own_doc(thing)]
    assert not silent, f"no docstring: {', '.join(silent)}"


def public_things(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(thing):
            yield f"{module.__name__}.{name}", thing
        elif inspect.isclass(thing):
            yield f"{module.__name__}.{name}", thing
            for member, value in vars(thing).items():
                function = getattr(value, "fget", value)  # a property's own
                if not member.startswith("_") and inspect.isfunction(inspect.unwrap(function)):
                    yield f"{module.__name__}.{name}.{member}", function


def _own_doc(thing: Any) -> str:
    return (vars(thing).get("__doc__") if inspect.isclass(thing) else getattr(thing, "__doc__", "")) or ""


def documented_parameters(doc: str) -> list[tuple[str, str]]:
    """(name, type and default as written) of each entry of a numpydoc "Parameters" section."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}\n|\Z)", inspect.cleandoc(doc), re.M | re.S)
    if section is None:
        return []
    found = []
    for line in section.group(1).splitlines():
        if line and not line[0].isspace():
            names, _, kind = line.partition(" : ")
            found += [(name.strip().lstrip("*"), kind) for name in names.split(",")]
    return found


def documentation_equals_signature(thing: Any) -> None:
    """Parameters are documented in the order of the signature; a default that is written down is the real one."""
    function = thing.__init__ if inspect.isclass(thing) else thing
    signature = {name: p for name, p in inspect.signature(function).parameters.items() if name not in ("self", "cls")}
    documented = documented_parameters(_own_doc(thing))
    if not documented:
        a_method = inspect.isclass(thing) and issubclass(thing, Estimator)
        assert not a_method, f"{thing.__name__} documents no parameters"
        return
    where = thing.__qualname__
    names = [name for name, _ in documented]
    unknown = [name for name in names if name not in signature]
    assert not unknown, f"{where} documents {', '.join(unknown)}, which it has not"
    missing = [name for name in signature if name not in names]
    assert not missing, f"{where} does not document {', '.join(missing)}"
    assert names == list(signature), f"{where} documents its parameters in another order: {names}"
    for name, kind in documented:
        _check_default(where, signature[name], kind)


def _check_default(where: str, parameter: inspect.Parameter, kind: str) -> None:
    written = re.search(r"default=(.+)$", kind)
    if written is None:
        return
    name, real, value = parameter.name, parameter.default, ast.literal_eval(written[1])
    assert real is not parameter.empty, f"{where}: {name} has no default, {written[0]} is documented"
    same = value == real and type(value) is type(real)
    assert same, f"{where}: {name} is documented with default={value!r}, the signature says {real!r}"


def defaults_are_documented(cls: type[Estimator]) -> None:
    """Every argument of a method states its default."""
    without = [name for name, kind in documented_parameters(_own_doc(cls)) if "default=" not in kind]
    assert not without, f"{cls.__name__} states no default for {', '.join(without)}"


def choices_are_documented(cls: type[Estimator]) -> None:
    """A documented set of choices `{"a", "b"}` is that of the annotation."""
    kinds = dict(documented_parameters(_own_doc(cls)))
    for name, parameter in inspect.signature(cls.__init__).parameters.items():
        allowed = [value for value in getattr(parameter.annotation, "__args__", ()) if isinstance(value, str)]
        if allowed:
            written = re.search(r"\{(.*)\}", kinds[name])
            assert written, f"{cls.__name__}: the choices of {name} are not documented"
            listed = list(ast.literal_eval(f"[{written[1]}]"))
            assert listed == allowed, f"{cls.__name__}: {name} takes {allowed}, documented are {listed}"


@shapes_unchecked()
def examples_run(module: ModuleType) -> None:
    """The doctests of a module pass, and a method has one."""
    outcome = doctest.testmod(module, verbose=False, report=False)
    assert outcome.attempted, f"{module.__name__} has no example"
    assert not outcome.failed, f"{module.__name__}: {outcome.failed} of {outcome.attempted} lines of the example fail"


# --- classes ---------------------------------------------------------------------------------------------------------


def modules() -> list[ModuleType]:
    """Every module of the package, imported."""
    found = [nolabel]
    for info in pkgutil.walk_packages(nolabel.__path__, "nolabel."):
        if not info.name.endswith("__main__"):
            found.append(importlib.import_module(info.name))
    return found


def nothing_concrete_is_overridden(cls: type) -> None:
    """What a class of ours defines, no subclass defines anew unless it was abstract; a final class has no subclass."""
    for base in cls.__mro__[1:]:
        if not base.__module__.startswith(("nolabel", "contract", "test")):
            continue
        assert not getattr(base, "__final__", False), f"{cls.__name__} subclasses {base.__name__}, which is final"
        for name, value in vars(cls).items():
            if name.startswith("__") or name not in vars(base) or not callable(getattr(base, name)):
                continue
            if re.fullmatch(r"set_\w+_request", name):  # scikit-learn writes these into every class
                continue
            abstract = getattr(vars(base)[name], "__isabstractmethod__", False)
            assert abstract or value is vars(base)[name], (
                f"{cls.__name__} overrides {base.__name__}.{name}, which is "
                f"{'final' if getattr(vars(base)[name], '__final__', False) else 'concrete'}"
            )


def is_final(cls: type) -> None:
    """A class that can be used as it is says that it ends there."""
    assert getattr(cls, "__final__", False), f"{cls.__name__} is neither abstract nor final"
