"""What is special about Classifier: where it begins, what it trains, which samples it meets, and how sure it is."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone

import nolabel
from nolabel import Autoencoder, Classifier
from nolabel.data import toys
from nolabel.data.sampler import split_rows
from nolabel.errors import ArgumentError, DataError, DivergedError, SavedModelError, TrainingInterrupted
from nolabel.objectives.calibration import calibration_error

DATA = toys.blobs(150, 8)
CLASSES: Any = DATA.labels
KNOWN = np.where(np.arange(150) % 3 == 0, CLASSES, -1)
GIVEN: dict[str, Any] = {"epochs": 4, "batch_size": 25, "random_state": 0, "calibration": "none", "backbone": "mlp"}


@pytest.fixture(scope="module")
def encoder() -> Any:
    return Autoencoder(hidden=(16, 12), latent=6, epochs=5, random_state=0).fit(DATA)


def fitted(encoder: Any = None, y: Any = KNOWN, **arguments: Any) -> Any:
    start = {} if encoder is None else {"pretrained": encoder, "backbone": "auto"}
    return Classifier(**{**GIVEN, **start, **arguments}).fit(DATA, y)


def test_it_names_classes_from_scratch_and_from_a_model(encoder: Any):
    for model in (fitted(epochs=30), fitted(encoder, epochs=30)):
        assert model.score(DATA, CLASSES) > 0.9
        assert model.predict_proba(DATA).shape == (150, 3)


def test_it_begins_with_the_models_codes(encoder: Any):
    model = fitted(encoder, freeze=True)
    assert np.array_equal(model.transform(DATA), encoder.transform(DATA))
    assert model.spec_ == encoder.spec_
    assert not np.array_equal(fitted(encoder).transform(DATA), encoder.transform(DATA))


def test_the_model_itself_stays_as_it_is(encoder: Any):
    before = {name: value.clone() for name, value in encoder.learner_.state_dict().items()}
    fitted(encoder)
    assert all(torch.equal(value, before[name]) for name, value in encoder.learner_.state_dict().items())
    assert all(parameter.requires_grad for parameter in encoder.learner_.parameters())


def test_a_share_of_the_blocks_is_frozen(encoder: Any):
    model = fitted(encoder, freeze=0.34)
    first, *rest = model.learner_.blocks
    own, theirs = dict(model.learner_.named_parameters()), encoder.learner_.state_dict()
    for block, stays in [(first, True), *((block, False) for block in rest)]:
        for name in block.parameters:
            assert torch.equal(own[name].detach(), theirs[name.removeprefix("encoder.")]) == stays, name
    assert not any(parameter.requires_grad for name, parameter in own.items() if "decoder" in name)


def test_frozen_statistics_are_not_updated():
    model = Classifier(**{**GIVEN, "freeze": True}).fit(DATA, KNOWN)
    first = model._new_learner(model.seed_)
    moved = [
        name
        for name, value in first.encoder.named_buffers()
        if not torch.equal(value, dict(model.learner_.encoder.named_buffers())[name])
    ]
    assert not moved


def test_blocks_learn_more_slowly_towards_the_data(encoder: Any):
    learner = fitted(encoder, layer_decay=0.5).learner_
    rates = learner.rates()
    assert [rates[block.parameters[0]] for block in learner.blocks] == [0.25, 0.5, 1.0]
    assert rates["head.weight"] == 1  # which begins as the probe
    assert fitted(layer_decay=0.5).learner_.rates()["head.weight"] == 10  # which begins from nothing


@pytest.mark.parametrize("classes", [2, 3])
def test_it_begins_where_the_linear_probe_ends(encoder: Any, classes: int):
    y = np.where(classes > CLASSES, KNOWN, -1)
    start = fitted(encoder, y, epochs=1, learning_rate=1e-12)
    part = DATA.subset(np.flatnonzero(y >= 0))
    probe = nolabel.probe(encoder, part, y[y >= 0])
    assert np.allclose(start.predict_proba(DATA), probe.predict_proba(DATA), atol=1e-3)


@pytest.mark.parametrize("each", [1, 3])
def test_fine_tuning_is_not_worse_than_the_probe_on_few_labels(each: int):
    digits = nolabel.open("digits").subset(np.arange(600))
    y: Any = digits.labels
    model = Autoencoder(epochs=10, random_state=0).fit(digits)
    tuned, probed = [], []
    for draw in range(3):
        rng = np.random.default_rng(draw)
        rows = np.concatenate([rng.choice(np.flatnonzero(y == code), each, replace=False) for code in range(10)])
        few, rest = digits.subset(rows), np.setdiff1d(np.arange(600), rows)
        given: Any = {"random_state": draw, "calibration": "none", "epochs": 30}
        tuned.append(nolabel.finetune(model, few, y[rows], **given).score(digits.subset(rest), y[rest]))
        probed.append(nolabel.probe(model, few, y[rows]).score(digits.subset(rest), y[rest]))
    assert np.mean(tuned) > np.mean(probed) - 0.01


def test_the_head_does_not_begin_with_labels_that_are_held_out(encoder: Any):
    plan = {"holdout": 0.3, "patience": 2}
    start = fitted(encoder, plan=plan, epochs=1, learning_rate=1e-12)
    rows = np.flatnonzero(KNOWN >= 0)
    trained, held = split_rows(len(rows), 0.3, 0)
    swapped = KNOWN.copy()
    swapped[rows[held]] = (KNOWN[rows[held]] + 1) % 3
    other = fitted(encoder, swapped, plan=plan, epochs=1, learning_rate=1e-12)
    assert np.array_equal(other.predict_proba(DATA), start.predict_proba(DATA))
    swapped = KNOWN.copy()
    swapped[rows[trained]] = (KNOWN[rows[trained]] + 1) % 3
    other = fitted(encoder, swapped, plan=plan, epochs=1, learning_rate=1e-12)
    assert not np.allclose(other.predict_proba(DATA), start.predict_proba(DATA), atol=0.1)


def test_unlabelled_samples_are_not_met():
    known = np.flatnonzero(KNOWN >= 0)
    alone = Classifier(**GIVEN).fit(DATA.subset(known), KNOWN[known])
    among = fitted()
    assert np.array_equal(among.transform(DATA), alone.transform(DATA))
    assert np.array_equal(among.predict_proba(DATA), alone.predict_proba(DATA))


def test_a_saved_one_needs_the_model_it_began_with_no_more(encoder: Any, tmp_path: Path):
    encoder.save(tmp_path / "encoder")
    model = fitted(str(tmp_path / "encoder"))
    assert np.array_equal(model.transform(DATA), fitted(encoder).transform(DATA))
    shutil.rmtree(tmp_path / "encoder")
    model.save(tmp_path / "saved")
    again = nolabel.load(tmp_path / "saved")
    assert np.array_equal(again.predict_proba(DATA), model.predict_proba(DATA))
    assert again.temperature_ == model.temperature_
    again.save(tmp_path / "twice")
    assert np.array_equal(nolabel.load(tmp_path / "twice").predict_proba(DATA), model.predict_proba(DATA))
    assert again.partial_fit(DATA, KNOWN).predict(DATA).shape == (150,)
    assert np.array_equal(
        model.untrained().transform(DATA), nolabel.load(tmp_path / "saved").untrained().transform(DATA)
    )
    with pytest.raises(ArgumentError, match="description of a Autoencoder whose weights"):
        clone(again).fit(DATA, KNOWN)


def test_a_clone_begins_with_the_same_model(encoder: Any):
    model = fitted(encoder)
    copy = clone(model)
    assert copy.pretrained is encoder
    assert np.array_equal(copy.fit(DATA, KNOWN).predict_proba(DATA), model.predict_proba(DATA))


def test_it_can_begin_with_a_classifier(encoder: Any, tmp_path: Path):
    model = fitted(fitted(encoder))
    model.save(tmp_path / "nested")
    assert np.array_equal(nolabel.load(tmp_path / "nested").transform(DATA), model.transform(DATA))


def test_classes_weigh_alike_if_asked():
    rare = np.where((CLASSES == 0) & (np.arange(150) % 5 > 0), -1, CLASSES)
    plain, balanced = fitted(y=rare), fitted(y=rare, class_weight="balanced")
    count = np.bincount(rare[rare >= 0])
    assert balanced.learner_.weights == pytest.approx(tuple(count.sum() / 3 / count))
    assert plain.learner_.weights is None
    assert balanced.predict_proba(DATA)[:, 0].mean() > plain.predict_proba(DATA)[:, 0].mean()


def noisy() -> tuple[Any, Any]:
    """Two classes that overlap, as rows of a table: nobody can be sure."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 700)
    return rng.normal(size=(700, 6)) + 0.6 * y[:, None], y


