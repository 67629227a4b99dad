"""`nolabel.judge` from end to end on toys: counts, seeds, floor and ceiling, refusals."""

import json

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

import nolabel
from nolabel.data.toy_clips import moving_digits
from nolabel.data.toys import blobs, stripes
from nolabel.errors import ArgumentError, DataError


def pixels(x):
    """Means of patches and of the steps between neighbours: 24 features that need no training."""
    pool = torch.nn.functional.adaptive_avg_pool2d
    steps = [pool(5 * x.diff(dim=axis).abs(), 2) for axis in (2, 3)]
    return torch.cat([part.flatten(1) for part in (pool(x, 4), *steps)], dim=1)


@pytest.fixture(scope="module")
def model():
    return nolabel.VAE(latent=2, epochs=3, random_state=0).fit(stripes(120, size=8))


@pytest.fixture(scope="module")
def found(model):
    return nolabel.judge(model, stripes(120, size=8), features=pixels, n=50)


def test_every_measure_has_a_floor_and_a_ceiling(found):
    names = ["FID", "KID", "precision", "recall", "density", "coverage", "authenticity", "class imbalance"]
    assert [row.measure for row in found.rows] == names
    for row in found.rows:
        assert np.isfinite([row.value, row.floor, row.ceiling]).all(), row
    assert found["FID"].floor < found["FID"].value
    assert found["FID"].floor < found["FID"].ceiling
    assert found["coverage"].floor > found["coverage"].ceiling
    assert sum(one.samples for one in found.classes) == pytest.approx(1)
    assert sum(one.reference for one in found.classes) == pytest.approx(1)
    assert [one.name for one in found.classes] == list(stripes(9).classes)


def test_the_protocol_says_all_that_the_numbers_rest_on(found, model):
    assert vars(found.protocol) == {
        "samples": f"50 samples of VAE (3 epochs, seed {model.seed_})",
        "reference": "50 of 60 samples of one half of stripes",
        "floor": "50 of 60 samples of the other half of stripes",
        "ceiling": "50 samples of noise, even over [0, 1]",
        "features": "24, the caller's own 'pixels'",
        "sizes": "8 x 8 pixels, 1 channel, as they came, not resized",
        "seed": 0,
    }
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["protocol"]["reference"].startswith("50 of 60")


def test_the_same_seed_gives_the_same_numbers_and_nothing_else_moves(found, model):
    weights = [weight.clone() for weight in model.learner_.parameters()]
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    again = nolabel.judge(model, stripes(120, size=8), features=found.features, n=50)
    assert again.to_dict() == found.to_dict()
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.random.get_state()[1].tolist() == numpy_state  # noqa: NPY002
    assert all(torch.equal(old, new) for old, new in zip(weights, model.learner_.parameters()))
    other = nolabel.judge(model, stripes(120, size=8), features=pixels, n=50, random_state=1)
    assert float(other["FID"]) != float(found["FID"])


def test_a_folder_is_the_model_in_it(found, model, tmp_path):
    model.save(tmp_path / "model")
    again = nolabel.judge(tmp_path / "model", stripes(120, size=8), features=pixels, n=50)
    assert again["FID"].value == pytest.approx(found["FID"].value)


def test_samples_are_drawn_in_pieces_that_differ(model, monkeypatch):
    asked, draw = [], nolabel.VAE.sample

    def sample(self, n=16, random_state=None):
        asked.append((n, random_state))
        return draw(self, n, random_state)

    monkeypatch.setattr("nolabel.evaluation.judging._PIECE", 20)
    monkeypatch.setattr(nolabel.VAE, "sample", sample)
    nolabel.judge(model, stripes(120, size=8), features=pixels, n=50)
    assert [n for n, _ in asked] == [20, 20, 10]
    assert len({seed for _, seed in asked}) == 3


@pytest.mark.parametrize("form", ["dataset", "array", "file"])
def test_samples_that_are_made_already(form, tmp_path):
    """Real ones come out near the floor, a set that repeats one image far from it."""
    real, samples = stripes(300, size=8), stripes(100, size=8, seed=5)
    given = {"dataset": samples, "array": samples.store.numpy(), "file": tmp_path / "samples.npy"}[form]
    np.save(tmp_path / "samples.npy", samples.store.numpy())
    good = nolabel.judge(given, real, features=pixels, n=100)
    assert good["FID"].value < 2 * good["FID"].floor
    assert good["coverage"].value > 0.6
    assert abs(good["KID"].value) < 0.1 * good["KID"].ceiling
    same = nolabel.judge(np.repeat(samples.store.numpy()[:1], 100, axis=0), real, features=pixels, n=100)
    assert same["FID"].value > 10 * same["FID"].floor
    assert same["coverage"].value < 0.2
    assert same["class imbalance"].value > 0.5


