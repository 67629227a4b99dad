import numpy as np
import pytest
import torch
from torch import nn

import nolabel
from nolabel.data.toys import blobs, stripes
from nolabel.errors import ArgumentError, DataError
from nolabel.evaluation.sample_features import accuracy, features_from, train_features


@pytest.fixture(scope="module")
def trained():
    return train_features(stripes(160, seed=1), images=4000)


def test_a_classifier_is_trained_where_labels_are_known(trained):
    assert isinstance(trained.estimator, nolabel.Classifier)
    assert trained.told == "classifier trained on 160 labelled samples, 25 epochs, seed 0"
    new = stripes(80, seed=2)
    assert trained(new).shape == (80, 64)
    assert accuracy(trained, new) > 0.7
    assert np.allclose(trained(new), trained(stripes(80, seed=2)))


def test_the_same_seed_trains_the_same_features_and_no_global_state_moves():
    before = torch.get_rng_state()
    first, again = (train_features(stripes(20), images=40, random_state=3)(stripes(9)) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(first, again)


def test_an_encoder_is_trained_where_labels_are_not():
    data = stripes(40)
    data.labels = None
    found = train_features(data, images=80, width=8)
    assert isinstance(found.estimator, nolabel.SimCLR)
    assert found.told == "SimCLR encoder, trained without labels on 40 samples, 2 epochs, seed 0"
    assert found(data).shape == (40, 8)
    assert accuracy(found, stripes(10)) is None


def test_tables_are_compared_by_their_values():
    data = blobs(20, d=4)
    found = train_features(data)
    assert found.estimator is None
    assert np.array_equal(found(data), data.store.numpy())


def test_a_classifier_needs_labels():
    data = stripes(20)
    data.labels = None
    with pytest.raises(ArgumentError, match="kind='classifier' needs labels of two classes or more.*kind='ssl'"):
        train_features(data, kind="classifier")
    with pytest.raises(ArgumentError, match="kind must be one of.*did you mean 'classifier'"):
        train_features(data, kind="classifyer")


def test_a_fitted_estimator_or_its_folder(tmp_path):
    data = stripes(30, size=8)
    model = nolabel.Autoencoder(latent=3, epochs=1, random_state=0).fit(data)
    model.save(tmp_path / "model")
    for given in (model, tmp_path / "model", str(tmp_path / "model")):
        found = features_from(given, data, 0)
        assert found.told == "codes of Autoencoder (fitted, 1 epochs, seed 0)"
        assert np.allclose(found(data), model.transform(data))


def test_an_estimator_with_a_recipe_of_its_own_gets_the_samples_in_the_users_form():
    rng = np.random.default_rng(0)
    model = nolabel.Autoencoder(latent=2, epochs=1, random_state=0).fit(rng.normal(5, 3, size=(30, 4)))
    values = rng.normal(5, 3, size=(20, 4))
    data = nolabel.open(values)  # scaled by these 20
    assert np.allclose(features_from(model, data, 0)(data), model.transform(values), atol=1e-4)


def test_images_of_another_size_are_refused_in_words():
    model = nolabel.Autoencoder(latent=3, epochs=1, random_state=0).fit(stripes(30, size=8))
    with pytest.raises(DataError, match="8 x 8"):
        features_from(model, stripes(9, size=12), 0)(stripes(9, size=12))


def test_a_module_is_asked_at_rest_and_left_as_it_was():
    data = stripes(9, size=8)
    net = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 5))
    found = features_from(net, data, 0)
    assert found.told == "the caller's own 'Sequential'"
    assert np.array_equal(found(data), found(data))
    assert net.training
    assert found(data).shape == (9, 5)


def test_half_precision_is_taken():
    whole = features_from(lambda x: x.flatten(1)[:, :5], stripes(20, size=8), 0)(stripes(20, size=8))
    for dtype in (torch.bfloat16, torch.float16):
        asked = features_from(lambda x, dtype=dtype: x.flatten(1)[:, :5].to(dtype), stripes(20, size=8), 0)
        narrow = asked(stripes(20, size=8))
        assert np.allclose(narrow, whole, atol=0.01)


def test_a_function_of_network_values():
    data = stripes(300, size=8)  # more than a batch
    found = features_from(lambda x: x.flatten(1).numpy(), data, 0)
    assert np.array_equal(found(data), data.store.flatten(1).numpy().astype(np.float32) * np.float32(1 / 255))


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x, r"\(B, F\); got \(9, 1, 8, 8\).*Flatten it"),
        (lambda x: (x, x), r"\(B, F\); got tuple"),
        (lambda x: x[:3].flatten(1), r"\(B, F\); got \(3, 64\)"),
    ],
)
def test_a_function_that_gives_something_else(function, words):
    data = stripes(9, size=8)
    with pytest.raises(ArgumentError, match=words):
        features_from(function, data, 0)(data)


def test_features_that_are_not_finite():
    data = stripes(9, size=8)
    with pytest.raises(DataError, match="the caller's own .* hold NaN or infinite values for 9 of 9 samples"):
        features_from(lambda x: x.flatten(1) * float("nan"), data, 0)(data)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("clasifier", "did you mean 'classifier'"),
        (7, "callable.*got 7"),
        ("Inception", "weights do not come.*callable"),
    ],
)
def test_what_is_no_features(given, words):
    with pytest.raises(ArgumentError, match=words):
        features_from(given, stripes(9), 0)
