from typing import final

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError
from torch import nn

from nolabel.data import source
from nolabel.data.dataset import Dataset
from nolabel.errors import ArgumentError, DataError
from nolabel.evaluation.evaluate import evaluate
from nolabel.evaluation.reconstruction import bce, mse, psnr, ssim
from nolabel.methods._base import Codec, Embedder, Reconstructor
from nolabel.training.learner import Learner
from nolabel.types import DataSpec


@final
class Projector(Learner, Codec):
    """A linear code that a test can set; dropout and batch norm would betray a learner left in training mode."""

    def __init__(self, spec, width):
        super().__init__()
        self.shape = spec.shape
        self.down = nn.Linear(spec.width, width)
        self.up = nn.Linear(width, spec.width)
        self.drop = nn.Dropout(0.5)

    def encode(self, x):
        return self.down(self.drop(x.flatten(1)))

    def decode(self, z):
        return torch.sigmoid(self.up(z)).reshape(-1, *self.shape)

    def score(self, batch):
        return -mse(batch.x, self.decode(self.encode(batch.x)))


class _Settings:
    def __init__(self, width=4, epochs=None, batch_size=None, learning_rate=1e-3, random_state=0, plan=None):
        self.width = width
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec):
        return Projector(spec, self.width)

    @classmethod
    def tiny(cls):
        return cls()


@final
class Rebuilds(_Settings, Reconstructor):
    pass


@final
class OnlyEmbeds(_Settings, Embedder):
    pass


def as_fitted(kind, spec, **settings):
    """A model whose code is its data's first principal components, without training."""
    model = kind(**settings)
    model.spec_, model.seed_, model.n_features_in_ = spec, 0, spec.width
    model._n_features_out = model.width
    model.learner_ = model._new_learner(0).eval()
    return model


def pictures(samples=60, classes=2, labelled=True, seed=0):
    """8 x 8 images of a bright left or a bright right half, under noise."""
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % classes
    images = rng.integers(0, 120, size=(samples, 1, 8, 8))
    for row, label in enumerate(y):
        images[row, 0, :, 4 * label : 4 * label + 4] += 120
    spec = DataSpec("image", (1, 8, 8), "unit")
    stored = torch.from_numpy(images.astype(np.uint8))
    return Dataset(spec, stored, range(samples), labels=y if labelled else None, classes=["left", "right"])


def seeing(data, **settings):
    """A model that tells left from right."""
    model = as_fitted(Rebuilds, data.spec, **settings)
    with torch.no_grad():
        model.learner_.down.weight.zero_()
        model.learner_.down.weight[0] = torch.tensor([-1.0] * 4 + [1.0] * 4).repeat(8)
    return model


def test_a_model_that_sees_the_classes():
    data = pictures()
    evidence = evaluate(seeing(data), data, seeds=2, k=3)
    assert evidence["k-NN accuracy"].values["model"].mean == 1
    assert evidence["k-means ARI"].values["model"].mean == 1
    assert evidence["linear probe accuracy"].values["model"].mean == 1
    assert evidence["stability of k-means"].values["model"].mean == 1
    for row in evidence.rows:
        expected = {"model", "PCA", "untrained"} | (set() if row.group == "reconstruction" else {"raw"})
        assert set(row.values) == expected, row.measure
    assert evidence.samples == 60


def test_reconstruction_is_decode_of_encode_at_rest():
    data = pictures()
    model = seeing(data)
    model.learner_.train()
    evidence = evaluate(model, data, seeds=2)
    assert all(module.training for module in model.learner_.modules())
    model.learner_.eval()
    x = data.store.float() / 255
    with torch.no_grad():
        rebuilt = model.learner_.decode(model.learner_.encode(x))
    for measure, name in ((bce, "BCE per pixel"), (mse, "MSE per pixel"), (psnr, "PSNR (dB)"), (ssim, "SSIM")):
        assert evidence[name].values["model"].mean == pytest.approx(measure(x, rebuilt).mean().item(), rel=1e-6)
    assert f"below {bce(x, x).mean():.4f}" in evidence["BCE per pixel"].protocol
    assert "7 x 7" in evidence["SSIM"].protocol


def test_pca_of_the_same_width_is_the_best_linear_code():
    data = pictures()
    evidence = evaluate(as_fitted(Rebuilds, data.spec), data, seeds=2)
    row = evidence["MSE per pixel"].values
    assert row["PCA"].mean < row["model"].mean
    assert any(
        note.startswith("The model does not beat PCA in: BCE per pixel, MSE per pixel") for note in evidence.notes
    )