def test_copies_of_the_data_are_told_from_new_samples():
    real = stripes(300, size=8)
    memorised = nolabel.judge(real, real, reference=stripes(300, size=8, seed=5), features=pixels, n=300)
    assert memorised["authenticity"].value == 0
    assert memorised["authenticity"].floor > 0.2
    new = nolabel.judge(stripes(200, size=8, seed=6), real, reference=stripes(200, size=8, seed=5), features=pixels)
    assert new["authenticity"].value == pytest.approx(new["authenticity"].floor, abs=0.1)


def test_a_reference_that_the_model_may_have_met_is_told(model, found):
    assert [note for note in found.notes if "has not met" in note] == [found.notes[0]]
    assert found.notes[1].startswith("Authenticity goes by 50 of 60 samples")
    elsewhere = nolabel.judge(model, stripes(40, size=8), reference=stripes(40, size=8, seed=3), features=pixels, n=40)
    given = nolabel.judge(stripes(40, size=8, seed=4), stripes(80, size=8), features=pixels, n=40)
    assert not [note for one in (elsewhere, given) for note in one.notes if "met" in note or "Authenticity" in note]


def test_fewer_samples_than_asked_are_told(model):
    found = nolabel.judge(model, stripes(120, size=8), features=pixels)
    assert found.notes[0] == "60 samples were judged, not n=10,000: there are no more on some side."
    found = nolabel.judge(model, stripes(30, size=8), reference=stripes(40, size=8, seed=3), features=pixels, n=40)
    assert found.notes[0] == "The floor is that of 30 real samples, all there are; by FID it is the higher for it."


def test_fid_is_refused_for_fewer_samples_than_features(model):
    found = nolabel.judge(model, stripes(120, size=8), features=lambda x: x.flatten(1), n=60)
    assert "FID" not in [row.measure for row in found.rows]
    assert "60 samples have 64 features" in found.notes[0]
    assert np.isfinite(found["KID"].value)
    with pytest.raises(KeyError, match="more samples than features"):
        found["FID"]


def test_features_are_trained_on_samples_that_are_not_the_reference(model):
    found = nolabel.judge(model, stripes(60, size=8), n=30, features="classifier")
    assert "classifier trained on 30 labelled samples" in found.protocol.features
    assert "right on the reference" in found.protocol.features
    assert found.features.estimator is not None


def test_tables_are_judged_by_their_values():
    data = blobs(200, d=3)
    model = nolabel.VAE(latent=2, epochs=2, random_state=0).fit(data)
    found = nolabel.judge(model, data, n=80)
    assert found.protocol.features == "3, the samples' own network values"
    assert found.protocol.ceiling == "80 samples of noise, even over the range of each value"
    assert found.protocol.sizes == "3 values a sample, scaled by the recipe of the data"
    assert "who are right on 100.0% of the reference" in found["class imbalance"].how


def test_clips_are_judged_by_their_values():
    real, made = (moving_digits(40, frames=3, size=8, seed=seed).clips for seed in (0, 1))
    found = nolabel.judge(nolabel.open(made, modality="video"), nolabel.open(real, modality="video"), n=20)
    assert found.protocol.features == "192, the samples' own network values"
    assert found.protocol.sizes == "3 frames of 8 x 8 pixels, 1 channel, as they came, not resized"
    assert found["KID"].value < found["KID"].ceiling


def test_raw_arrays_of_another_unit_go_through_the_models_recipe():
    values = np.random.default_rng(0).normal(1000, 5, size=(200, 3))
    model = nolabel.VAE(latent=2, epochs=2, random_state=0).fit(values)
    found = nolabel.judge(model, values, n=80)
    assert found["KID"].value < found["KID"].ceiling
    assert found.classes == ()


def test_what_cannot_sample_is_refused():
    data = stripes(30, size=8)
    with pytest.raises(ArgumentError, match="model must be able to `sample`, as VAE is; Autoencoder is not"):
        nolabel.judge(nolabel.Autoencoder(epochs=1).fit(data), data)
    with pytest.raises(NotFittedError):
        nolabel.judge(nolabel.VAE(), data)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n": 0}, "n must be a whole number of at least 10; got 0"),
        ({"n": True}, "n must be"),
        ({"random_state": -1}, "random_state must be a whole number of at least 0; got -1"),
        ({"reference": "test"}, "reference='test' needs data with a test split"),
        ({"features": "clasifier"}, "did you mean 'classifier'"),
    ],
)
def test_arguments_that_cannot_be_used(model, settings, words):
    with pytest.raises(ArgumentError, match=words):
        nolabel.judge(model, stripes(120, size=8), **settings)


def test_too_few_samples_are_refused(model):
    with pytest.raises(DataError, match="10 samples or more on every side; one half of stripes: 6"):
        nolabel.judge(model, stripes(12, size=8), features=pixels)
