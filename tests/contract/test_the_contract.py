"""The contract can fail: methods broken on purpose are caught, each by the check that should, for the right reason.

A check that passes everything proves nothing. `Sound` passes all of them; every copy of it in `broken.py` has one
fault, and the sentence that reports it must be the one about that fault.
"""

import copy
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jaxtyping
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

import nolabel
from contract import broken
from contract.broken import Sound
from contract.checks import estimator, house, inferring, learning, reproducing, user
from contract.checks.samples import begun, fitted, table
from contract.checks.shapes import shapes_unchecked
from nolabel.methods import _folder
from nolabel.methods.lsgan import LSGANLearner
from nolabel.objectives.contrastive import unit
from nolabel.training.drive import Context, GradientDriver
from nolabel.views.roles import Pair

DATA = table()


def caught(check: Callable[[], None], message: str) -> None:
    """The check fails, and says this."""
    with pytest.raises(AssertionError, match=message):
        check()


# --- what looks at a class -------------------------------------------------------------------------------------------

ON_CLASSES: dict[Callable[..., None], dict[str, str]] = {
    estimator.constructor_only_stores: {
        "ForgetsAnArgument": "does not store extra as given",
        "CopiesAnArgument": "does not store plan as given",
        "StoresADerivedValue": "__init__ sets twice, which is no argument",
    },
    estimator.arguments_are_named: {"TakesAnything": "must be given by keyword"},
    estimator.survives_clone: {},
    estimator.fit_returns_self: {
        "ReturnsNothing": "fit returns NoneType, not self",
        "LearnsWithoutUnderscore": "fit sets width: what is learned ends in _",
    },
    estimator.fit_leaves_arguments_alone: {
        "ReplacesAnArgument": "fit replaces latent",
        "ChangesAList": "fit changes the contents of an argument",
    },
    estimator.data_are_left_alone: {"ChangesTheData": "changes the user's data"},
    estimator.is_fitted_only_after_fit: {"AnswersBeforeFit": r"\.count works before fit"},
    estimator.partial_fit_goes_on: {"HasAnIdleParameter": "partial_fit leaves idle.weight where it was"},
    estimator.sources_agree: {"IgnoresTheSeed": "tensor and array give different codes"},
    estimator.scales_do_not_matter: {},
    estimator.takes_numbers_of_numpy: {"WantsPlainNumbers": "refuses NumPy's numbers: latent must be an int"},
    estimator.trains_on_fewer_samples_than_a_batch: {},
    estimator.refuses_bad_labels: {},
    learning.beats_its_untrained_self: {"LearnsNothingUseful": "neighbours' votes are right, with first weights"},
    reproducing.same_seed_same_bits: {"IgnoresTheSeed": "two runs of one seed differ in encoder"},
    reproducing.other_seed_other_bits: {"HasOneSeed": "two seeds give the same weights"},
    reproducing.global_state_is_untouched: {
        "LeaksTheSeed": "fit moves the global random state of torch",
        "StirsNumpy": "fit moves the global random state of numpy",
    },
}


def _on_class(check: Callable[..., None], cls: type[Sound]) -> None:
    if check in (estimator.constructor_only_stores, estimator.arguments_are_named, learning.beats_its_untrained_self):
        check(cls)
    elif check is reproducing.global_state_is_untouched:
        check(cls, DATA, ["torch", "numpy"])
    else:
        check(cls, DATA)


@pytest.mark.parametrize("check", ON_CLASSES, ids=lambda check: check.__name__)
def test_the_sound_method_passes(check: Callable[..., None]) -> None:
    _on_class(check, Sound)


@pytest.mark.parametrize(
    ("check", "name"),
    [pytest.param(check, name, id=f"{check.__name__}-{name}") for check, names in ON_CLASSES.items() for name in names],
)
def test_a_broken_method_is_caught(check: Callable[..., None], name: str) -> None:
    caught(lambda: _on_class(check, getattr(broken, name)), ON_CLASSES[check][name])


# --- what looks at a model -------------------------------------------------------------------------------------------