def test_an_embedder_has_no_reconstruction():
    data = pictures()
    evidence = evaluate(as_fitted(OnlyEmbeds, data.spec), data, seeds=2)
    assert {row.group for row in evidence.rows} == {
        "rank",
        "neighbours",
        "probe",
        "label curve",
        "clusters",
        "cluster agreement",
    }


def test_labels_of_the_data_are_used_and_can_be_replaced_or_missing():
    plain, own = pictures(labelled=False), pictures()
    model = seeing(own)
    assert not [row for row in evaluate(model, plain, seeds=2).rows if row.group == "probe"]
    from_data = evaluate(model, own, seeds=2).to_dict()["rows"]
    given = evaluate(model, plain, np.where(np.arange(60) % 2, "right", "left"), seeds=2)
    assert given.to_dict()["rows"] == from_data
    some = [None if row < 20 else "ab"[row % 2] for row in range(60)]
    assert "40 labelled samples" in evaluate(model, plain, some, seeds=2)["k-means NMI"].protocol


def test_larger_data_are_drawn_from_and_this_is_said():
    data = pictures(200)
    evidence = evaluate(seeing(data), data, seeds=2, max_samples=50)
    assert evidence.samples == 50
    assert "50 of 200 samples were drawn at random, with random_state=0." in evidence.notes
    assert evidence.to_dict() == evaluate(seeing(data), data, seeds=2, max_samples=50).to_dict()


def test_tables_of_real_values():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 3)), columns=["a", "b", "c"])
    data = source.open(frame)
    evidence = evaluate(as_fitted(Rebuilds, data.spec), frame, labels=np.arange(40) % 2, seeds=2)
    assert [row.measure for row in evidence.rows if row.group == "reconstruction"] == ["MSE per value"]
    assert "PCA has 3 columns, as many as the data allow; the code has 4." in evidence.notes


def test_a_model_that_was_told_labels_says_so():
    class Told(_Settings, Embedder):
        uses_labels = True

    data = pictures()
    assert any("learned from labels" in note for note in evaluate(as_fitted(Told, data.spec), data, seeds=2).notes)


def test_the_model_and_the_world_are_left_as_they_were():
    data = pictures()
    model = seeing(data)
    weights = {name: value.clone() for name, value in model.learner_.state_dict().items()}
    known = set(vars(model))
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    evaluate(model, data, seeds=2)
    assert set(vars(model)) == known
    assert not any(parameter.grad is not None for parameter in model.learner_.parameters())
    assert all(torch.equal(value, model.learner_.state_dict()[name]) for name, value in weights.items())
    assert np.array_equal(numpy_state, np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(torch_state, torch.get_rng_state())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seeds": 0}, "seeds must be a whole number of at least 1; got 0"),
        ({"k": -1}, "k must be a whole number of at least 1; got -1"),
        ({"max_samples": 3}, "max_samples must be at least 10, for evaluate needs so many; got 3"),
        ({"labels": [0, 1]}, "2 entries and the data 60 samples"),
    ],
)
def test_wrong_arguments_are_named(wrong, message):
    data = pictures()
    with pytest.raises((ArgumentError, DataError), match=message):
        evaluate(seeing(data), data, **wrong)


def test_what_is_no_fitted_model_is_refused():
    data = pictures()
    with pytest.raises(ArgumentError, match="model must be a fitted nolabel estimator"):
        evaluate(nn.Linear(2, 2), data)
    with pytest.raises(NotFittedError):
        evaluate(Rebuilds(), data)
    with pytest.raises(DataError, match="needs 10 samples or more; got 4: give more data$"):
        evaluate(seeing(data), pictures(4))


def test_whole_numbers_are_any_that_numpy_has():
    data = pictures()
    given = evaluate(seeing(data), data, seeds=np.int64(2), max_samples=np.int32(50), k=np.uint8(5))
    assert given.to_dict() == evaluate(seeing(data), data, seeds=2, max_samples=50, k=5).to_dict()


def test_codes_that_are_not_finite_are_refused():
    data = pictures()
    model = seeing(data)
    with torch.no_grad():
        model.learner_.down.bias[0] = torch.nan
    with pytest.raises(DataError, match="the model gives codes with NaN or infinite values for 60 of 60 samples"):
        evaluate(model, data)
