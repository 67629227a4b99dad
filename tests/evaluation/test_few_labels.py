"""Probe, finetune, suggest and the label budget, on planted classes."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import nolabel
from nolabel import Autoencoder
from nolabel.data import toys
from nolabel.errors import ArgumentError, DataError, OutputError, SavedModelError
from nolabel.evaluation.budget import WAYS, LabelBudget, label_budget
from nolabel.evaluation.probing import EMBEDDER, Probe, accuracy_by_folds, is_probe, probe
from nolabel.evaluation.suggesting import Suggestions, suggest, typical

DATA = toys.blobs(150, 8)
CLASSES: Any = DATA.labels
KNOWN = np.where(np.arange(150) % 5 == 0, CLASSES, -1)


@pytest.fixture(scope="module")
def model() -> Any:
    return Autoencoder(hidden=(16,), latent=6, epochs=5, random_state=0).fit(DATA)


# --- probe -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["logistic", "knn"])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_probe_names_classes_and_is_kept(model: Any, kind: Any, classes: int, tmp_path: Path):
    y = np.where(classes > CLASSES, KNOWN, -1)
    made = probe(model, DATA, y, kind=kind)
    assert made.classes_.tolist() == list(range(classes))
    rows = np.flatnonzero(classes > CLASSES)
    part = DATA.subset(rows)
    assert made.score(part, CLASSES[rows]) > 0.9
    p = made.predict_proba(DATA)
    assert np.allclose(p.sum(1), 1)
    assert np.array_equal(made.predict(DATA), made.classes_[p.argmax(1)])
    folder = made.save(tmp_path / "probe")
    assert is_probe(folder)
    again = Probe.load(shutil.move(folder, tmp_path / "moved"))
    assert np.array_equal(again.predict_proba(DATA), p)
    assert again.classes_.tolist() == made.classes_.tolist()


def test_a_linear_probe_is_scikit_learns(model: Any):
    from sklearn.linear_model import LogisticRegression

    from nolabel.evaluation.scaling import evenly

    rows = KNOWN >= 0
    codes = evenly(np.asarray(model.transform(DATA)))
    theirs = LogisticRegression(max_iter=1000, tol=1e-3).fit(codes[rows], KNOWN[rows]).predict_proba(codes)
    assert np.allclose(probe(model, DATA, KNOWN).predict_proba(DATA), theirs, atol=1e-5)


def test_accuracy_is_taken_on_parts_that_were_not_learned(model: Any):
    shuffled = np.random.default_rng(0).permutation(CLASSES)
    assert np.mean(accuracy_by_folds(model, DATA, CLASSES)) > 0.9
    assert np.mean(accuracy_by_folds(model, DATA, shuffled, kind="knn", k=1)) < 0.6  # though k = 1 recalls all labels
    one_each = np.full(150, -1)
    one_each[[np.flatnonzero(code == CLASSES)[0] for code in range(3)]] = range(3)
    assert accuracy_by_folds(model, DATA, one_each) == []


def test_a_damaged_probe_is_refused(model: Any, tmp_path: Path):
    folder = probe(model, DATA, KNOWN).save(tmp_path / "probe")
    with pytest.raises(SavedModelError):
        nolabel.load(folder)  # it is no model; its model lies in it
    assert nolabel.load(folder / EMBEDDER).transform(DATA).shape == (150, 6)
    facts = (folder / "probe.json").read_text()
    (folder / "probe.json").write_text(facts.replace('"k": 20', '"k": 21'))
    with pytest.raises(SavedModelError, match="was changed after it was saved"):
        Probe.load(folder)
    (folder / "probe.json").write_text(facts)
    (folder / "probe.safetensors").write_bytes(b"")
    with pytest.raises(SavedModelError, match="damaged"):
        Probe.load(folder)


def test_the_network_of_the_user_is_given_again(tmp_path: Path):
    net = torch.nn.Linear(8, 5)
    made = probe(nolabel.SimCLR(backbone=net, epochs=1, random_state=0).fit(DATA), DATA, KNOWN)
    folder = made.save(tmp_path / "probe")
    with pytest.raises(SavedModelError, match="backbone=Linear"):
        Probe.load(folder)
    again = Probe.load(folder, backbone=torch.nn.Linear(8, 5))
    assert np.array_equal(again.predict_proba(DATA), made.predict_proba(DATA))
    with pytest.raises(DataError, match="one label for each of the 150 samples"):
        made.score(DATA, CLASSES[:3])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "forest"}, "kind must be one of 'logistic', 'knn'"),
        ({"k": 0}, "k must be a whole number"),
        ({"c": 0.0}, "c must be a number above 0"),
    ],
)
def test_a_probe_refuses_in_words(model: Any, arguments: dict[str, Any], words: str):
    with pytest.raises(ArgumentError, match=words):
        probe(model, DATA, KNOWN, **arguments)


def test_labels_are_refused_in_words(model: Any):
    for verb in (nolabel.probe, nolabel.finetune):
        with pytest.raises(DataError, match="ids are not in the data: '999'"):
            verb(model, DATA, {"999": "a", "1": "b"})
        with pytest.raises(DataError, match="every known label is"):
            verb(model, DATA, {"0": "a", "1": "a"})
        with pytest.raises(DataError, match="149 entries and the data 150"):
            verb(model, DATA, CLASSES[:-1])
        with pytest.raises(ArgumentError, match="model must be a fitted nolabel estimator"):
            verb(object(), DATA, KNOWN)


# --- finetune --------------------------------------------------------------------------------------------------------


def test_a_fine_tuned_classifier_calls_classes_as_they_were_called(model: Any, tmp_path: Path):
    settings: Any = {"epochs": 80, "learning_rate": 0.003, "random_state": 0, "calibration": "none"}
    numbers = nolabel.finetune(model, DATA, KNOWN, **settings)
    assert numbers.classes_.tolist() == [0, 1, 2]
    assert numbers.score(DATA, CLASSES) > 0.9
    words = {str(row): "abc"[CLASSES[row]] for row in range(0, 150, 5)}
    named = nolabel.finetune(model, DATA, words, **settings)
    assert named.classes_.tolist() == ["a", "b", "c"]
    assert np.array_equal(named.predict_proba(DATA), numbers.predict_proba(DATA))
    run = model.save(tmp_path / "encoder")
    again = nolabel.finetune(str(run), DATA, KNOWN, out=tmp_path / "run", **settings)
    assert np.array_equal(nolabel.load(tmp_path / "run").predict(DATA), again.predict(DATA))


# --- suggest ---------------------------------------------------------------------------------------------------------


def groups(sizes: tuple[int, ...] = (60, 40, 20), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(sizes)), sizes)
    return (5 * np.eye(len(sizes))[y] + rng.normal(0, 0.4, (len(y), len(sizes)))).astype(np.float32), y


def test_each_group_gives_its_middle_the_largest_first():
    codes, y = groups()
    found = suggest(codes, n=3)
    assert y[found.rows].tolist() == [0, 1, 2]
    assert found.sizes.tolist() == [60, 40, 20]
    for row in found.rows:
        inside = codes[y == y[row]]
        apart = np.linalg.norm(inside - inside.mean(0), axis=1)
        assert np.linalg.norm(codes[row] - inside.mean(0)) < np.median(apart)


def test_the_most_typical_is_that_of_the_equation():
    codes, _ = groups((30, 25))
    chosen, _ = typical(codes, 2, np.zeros(55, dtype=bool), seed=0)
    for row, members in zip(chosen, (range(30), range(30, 55))):
        density = {}
        for one in members:
            near = sorted(float(np.linalg.norm(codes[one] - codes[other])) for other in members if other != one)[:20]
            density[one] = 1 / np.mean(near)
        assert row == max(density, key=density.__getitem__)


def test_what_is_labelled_is_said_by_id_too():
    codes, _ = groups()
    said = suggest(codes, n=2, labelled={0: "a", 1: "a"})
    assert said.ids == suggest(codes, n=2, labelled=np.where(np.arange(120) < 2, 0, -1)).ids
    with pytest.raises(DataError, match="every sample has a label already"):
        suggest(codes, n=2, labelled=np.zeros(120))


def test_what_is_labelled_is_covered():
    codes, y = groups()
    labelled = np.where(np.isin(np.arange(120), [0, 1, 2]), 0, -1)  # all of the largest group
    found = suggest(codes, n=2, labelled=labelled)
    assert not set(found.rows) & {0, 1, 2}
    assert {1, 2} & set(y[found.rows].tolist())


def test_all_can_be_asked_for_and_no_more():
    codes, _ = groups((6, 4))
    found = suggest(codes, n=10)
    assert sorted(found.rows.tolist()) == list(range(10))
    with pytest.raises(DataError, match="11 samples were asked for, and 10"):
        suggest(codes, n=11)
    same = suggest(np.ones((8, 2)), n=5)
    assert len(set(same.rows.tolist())) == 5


def test_the_same_seed_gives_the_same_samples_and_large_data_are_drawn_from(model: Any):
    one, other = (suggest(model, DATA, 12) for _ in range(2))
    assert one.rows.tolist() == other.rows.tolist()
    assert len(set(one.rows.tolist())) == 12
    drawn = suggest(model, DATA, 12, max_samples=60)
    assert drawn.total == 150
    assert drawn.sizes.sum() == pytest.approx(150, abs=12)


def test_the_table_serves_as_labels_once_it_is_filled_in(model: Any, tmp_path: Path):
    found: Suggestions = suggest(model, DATA, 9)
    file = found.save(tmp_path / "first.csv")
    frame = pd.read_csv(file, dtype=str)
    assert frame.columns.tolist() == ["id", "label", "rank", "why"]
    assert frame["why"][0].startswith("most typical of ")
    frame["label"] = ["abc"[CLASSES[int(name)]] for name in frame["id"]]
    frame.to_csv(file, index=False)
    assert probe(model, DATA, file).score(DATA, np.array(list("abc"))[CLASSES]) > 0.8
    assert not set(suggest(model, DATA, 5, labelled=file).rows) & set(found.rows)


def test_suggest_refuses_in_words(model: Any):
    with pytest.raises(ArgumentError, match="n must be a whole number"):
        suggest(model, DATA, 0)
    with pytest.raises(ArgumentError, match="data is missing"):
        suggest(model)
    with pytest.raises(ArgumentError, match="model must be a fitted estimator, its folder, or codes"):
        suggest([1.0, 2.0], n=1)
    with pytest.raises(DataError, match="NaN"):
        suggest(np.full((5, 2), np.nan), n=1)


# --- label budget ----------------------------------------------------------------------------------------------------


def test_the_budget_tells_what_labels_buy(model: Any, tmp_path: Path):
    found = label_budget(model, DATA, CLASSES, per_class=(2, 1, 999), draws=2, epochs=2, batch_size=8)
    assert list(found.accuracies) == list(WAYS)
    for row in found.accuracies.values():
        assert list(row) == [1, 2]
        assert all(len(values) == 2 and 0 <= min(values) <= max(values) <= 1 for values in row.values())
    assert np.mean(found.accuracies["probe"][2]) > 0.6
    assert found.asked == 30
    assert found.table().splitlines()[0].split() == ["labels", "fine-tuned", "probe", "from", "scratch"]
    assert found.to_frame()["labels"].tolist() == [3, 6] * 3
    found.save(tmp_path)
    kept = LabelBudget.load(tmp_path)
    assert kept == found
    assert LabelBudget.load(tmp_path / "none") is None
    again = label_budget(model, DATA, CLASSES, per_class=(2, 1), draws=2, epochs=2, batch_size=8)
    assert again == found


def test_the_budget_refuses_in_words(model: Any):
    with pytest.raises(ArgumentError, match="per_class must be whole numbers"):
        label_budget(model, DATA, CLASSES, per_class=())
    with pytest.raises(ArgumentError, match="draws must be"):
        label_budget(model, DATA, CLASSES, draws=0)
    with pytest.raises(OutputError, match="cannot write"):
        LabelBudget({}, 1, 1, "").save("no/such/folder")
    with pytest.raises(DataError, match="smallest class has fewer labels"):
        label_budget(model, DATA, CLASSES, per_class=(500,))
