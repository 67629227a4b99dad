"""Every method, and every file of the package, fits the house."""

import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from contract.checks import house as checks
from nolabel.methods import all_methods, stems
from nolabel.methods._base import Estimator
from nolabel.training.learner import Learner

FILES = [checks.SRC / "methods" / f"{stem}.py" for stem in stems()]
MODULES = checks.modules()
CLASSES = sorted(
    {
        cls
        for module in MODULES
        for cls in vars(module).values()
        if inspect.isclass(cls) and cls.__module__.startswith("nolabel")
    },
    key=lambda cls: (cls.__module__, cls.__qualname__),
)


def _short(thing: "ModuleType | type | Path") -> str:
    return thing.stem if isinstance(thing, Path) else thing.__name__.removeprefix("nolabel.")


def test_rooms_are_in_order() -> None:
    checks.rooms_are_in_order()


def test_methods_do_not_know_each_other() -> None:
    checks.methods_do_not_know_each_other()


def test_nothing_forbidden_is_imported() -> None:
    checks.nothing_forbidden_is_imported()


def test_files_have_heads() -> None:
    checks.files_have_heads()


def test_no_utils() -> None:
    checks.no_utils()


def test_nothing_prints() -> None:
    checks.nothing_prints()


def test_nothing_seeds_globally() -> None:
    checks.nothing_seeds_globally()


def test_annotations_are_not_postponed() -> None:
    checks.annotations_are_not_postponed()


@pytest.mark.parametrize("path", FILES, ids=_short)
def test_one_estimator_a_file(path: Path) -> None:
    checks.one_estimator_a_file(path)


def test_head_says_what_it_is(method: type[Estimator]) -> None:
    checks.head_says_what_it_is(method)


@pytest.mark.parametrize("module", MODULES, ids=_short)
def test_everything_public_is_documented(module: ModuleType) -> None:
    checks.everything_public_is_documented(module)


def test_documentation_equals_signature(method: type[Estimator]) -> None:
    checks.documentation_equals_signature(method)
    checks.defaults_are_documented(method)
    checks.choices_are_documented(method)


@pytest.mark.parametrize("module", MODULES, ids=_short)
def test_documented_parameters_of_functions_exist(module: ModuleType) -> None:
    for _, thing in checks.public_things(module):
        if inspect.isfunction(thing):
            checks.documentation_equals_signature(thing)


@pytest.mark.parametrize("stem", stems())
def test_examples_run(stem: str) -> None:
    checks.examples_run(importlib.import_module(f"nolabel.methods.{stem}"))


@pytest.mark.parametrize("cls", CLASSES, ids=_short)
def test_nothing_concrete_is_overridden(cls: type) -> None:
    checks.nothing_concrete_is_overridden(cls)


@pytest.mark.parametrize("path", FILES, ids=_short)
def test_learners_and_methods_are_final(path: Path) -> None:
    module = importlib.import_module(f"nolabel.methods.{path.stem}")
    for cls in vars(module).values():
        if inspect.isclass(cls) and cls.__module__ == module.__name__ and issubclass(cls, Learner | Estimator):
            checks.is_final(cls)


def test_methods_are_found_by_walking_the_folder() -> None:
    assert [cls.__module__.rpartition(".")[2] for cls in all_methods().values()] == sorted(path.stem for path in FILES)


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys; before = set(sys.modules); import nolabel; "
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    heavy = {"torch", "numpy", "pandas", "sklearn", "scipy", "PIL", "rich", "accelerate", "safetensors", "jinja2"}
    assert not [name for name in heavy if f"'{name}'" in done.stdout]