@pytest.mark.parametrize("way", ["cross", "holdout"])
def test_probabilities_become_truer(way: str):
    X, y = noisy()
    told = np.where(np.arange(700) < 300, y, -1)
    given = {**GIVEN, "epochs": 25, "learning_rate": 0.003}
    plain = Classifier(**given).fit(X, told)
    calibrated = Classifier(**{**given, "calibration": way}).fit(X, told)
    errors = [calibration_error(model.predict_proba(X[300:]), y[300:]) for model in (plain, calibrated)]
    assert calibrated.temperature_ > 1.2
    assert errors[1] < 0.7 * errors[0]
    if way == "cross":  # the same network, whose answers stay as they are
        assert np.array_equal(plain.transform(X), calibrated.transform(X))
        assert np.array_equal(plain.predict(X), calibrated.predict(X))


def test_too_few_labels_are_said_not_to_calibrate():
    model = fitted(y=np.where(np.arange(150) < 6, CLASSES, -1), calibration="auto")
    assert model.temperature_ == 1
    assert any("not calibrated: 6 labels" in verdict.text for verdict in model.health_)


def test_a_class_with_one_label_does_not_blur_the_others():
    X = np.random.default_rng(0).normal(size=(60, 4)) + 4 * np.eye(4)[np.arange(60) % 4]
    y = np.where(np.arange(60) < 40, np.arange(60) % 4, -1)
    y[40:50] = np.arange(4, 14)  # ten classes with one sample each, which no other network can have learned
    model = Classifier(**{**GIVEN, "calibration": "cross", "epochs": 15, "learning_rate": 0.003}).fit(X, y)
    assert model.temperature_ < 3
    alone = Classifier(**{**GIVEN, "calibration": "auto"}).fit(X, np.where(np.arange(60) < 20, np.arange(60), -1))
    assert alone.temperature_ == 1
    assert any("not calibrated" in verdict.text for verdict in alone.health_)


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.inner(x))


