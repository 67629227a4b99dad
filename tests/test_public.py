"""The public names: resolved when first used, all there, and a typo is told the nearest."""

import subprocess
import sys

import pytest

import nolabel


def in_a_fresh_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


HEAVY = ("torch", "numpy", "pandas", "sklearn", "PIL", "pyarrow", "accelerate", "rich", "jinja2")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = f"import sys, nolabel; print([name for name in {HEAVY} if name in sys.modules])"
    assert in_a_fresh_process(code) == "[]"


def test_a_names_module_is_imported_when_the_name_is_used_and_no_other_method_is() -> None:
    code = (
        "import sys, nolabel; nolabel.VAE; "
        "print(sorted(n for n in sys.modules if n.startswith('nolabel.methods.') and '._' not in n))"
    )
    assert in_a_fresh_process(code) == "['nolabel.methods.vae']"


def test_a_probe_for_a_name_that_modules_may_have_is_answered_without_imports() -> None:
    """`inspect`, `doctest`, `copy` and notebooks ask any module for such names."""
    code = (
        "import sys, nolabel\n"
        "for name in ('__wrapped__', '__warningregistry__', '_ipython_display_', '__bases__'):\n"
        "    assert not hasattr(nolabel, name)\n"
        "print('torch' in sys.modules)"
    )
    assert in_a_fresh_process(code) == "False"


def test_every_listed_name_is_there() -> None:
    for name in nolabel.__all__:
        assert getattr(nolabel, name) is not None
    methods = {
        "Autoencoder",
        "DenoisingAutoencoder",
        "SparseAutoencoder",
        "ContractiveAutoencoder",
        "StackedAutoencoder",
    }
    methods |= {"SupervisedAutoencoder", "VAE", "VQVAE", "LadderNetwork"}
    assert methods | set(nolabel.__all__) <= set(dir(nolabel))
    for name in methods:
        assert getattr(nolabel, name).__name__ == name


def test_names_lead_to_their_homes() -> None:
    from nolabel.data.dataset import Dataset
    from nolabel.data.source import open as open_source
    from nolabel.evaluation.evaluate import evaluate
    from nolabel.methods._folder import load
    from nolabel.training.plan import Plan
    from nolabel.types import DataSpec

    homes = {
        "open": open_source,
        "Dataset": Dataset,
        "DataSpec": DataSpec,
        "Plan": Plan,
        "load": load,
        "evaluate": evaluate,
    }
    assert {name: getattr(nolabel, name) for name in homes} == homes


def test_no_name_is_also_a_rooms() -> None:
    """Importing a room would put the module where the name had been."""
    from pkgutil import iter_modules

    rooms = {info.name for info in iter_modules(nolabel.__path__)}
    assert not rooms & set(dir(nolabel))


@pytest.mark.parametrize(
    ("typo", "offered"),
    [
        ("Autoencodder", "Autoencoder"),
        ("AutoEncoder", "Autoencoder"),
        ("AUTOENCODER", "Autoencoder"),
        ("Vae", "VAE"),
        ("LaderNetwork", "LadderNetwork"),
        ("evaluat", "evaluate"),
        ("opn", "open"),
        ("Plann", "Plan"),
        ("something_else_entirely", None),
    ],
)
def test_a_typo_is_told_the_nearest_name(typo: str, offered: str | None) -> None:
    with pytest.raises(AttributeError, match=f"module 'nolabel' has no attribute '{typo}'") as caught:
        getattr(nolabel, typo)
    if offered:
        assert str(caught.value).endswith(f"; did you mean {offered!r}?")


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import PackageNotFoundError, version

    from nolabel._version import __version__

    assert nolabel.__version__ == __version__
    try:
        assert version("nolabel") == __version__
    except PackageNotFoundError:
        pytest.skip("nolabel is on the path but not installed here, so there is nothing to compare")


def test_importing_sets_nothing() -> None:
    code = (
        "import logging, signal, warnings, random, os, locale\n"
        "facts = lambda: (logging.root.handlers[:], logging.root.level, warnings.filters[:], random.getstate(), "
        "dict(os.environ), signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), locale.setlocale(locale.LC_ALL))\n"
        "before = facts()\nimport nolabel\nassert facts() == before\nprint('good')"
    )
    assert in_a_fresh_process(code) == "good"