ON_MODELS: dict[Callable[..., None], dict[str, str]] = {
    learning.loss_is_scalar_and_attached: {
        "DetachesTheLoss": "the loss is detached from the weights",
        "KeepsTheGraph": r"the signals \['size'\] keep the graph alive",
    },
    learning.history_adds_up: {},
    learning.loss_is_a_mean_over_samples: {"SumsOverSamples": "twice the samples give 2.00 times the loss"},
    learning.every_parameter_is_trained: {
        "HasAnIdleParameter": "idle.weight, idle.bias never moved",
        "StandsStill": "encoder.weight, encoder.bias, decoder.weight, decoder.bias never moved",
    },
    learning.every_parameter_has_one_optimizer: {
        "MovesAParameterTwice": "one.weight is moved by 2 optimizers, expected 1",
        "MovesAParameterNever": "two.weight is moved by 0 optimizers, expected 1",
    },
    learning.loss_falls: {"StandsStill": "the loss went from", "ClimbsItsLoss": "second, moving alone, pays"},
    learning.codes_do_not_collapse: {"Collapses": "All samples have nearly the same code"},
    inferring.one_by_one_equals_all_at_once: {"DependsOnTheBatch": "one by one differs from all at once"},
    inferring.order_does_not_matter: {"DependsOnTheOrder": "the order of samples matters"},
    inferring.mode_does_not_matter: {"StaysInTrainingMode": "fit leaves training mode on"},
    inferring.asking_twice_is_the_same: {
        "IsRandom": "is random: twice the same gives two answers",
        "Remembers": "remembers what it was asked before",
    },
    inferring.asking_changes_nothing: {
        "KeepsTheLast": r"transform sets last_",
        "KeepsATally": "transform changes tally",
    },
    inferring.shapes_are_as_documented: {"WideCodes": "transform gives float64"},
    inferring.copies_are_equal: {},
    estimator.refuses_other_samples: {"TakesAnyWidth": "transform takes what it should refuse"},
    estimator.refuses_bad_codes: {},
}
UNTRAINED = (learning.loss_is_scalar_and_attached, learning.every_parameter_has_one_optimizer)
WITHOUT_SAMPLES = (
    learning.every_parameter_is_trained,
    learning.every_parameter_has_one_optimizer,
    estimator.refuses_bad_codes,
)


def _on_model(check: Callable[..., None], cls: type[Sound]) -> None:
    model = begun(cls, DATA) if check in UNTRAINED else fitted(cls, DATA)
    check(model) if check in WITHOUT_SAMPLES else check(model, DATA)


@pytest.mark.parametrize("check", ON_MODELS, ids=lambda check: check.__name__)
def test_a_sound_model_passes(check: Callable[..., None]) -> None:
    _on_model(check, Sound)


@pytest.mark.parametrize(
    ("check", "name"),
    [pytest.param(check, name, id=f"{check.__name__}-{name}") for check, names in ON_MODELS.items() for name in names],
)
def test_a_broken_model_is_caught(check: Callable[..., None], name: str) -> None:
    caught(lambda: _on_model(check, getattr(broken, name)), ON_MODELS[check][name])


# --- what needs more than a class ------------------------------------------------------------------------------------


def test_a_history_that_does_not_add_up_is_caught() -> None:
    model = fitted(Sound, DATA)
    model.history_[3]["loss"] += 0.5
    caught(lambda: learning.history_adds_up(model, DATA), "is not the sum of its parts")
    del model.history_[3]
    caught(lambda: learning.history_adds_up(model, DATA), "epochs missing")


def test_an_error_that_is_not_ours_is_caught() -> None:
    for name in estimator.arguments_of(Sound):
        estimator.refuses_bad_arguments(Sound, name, DATA)
    caught(
        lambda: estimator.refuses_bad_arguments(broken.LooksAtNothing, "weight", DATA),
        "lets TypeError through, which is not ours",
    )
    refusal = (nolabel.errors.DataError, ("no such words",))
    caught(lambda: estimator.fit_refuses(Sound, DATA.X[:1], None, refusal), "the message does not say")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Any]:
    """`nolabel.load`, which for once finds methods in `broken`."""
    monkeypatch.setattr(_folder, "find_method", lambda name: getattr(broken, name))
    return nolabel.load


def test_a_buffer_that_is_not_saved_is_caught(load: Callable[[Path], Any], tmp_path: Path) -> None:
    inferring.saving_keeps_everything(fitted(Sound, DATA), DATA, tmp_path / "sound", load)
    model = fitted(broken.DropsABuffer, DATA)
    caught(
        lambda: inferring.saving_keeps_everything(model, DATA, tmp_path / "broken", load),
        r"DropsABuffer\.transform differs after save and load",
    )


def test_a_copy_that_differs_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted(Sound, DATA)

    def forgetful(self: Any) -> dict[str, Any]:
        fresh = copy.deepcopy(vars(self))
        fresh["learner_"] = self._new_learner(5).eval()
        return fresh

    monkeypatch.setattr(Sound, "__getstate__", forgetful)
    caught(lambda: inferring.copies_are_equal(model, DATA), "differs after a trip through pickle")


@pytest.mark.parametrize("stop", reproducing.STOPS)
def test_a_sound_run_resumes_exactly(stop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reproducing.resumes_exactly(Sound, DATA, stop, tmp_path / "run", monkeypatch)


def test_a_state_that_no_checkpoint_sees_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = "Ctrl-C in the middle"
    caught(
        lambda: reproducing.resumes_exactly(broken.HidesState, DATA, stop, tmp_path / "run", monkeypatch),
        "a run ends with other values of encoder.weight",
    )


def test_a_resume_that_forgets_the_optimizer_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GradientDriver, "restore", lambda self, state: None)
    stop = "Ctrl-C in the middle"
    caught(
        lambda: reproducing.resumes_exactly(Sound, DATA, stop, tmp_path / "run", monkeypatch),
        "a run ends with other values of encoder.weight",
    )