def test_a_network_of_the_users_is_given_again_when_a_classifier_is_loaded(tmp_path: Path):
    begun = nolabel.SimCLR(backbone=Net(), epochs=1, random_state=0).fit(DATA)
    for name, model in {"tuned": fitted(begun), "scratch": fitted(backbone=Net())}.items():
        model.save(tmp_path / name)
        with pytest.raises(SavedModelError, match=r"backbone=Net\(\.\.\.\)"):
            nolabel.load(tmp_path / name)
        again = nolabel.load(tmp_path / name, backbone=Net())
        assert np.array_equal(again.predict_proba(DATA), model.predict_proba(DATA))


def test_an_interruption_while_the_temperature_is_looked_for_can_be_resumed(
    encoder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    given: Any = {**GIVEN, "backbone": "auto", "pretrained": encoder, "calibration": "cross"}
    whole = Classifier(**given).fit(DATA, KNOWN)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(TrainingInterrupted, match="resume finds the temperature"):
        patch.setattr(Classifier, "_judged_by_another", stop)
        Classifier(**given).fit(DATA, KNOWN, out=tmp_path / "run")
    resumed = Classifier(**given).fit(DATA, KNOWN, out=tmp_path / "run", resume=True)
    assert resumed.temperature_ == whole.temperature_
    assert np.array_equal(resumed.predict_proba(DATA), whole.predict_proba(DATA))


def test_a_temperature_that_cannot_be_found_costs_no_model(encoder: Any, monkeypatch: pytest.MonkeyPatch):
    def diverge(*_: Any) -> None:
        raise DivergedError("as if", 1)

    monkeypatch.setattr(Classifier, "_judged_by_another", diverge)
    model = fitted(encoder, calibration="cross")
    assert model.temperature_ == 1
    assert any("not calibrated" in verdict.text for verdict in model.health_)


def test_a_score_takes_names_or_numbers_one_for_each_sample():
    model = fitted()
    assert model.score(DATA, CLASSES.astype(str)) == model.score(DATA, CLASSES[:, None]) == model.score(DATA, CLASSES)
    with pytest.raises(DataError, match="one label for each of the 150 samples"):
        model.score(DATA, CLASSES[:3])


def test_bad_input_is_refused_in_words(encoder: Any):
    with pytest.raises(ArgumentError, match="pretrained must be fitted"):
        fitted(Autoencoder())
    with pytest.raises(ArgumentError, match="pretrained must be a fitted model, the folder of one"):
        fitted(7)
    with pytest.raises(ArgumentError, match="backbone must be 'auto' with pretrained"):
        fitted(encoder, backbone="mlp")
    with pytest.raises(ArgumentError, match="freeze must be at least 0 and at most 1"):
        fitted(freeze=1.5)
    with pytest.raises(ArgumentError, match="layer_decay must be above 0"):
        fitted(layer_decay=0.0)
    with pytest.raises(DataError, match="every known label is"):
        fitted(y=np.where(CLASSES == 1, 1, -1))
    counted = nolabel.SOM(epochs=1, random_state=0).fit(DATA)
    with pytest.raises(ArgumentError, match=r"learns by gradients; got a SOM.*nolabel\.probe"):
        fitted(counted)
    model = fitted()
    with pytest.raises(DataError, match="no sample of this part has a known label"):
        model.partial_fit(DATA, np.full(150, -1))


def test_global_generators_are_left_alone(encoder: Any):
    before = torch.random.get_rng_state()
    fitted(encoder, calibration="cross", epochs=1)
    assert torch.equal(before, torch.random.get_rng_state())
