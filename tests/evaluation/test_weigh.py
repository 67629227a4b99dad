import numpy as np
import pytest
import torch

from nolabel.evaluation.labels import Classes
from nolabel.evaluation.repeats import Repeats
from nolabel.evaluation.weigh import Measured, weigh


def planted(samples=120, classes=3, seed=0):
    """The model sees the classes; PCA and raw values see them through noise; the untrained network hardly."""
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % classes
    centres = rng.normal(size=(classes, 4))
    codes = {
        name: (centres[y] + noise * rng.normal(size=(samples, 4))).astype(np.float32)
        for name, noise in {"model": 0.05, "raw": 0.8, "PCA": 0.9, "untrained": 3.0}.items()
    }
    return codes, y


def classes_of(y, names=("a", "b", "c")):
    return Classes(np.asarray(y, dtype=np.int64), tuple(names))


def measures(evidence):
    return [row.measure for row in evidence.rows]


def test_everything_with_labels():
    codes, y = planted()
    evidence = weigh(Measured(codes), classes_of(y), Repeats(3, 0), 5)
    for row in evidence.rows:
        assert set(row.values) == {"model", "raw", "PCA", "untrained"}, row.measure
        assert row.protocol
    for measure in ("k-NN accuracy", "linear probe accuracy", "k-means NMI"):
        means = {name: cell.mean for name, cell in evidence[measure].values.items()}
        assert means["model"] > 0.95
        assert means["model"] > means["raw"] > means["untrained"], measure
        assert evidence[measure].values["model"].n == 3
    assert [row.labels_per_class for row in evidence.rows if row.group == "label curve"] == [1, 2, 5, 10]
    assert len(measures(evidence)) == len(set(measures(evidence)))


def test_label_free_measures_without_labels():
    codes, _ = planted()
    evidence = weigh(Measured(codes), None, Repeats(3, 0), 5)
    assert {row.group for row in evidence.rows} == {"rank", "clusters"}
    assert "k = 3" in evidence["stability of k-means"].protocol  # found by silhouette
    assert evidence["stability of k-means"].values["model"].mean == pytest.approx(1)


def test_reconstruction_rows_have_the_mean_over_all_and_a_spread():
    codes, _ = planted()
    rng = np.random.default_rng(0)
    scores = {name: {"BCE": rng.random(120), "PSNR": rng.random(120)} for name in ("model", "PCA", "untrained")}
    evidence = weigh(Measured(codes, scores, floor=0.1234, window=7), None, Repeats(4, 0), 5)
    row = evidence["BCE per pixel"]
    assert row.values["model"].mean == pytest.approx(scores["model"]["BCE"].mean())
    assert 0 < row.values["model"].sd < 0.3
    assert "0.1234" in row.protocol
    assert "raw" not in row.values
    assert evidence["PSNR (dB)"].higher_is_better is True


def test_same_seed_same_evidence_and_global_state_untouched():
    codes, y = planted(60)
    threads = torch.get_num_threads()
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    one, two = (weigh(Measured(codes), classes_of(y), Repeats(2, 7), 5).to_dict() for _ in range(2))
    assert one == two
    assert one != weigh(Measured(codes), classes_of(y), Repeats(2, 8), 5).to_dict()
    assert np.array_equal(numpy_state, np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(torch_state, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_unknown_labels_are_ignored():
    codes, y = planted(240)
    hidden = y.copy()
    hidden[::2] = -1
    codes = {name: of.copy() for name, of in codes.items()}
    evidence = weigh(Measured(codes), classes_of(hidden), Repeats(2, 0), 5)
    assert "96 to learn from and 24 asked" in evidence["k-NN accuracy"].protocol
    assert "120 labelled samples" in evidence["k-means NMI"].protocol
    assert evidence["k-means NMI"].values["model"].mean == pytest.approx(1)
    spoiled = {name: of.copy() for name, of in codes.items()}
    for of in spoiled.values():
        of[hidden < 0] = np.random.default_rng(1).normal(size=(120, 4)) * 9
    again = weigh(Measured(spoiled), classes_of(hidden), Repeats(2, 0), 5)
    assert again["k-NN accuracy"].values == evidence["k-NN accuracy"].values
    assert again["linear probe accuracy"].values == evidence["linear probe accuracy"].values


@pytest.mark.parametrize("y", [np.zeros(120), np.full(120, -1)])
def test_one_class_or_none_leaves_the_labelled_rows_out(y):
    codes, _ = planted()
    evidence = weigh(Measured(codes), classes_of(y, ["only"]), Repeats(2, 0), 5)
    assert {row.group for row in evidence.rows} == {"rank", "clusters"}
    assert any("need two classes" in note for note in evidence.notes)


def test_small_classes_are_left_out_by_name():
    codes, y = planted()
    y = np.where(np.arange(120) < 119, y % 2, 2)
    evidence = weigh(Measured(codes), classes_of(y, ["a", "b", "lonely"]), Repeats(2, 0), 5)
    assert any("'lonely'" in note for note in evidence.notes)
    assert "2 classes" in evidence["k-NN accuracy"].protocol


def test_the_label_curve_says_where_and_why_it_ends():
    codes, y = planted(30)
    evidence = weigh(Measured(codes), classes_of(y), Repeats(2, 0), 5)
    note = next(note for note in evidence.notes if "labels a class is left out" in note)
    assert "Accuracy with 10, 50, 100 labels a class" in note
    assert "only 8 labelled" in note


def test_more_neighbours_wanted_than_there_are():
    codes, y = planted(30)
    evidence = weigh(Measured(codes), classes_of(y), Repeats(2, 0), 500)
    assert "k = 24 nearest" in evidence["k-NN accuracy"].protocol
    assert any("lowered from 500 to 24" in note for note in evidence.notes)


@pytest.mark.parametrize("labelled", [True, False])
def test_constant_codes_are_measured_and_named(labelled):
    codes, y = planted()
    codes["model"] = np.full_like(codes["model"], 0.37)
    evidence = weigh(Measured(codes), classes_of(y) if labelled else None, Repeats(2, 0), 5)
    assert evidence["effective rank"].values["model"].mean == pytest.approx(1, abs=1e-5)
    assert evidence["active units"].values["model"].mean == 0
    assert any(note.startswith("All codes of model are the same") for note in evidence.notes)
    assert any(note.startswith("k-means on model") for note in evidence.notes)
    if labelled:
        assert evidence["linear probe accuracy"].values["model"].mean == pytest.approx(1 / 3)
        assert any("does not beat the untrained network" in note for note in evidence.notes)


def test_a_single_repeat_has_no_spread():
    codes, y = planted()
    evidence = weigh(Measured(codes), classes_of(y), Repeats(1, 0), 5)
    assert np.isnan(evidence["k-NN accuracy"].values["model"].sd)
    assert evidence.to_dict()["rows"][0]["values"]["model"]["sd"] is None
    assert "±" not in evidence.table()


def test_ten_samples_are_enough():
    codes, y = planted(10)
    evidence = weigh(Measured(codes), classes_of(y % 2, "ab"), Repeats(5, 0), 20)
    assert evidence.samples == 10
    assert weigh(Measured(codes), None, Repeats(5, 0), 20).rows