def test_processes_that_disagree_are_caught(tmp_path: Path) -> None:
    samples = reproducing.MAKERS["table"](51)
    model = reproducing.trained_alike(Sound, samples)
    reproducing.write_results(model, "table", tmp_path)
    reproducing.two_processes_equal_one(Sound, "table", tmp_path)
    weights = reproducing.weights(model)
    weights["decoder.bias"][0] += 2e-4
    save_file(weights, tmp_path / "Sound-table.safetensors")
    caught(
        lambda: reproducing.two_processes_equal_one(Sound, "table", tmp_path), "in two processes decoder.bias comes out"
    )
    model.history_[0]["loss"] += 1e-3
    reproducing.write_results(model, "table", tmp_path)
    caught(lambda: reproducing.two_processes_equal_one(Sound, "table", tmp_path), "two processes log loss")


def test_gradients_too_large_by_a_factor_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every process had weighed its loss by 1 % too much, which steps of Adam would not show."""
    honest = Context.pieces
    with monkeypatch.context() as patch:
        patch.setattr(Context, "pieces", lambda *of: ((batch, step, 1.01 * w) for batch, step, w in honest(*of)))
        model = reproducing.trained_alike(Sound, reproducing.MAKERS["table"](51))
    reproducing.write_results(model, "table", tmp_path)
    caught(lambda: reproducing.two_processes_equal_one(Sound, "table", tmp_path), "in two processes encoder.weight")


def test_views_of_other_samples_teach_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the check plants for methods that compare views is not found without views of the same sample."""
    honest = Pair.__call__

    def mismatched(self: Pair, *of: Any) -> tuple[Tensor, Tensor]:
        v1, v2 = honest(self, *of)
        return v1, v2.roll(1, 0)

    monkeypatch.setattr(Pair, "__call__", mismatched)
    caught(lambda: learning.beats_its_untrained_self(nolabel.SimCLR, [0]), "with first weights")


def test_a_generator_that_learns_nothing_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LSGANLearner, "generator_loss", lambda self, real, fake, step: {"fooling": 0 * fake.mean()})
    caught(lambda: learning.beats_its_untrained_self(nolabel.LSGAN, [0]), "samples are .* by first weights")


def test_shapes_are_looked_at_but_where_they_need_not_be() -> None:
    images = torch.ones(2, 3, 4)
    for _ in range(2):
        with pytest.raises(jaxtyping.TypeCheckError):
            unit(images)
        with shapes_unchecked():
            assert unit(images).shape == images.shape


def test_what_a_failed_step_leaves_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    reproducing.a_failed_step_leaves_no_trace(Sound, DATA, monkeypatch)
    caught(
        lambda: reproducing.a_failed_step_leaves_no_trace(broken.HidesState, DATA, monkeypatch),
        "a step that diverged leaves its mark on encoder.weight",
    )


# --- the house -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (broken.OverridesFit, "OverridesFit overrides Estimator.fit, which is final"),
        (broken.OverridesTransform, "OverridesTransform overrides Embedder.transform, which is concrete"),
        (broken.GoesOn, "GoesOn subclasses Last, which is final"),
    ],
)
def test_a_class_that_overrides_is_caught(cls: type, message: str) -> None:
    house.nothing_concrete_is_overridden(Sound)
    caught(lambda: house.nothing_concrete_is_overridden(cls), message)


def test_a_class_that_is_neither_abstract_nor_final_is_caught() -> None:
    house.is_final(broken.Last)
    caught(lambda: house.is_final(Sound), "Sound is neither abstract nor final")


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (broken.DocumentsAnotherDefault, "latent is documented with default=16, the signature says 8"),
        (broken.DocumentsTooLittle, "does not document epochs"),
        (broken.DocumentsTooMuch, "documents depth, which it has not"),
        (broken.OverridesFit, "OverridesFit documents no parameters"),
    ],
)
def test_documentation_that_is_wrong_is_caught(cls: type, message: str) -> None:
    house.documentation_equals_signature(Sound)
    house.defaults_are_documented(Sound)
    caught(lambda: house.documentation_equals_signature(cls), message)


METHOD = """'''One method.'''
from contract.broken import Sound


class {name}(Sound):
    '''One.'''
"""


