"""Every method infers cleanly, here and in a fresh process."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nolabel
from contract.checks import inferring as checks
from contract.checks.samples import MAKERS, Samples, fitted, kinds
from nolabel.methods import all_methods
from nolabel.methods._base import Estimator


def test_one_by_one_equals_all_at_once(model: Any, samples: Samples) -> None:
    checks.one_by_one_equals_all_at_once(model, samples)


def test_order_does_not_matter(model: Any, samples: Samples) -> None:
    checks.order_does_not_matter(model, samples)


def test_mode_does_not_matter(model: Any, samples: Samples) -> None:
    checks.mode_does_not_matter(model, samples)


def test_asking_twice_is_the_same(model: Any, samples: Samples) -> None:
    checks.asking_twice_is_the_same(model, samples)


def test_asking_changes_nothing(model: Any, samples: Samples) -> None:
    checks.asking_changes_nothing(model, samples)


def test_shapes_are_as_documented(model: Any, samples: Samples) -> None:
    checks.shapes_are_as_documented(model, samples)


def test_copies_are_equal(model: Any, samples: Samples) -> None:
    checks.copies_are_equal(model, samples)


def test_saving_keeps_everything(model: Any, samples: Samples, tmp_path: Path) -> None:
    checks.saving_keeps_everything(model, samples, tmp_path / "model", nolabel.load)


@pytest.fixture(scope="module")
def fresh_process(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every method, trained and saved here; then what a process found that knows only the folders."""
    folder = tmp_path_factory.mktemp("saved models")
    for kind, make in MAKERS.items():
        samples = make()
        np.save(folder / f"{kind}.npy", samples.X)
        for name, cls in all_methods().items():
            if kind not in kinds(cls):
                continue
            fitted(cls, samples, epochs=1).save(folder / f"{name}-{kind}")
    script = Path(__file__).with_name("fresh_process.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"the fresh process failed:\n{done.stderr[-3000:]}"
    return folder


def test_a_fresh_process_gives_the_same_bits(method: type[Estimator], samples: Samples, fresh_process: Path) -> None:
    here = nolabel.load(fresh_process / f"{method.__name__}-{samples.kind}").transform(samples.X)
    there = np.load(fresh_process / f"{method.__name__}-{samples.kind}.npy")
    assert np.array_equal(here, there)
    assert np.array_equal(here, fitted(method, samples, epochs=1).transform(samples.X))


def test_it_has_manners_where_no_type_checker_looks_on(method: type[Estimator], fresh_process: Path) -> None:
    """Without torchvision, too: global generators are left alone, and NumPy's numbers are as good as Python's."""
    assert (fresh_process / f"{method.__name__}.txt").read_text() == ""
