"""Every method reaches the user: trained from the command line, with a report that opens offline."""

from pathlib import Path

import numpy as np
import pytest
from contract.checks import user as checks
from contract.checks.samples import Samples

from nolabel.methods import stems
from nolabel.methods._base import Estimator


@pytest.fixture
def source(tmp_path: Path, samples: Samples) -> Path:
    """The samples with their classes, as a file."""
    path = tmp_path / "some samples.npz"
    np.savez(path, x=samples.X, y=samples.y)
    return path


def _stem(method: type[Estimator]) -> str:
    return next(stem for stem in stems() if stem.replace("_", "") == method.__name__.lower())


def test_the_command_line_fits_it(method: type[Estimator], source: Path, samples: Samples, tmp_path: Path) -> None:
    name, run = _stem(method).replace("_", "-"), tmp_path / "a run"
    labels = ["--labels"] if method.uses_labels else []
    model = checks.command_line_fits(
        ["fit", name, str(source), "--out", str(run), "--epochs", "2", "--random-state", "0", *labels], run, name
    )
    checks.report_opens_offline(run / "report.html")
    assert model.epochs == 2
    assert model.transform(samples.X).shape[0] == len(samples.X)
