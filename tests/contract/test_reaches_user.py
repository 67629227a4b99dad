"""Every method reaches the user: trained from the command line, with a report that opens offline."""

from pathlib import Path

import numpy as np
import pytest

from contract.checks import samples as made
from contract.checks import user as checks
from nolabel.methods import all_methods, stems
from nolabel.methods._base import Estimator
from nolabel.methods._translator import Translator

# Measuring takes far longer than training here, and knows no method: images for all, a table for one; and labels, by
# which most is measured, for those that learn from them and for one that does not.
FIRST = next(iter(all_methods().values()))
CASES = [(made.kinds(cls)[-1], cls) for cls in all_methods().values()] + [("table", FIRST)]


def _name(method: type[Estimator]) -> str:
    stem = next(stem for stem in stems() if stem.replace("_", "") == method.__name__.lower())
    return stem.replace("_", "-")


@pytest.mark.parametrize(("kind", "method"), CASES, ids=lambda one: one if isinstance(one, str) else one.__name__)
def test_the_command_line_fits_it(kind: str, method: type[Estimator], tmp_path: Path) -> None:
    samples = made.MAKERS[kind](32)
    source, run = tmp_path / "some samples.npz", tmp_path / "a run"
    known = {"y": samples.y} if method.uses_labels or method is FIRST else {}
    np.savez(source, x=samples.X, **known)
    name = _name(method)
    labels = ["--labels", "labels"] if method.uses_labels else []
    if issubclass(method, Translator):
        np.save(tmp_path / "targets.npy", samples.labels_for(method))
        labels = ["--target", str(tmp_path / "targets.npy")]
    words = ["fit", name, str(source), "--out", str(run), "--epochs", "2", "--random-state", "0", *labels]
    model = checks.command_line_fits(words, run, name)
    checks.report_opens_offline(run / "report.html")
    assert model.epochs == 2
    assert model.transform(samples.X).shape[0] == len(samples.X)