@pytest.mark.parametrize(
    ("stem", "source", "message"),
    [
        ("one_more", METHOD.format(name="OneMore") + METHOD.format(name="AnotherOne"), "holds 2 estimators"),
        ("one_more", METHOD.format(name="OtherName"), "its name in lower case must be onemore"),
        ("one_more", "'''Nothing.'''", "holds 0 estimators"),
    ],
)
def test_a_file_of_another_shape_is_caught(stem: str, source: str, message: str, tmp_path: Path) -> None:
    right = tmp_path / "right_one.py"
    right.write_text(METHOD.format(name="RightOne"))
    house.one_estimator_a_file(right)
    wrong = tmp_path / f"{stem}.py"
    wrong.write_text(source)
    caught(lambda: house.one_estimator_a_file(wrong), message)


SMALL_HOUSE = {
    "errors.py": "'''Errors.'''",
    "data/source.py": "'''Source.'''\nfrom nolabel.errors import DataError",
    "methods/_base.py": "'''Base.'''\nfrom nolabel.data import source",
    "methods/one.py": "'''One.'''\nfrom nolabel.methods._base import Estimator",
    "report/page.py": "'''Page.'''\nfrom nolabel.methods import all_methods",
}

FAULTS: list[tuple[Callable[[Path], None], Mapping[str, str], str]] = [
    (house.rooms_are_in_order, {"data/a.py": "from nolabel.methods import _base"}, "data stands above methods"),
    (house.rooms_are_in_order, {"data/a.py": "def f():\n    import nolabel.methods"}, "data stands above methods"),
    (house.rooms_are_in_order, {"report/a.py": "import nolabel.serve.app"}, "report stands beside serve"),
    (house.rooms_are_in_order, {"nets/a.py": "import nolabel"}, "the package as a whole"),
    (house.rooms_are_in_order, {"nets/a.py": "from nolabel import methods"}, "nets stands above methods"),
    (house.rooms_are_in_order, {"nets/a.py": "from . import b"}, "relatively"),
    (house.rooms_are_in_order, {"attic/a.py": ""}, "the room 'attic' has no place"),
    (
        house.methods_do_not_know_each_other,
        {"methods/two.py": "from nolabel.methods.one import One"},
        "two.py:1 imports",
    ),
    (
        house.nothing_forbidden_is_imported,
        {"data/a.py": "try:\n    import torchvision.io\nexcept: pass"},
        "a.py:2 imports",
    ),
    (house.files_have_heads, {"data/a.py": "x = 1"}, "do not say what they are: data/a.py"),
    (house.no_utils, {"data/utils.py": "'''Things.'''"}, "utils.py: a file is one idea"),
    (house.nothing_prints, {"data/a.py": "print('hello')"}, "print in the library: data/a.py:1"),
    (
        house.nothing_seeds_globally,
        {"data/a.py": "import torch\ntorch.manual_seed(0)"},
        "a.py:2 calls torch.manual_seed",
    ),
    (house.nothing_seeds_globally, {"data/a.py": "import numpy as np\nnp.random.seed(0)"}, "calls np.random.seed"),
    (house.annotations_are_not_postponed, {"data/a.py": "from __future__ import annotations"}, "no __future__ imports"),
]


@pytest.mark.parametrize(("check", "files", "message"), FAULTS)
def test_a_house_in_disorder_is_caught(
    check: Callable[[Path], None], files: Mapping[str, str], message: str, tmp_path: Path
) -> None:
    _write(tmp_path, SMALL_HOUSE)
    check(tmp_path)
    _write(tmp_path, files)
    caught(lambda: check(tmp_path), re.escape(message))


def _write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


# --- the user --------------------------------------------------------------------------------------------------------

PAGE = (
    "<!DOCTYPE html><html><body><a href='https://example.org'>a link</a>"
    "<img src='data:image/png;base64,AA'>{}</body></html>"
)


@pytest.mark.parametrize(
    "asks",
    [
        "<script src='https://cdn.example.org/plotly.js'></script>",
        '<link rel="stylesheet" href="style.css">',
        "<style>@import 'font.css';</style>",
        "<style>p { background: url(picture.png) }</style>",
        "<script>fetch('data.json')</script>",
    ],
)
def test_a_page_that_needs_a_network_is_caught(asks: str, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(PAGE.format(""))
    user.report_opens_offline(page)
    page.write_text(PAGE.format(asks))
    caught(lambda: user.report_opens_offline(page), "needs what is not in it")
    page.write_text(PAGE.format("x" * 2_000_000))
    caught(lambda: user.report_opens_offline(page, megabytes=1), "has 2.0 MB")


def test_the_dozen_is_there() -> None:
    """Every broken class is used above."""
    text = Path(__file__).read_text(encoding="utf-8")
    faults = [
        name
        for name, cls in vars(broken).items()
        if isinstance(cls, type) and issubclass(cls, Sound) and name not in ("Sound", "Last")
    ]
    assert len(faults) >= 12
    assert not [name for name in faults if name not in text]
