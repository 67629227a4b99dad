"""Every method is reproducible: bits, global state, stopping and going on, processes."""

from pathlib import Path

import pytest

from contract.checks import reproducing as checks
from contract.checks.samples import Samples, begun, kinds
from nolabel.methods._base import Estimator
from nolabel.training.learner import CountingLearner

Class = type[Estimator]
pytestmark = pytest.mark.usefixtures("no_shapes")


def test_same_seed_same_bits(method: Class, samples: Samples) -> None:
    checks.same_seed_same_bits(method, samples)


def test_other_seed_other_bits(method: Class, table: Samples) -> None:
    checks.other_seed_other_bits(method, table)


def test_global_state_is_untouched(method: Class, table: Samples) -> None:
    checks.global_state_is_untouched(method, table, ["torch", "numpy"])  # and Python's in test_infers, without the hook


@pytest.mark.parametrize("stop", checks.STOPS)
def test_resumes_exactly(
    method: Class, table: Samples, stop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks.resumes_exactly(method, table, stop, tmp_path / "run", monkeypatch)


def test_keeps_what_it_learned(method: Class, table: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    checks.keeps_what_it_learned(method, table, monkeypatch)


def test_a_failed_step_leaves_no_trace(method: Class, table: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(begun(method, table).learner_, CountingLearner):
        pytest.skip("divergence is tried on learners with gradients")
    checks.a_failed_step_leaves_no_trace(method, table, monkeypatch)


@pytest.fixture(scope="module")
def from_two_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two processes")
    checks.train_in_two_processes(folder)
    return folder


@pytest.mark.parametrize("kind", ["table", "images"])
def test_two_processes_equal_one(method: Class, kind: str, from_two_processes: Path) -> None:
    if kind not in kinds(method):
        if kind == "images":
            pytest.skip(f"{method.__name__} is tried on {kinds(method)[0]}")
        kind = kinds(method)[0]
    checks.two_processes_equal_one(method, kind, from_two_processes)
