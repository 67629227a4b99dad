"""Every method learns."""

from typing import Any

from contract.checks import learning as checks
from contract.checks.samples import Samples, begun
from nolabel.methods._base import Estimator


def test_loss_is_scalar_and_attached(method: type[Estimator], samples: Samples) -> None:
    checks.loss_is_scalar_and_attached(begun(method, samples), samples)


def test_history_adds_up(model: Any, samples: Samples) -> None:
    checks.history_adds_up(model, samples)


def test_loss_is_a_mean_over_samples(model: Any, samples: Samples) -> None:
    checks.loss_is_a_mean_over_samples(model, samples)


def test_every_parameter_is_trained(model: Any) -> None:
    checks.every_parameter_is_trained(model)


def test_every_parameter_has_one_optimizer(model: Any) -> None:
    checks.every_parameter_has_one_optimizer(model)


def test_loss_falls(model: Any, samples: Samples) -> None:
    checks.loss_falls(model, samples)


def test_codes_do_not_collapse(model: Any, samples: Samples) -> None:
    checks.codes_do_not_collapse(model, samples)


def test_beats_its_untrained_self(method: type[Estimator]) -> None:
    checks.beats_its_untrained_self(method)
