"""What is special about the self-organizing map: grids, gaps, streams, clusters of units, pictures, bad input."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import nolabel
from nolabel import SOM
from nolabel.data import toys
from nolabel.errors import ArgumentError, DataError
from nolabel.objectives import topographic
from nolabel.objectives.grids import Grid
from nolabel.objectives.neighbourhoods import smooth

pytest.importorskip("matplotlib").use("agg")


def blobs(n: int = 300, d: int = 5, k: int = 4, seed: int = 0) -> "tuple[np.ndarray, np.ndarray]":
    made = toys.blobs(n, d, k, seed)
    return np.asarray(made.store, dtype=np.float64), np.asarray(made.labels)


def small(**arguments: object) -> SOM:
    return SOM(**{"shape": (6, 5), "epochs": 10, "random_state": 0, **arguments})


# --- learning --------------------------------------------------------------------------------------------------------


def test_fit_is_the_batch_rule_once_an_epoch_whatever_the_batches() -> None:
    X, _ = blobs()
    model = small(epochs=5, batch_size=64, init="samples").fit(X)
    grid, start = Grid(6, 5), small(epochs=5, batch_size=64, init="samples")
    start._begin(start._take(X, None)[0], X)
    data, _ = start._take(X, None)
    from nolabel.training.engine import start as begin

    begin(start.learner_, data, start.seed_)
    x, weights = data.store, start.learner_.weights.detach().clone()
    radius = 6.0  # twice the first
    for epoch in range(5):
        progress = min(((epoch + 1) * 5 + 0.5) / 25, 1.0)
        radius = max(3.0 * (0.5 / 3.0) ** progress, radius / 2)
        first = topographic.best_units(x, weights).first
        sums, counts = topographic.sums_per_unit(x, first, 30), topographic.counts_per_unit(first, 30)
        mass = smooth(grid, "gaussian", radius, counts[:, None])
        weights = topographic.batch_rule(weights, smooth(grid, "gaussian", radius, sums), mass)
    assert_allclose(model.units_, weights.numpy(), rtol=1e-3, atol=1e-4)
    other = small(epochs=5, batch_size=300, init="samples").fit(X)
    assert_allclose(other.quantization_error(X), model.quantization_error(X), rtol=0.1)


@pytest.mark.parametrize("grid", ["rectangular", "hexagonal"])
@pytest.mark.parametrize("topology", ["plane", "toroid"])
@pytest.mark.parametrize("neighbourhood", ["gaussian", "bubble", "mexican_hat"])
@pytest.mark.parametrize("rule", ["batch", "online"])
def test_every_kind_of_map_comes_near_the_data(grid: str, topology: str, neighbourhood: str, rule: str) -> None:
    X, _ = blobs()
    if rule == "online" and neighbourhood == "mexican_hat":
        with pytest.raises(ArgumentError, match="runs? away.*rule='batch'"):
            small(neighbourhood=neighbourhood, rule=rule).fit(X)
        return
    radius = (2.0, 1.0) if neighbourhood == "mexican_hat" else None
    how = {"grid": grid, "topology": topology, "neighbourhood": neighbourhood, "rule": rule, "radius": radius}
    model = small(init="random", **how).fit(X)
    scaled = (X - X.mean(0)) / X.std(0)
    one_unit = np.linalg.norm(scaled, axis=1).mean()
    assert model.quantization_error(X) < 0.75 * one_unit
    assert model.quantization_error(X) < 0.8 * model.history_[0]["quantization_error"]
    assert model.history_[0]["units_moved"] > 0.7
    assert np.isfinite(model.units_).all()
    assert np.abs(model.units_).max() < 2 * np.abs(scaled).max()


def test_a_line_of_data_is_laid_out_in_order() -> None:
    t = np.linspace(0, 1, 400)
    X = np.stack([t, t**2, np.sin(t)], axis=1)
    model = SOM(shape=(1, 20), epochs=30, random_state=0).fit(X)
    place = model.transform(X)[:, 0]
    steps = np.diff(place) * np.sign(place[-1] - place[0])
    assert (steps >= 0).all()
    assert np.ptp(place) == 19
    assert model.topographic_error(X) < 0.05


def test_a_ring_goes_around_a_toroid() -> None:
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 600)
    X = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    torn = {
        topology: SOM(shape=(1, 16), topology=topology, epochs=30, random_state=0).fit(X)
        for topology in ("plane", "toroid")
    }
    toroid = torn["toroid"]
    ends = np.linalg.norm(toroid.units_[0] - toroid.units_[-1])
    assert ends < 2 * np.linalg.norm(np.diff(toroid.units_, axis=0), axis=1).mean()
    assert toroid.topographic_error(X) == 0


@pytest.mark.parametrize("grid", ["rectangular", "hexagonal"])
def test_a_mexican_hat_makes_an_ordered_map(grid: str) -> None:
    X = np.random.default_rng(0).uniform(size=(2000, 2))
    start, model = (
        SOM(shape=(12, 12), grid=grid, neighbourhood="mexican_hat", radius=(3, 2), epochs=epochs, random_state=0).fit(X)
        for epochs in (1, 20)
    )
    assert min(record["units_moved"] for record in model.history_) > 0.5
    assert model.topographic_error(X) < 0.2
    assert model.quantization_error(X) < 0.6 * np.linalg.norm((X - X.mean(0)) / X.std(0), axis=1).mean()
    assert not np.array_equal(start.units_, model.units_)


def test_units_that_never_move_are_told_of() -> None:
    X = np.random.default_rng(0).normal(size=(400, 3))
    model = SOM(shape=(30, 30), radius=(0.01, 0.01), init="random", epochs=3, random_state=0).fit(X[:20])
    (verdict,) = [verdict for verdict in model.health_ if verdict.name == "not learning"]
    assert "larger first radius" in verdict.knob
    settled = SOM(shape=(5, 5), init="samples", epochs=30, random_state=0).fit(X)
    assert "not learning" not in {verdict.name for verdict in settled.health_}


@pytest.mark.parametrize("offset", [1e3, 1e4])
def test_data_far_from_zero_are_mapped_as_those_near_it(offset: float) -> None:
    X = np.random.default_rng(0).normal(size=(600, 4)).astype(np.float32)
    near, far = (small().fit(dense_rows(part)) for part in (X, X + offset))
    opened = dense_rows(X + offset)
    assert far.quantization_error(opened) < 1.05 * near.quantization_error(dense_rows(X))
    assert far.quantization_error_ == pytest.approx(near.quantization_error_, rel=0.05)
    apart = np.linalg.norm((X + offset)[:, None].astype(np.float64) - far.units_[None], axis=2)
    assert (far.predict(opened) == apart.argmin(1)).mean() > 0.99


@pytest.mark.parametrize("radius", [1e-20, 1e-200])
def test_with_hardly_any_radius_it_is_kmeans(radius: float) -> None:
    from sklearn.cluster import KMeans

    X, _ = blobs()
    model = small(radius=(radius, radius), init="samples", epochs=100).fit(X)
    scaled = np.asarray(nolabel.open(X).store, dtype=np.float64)
    begun = small(radius=(radius, radius), init="samples", epochs=100)
    begun._begin(begun._take(X, None)[0], X)
    from nolabel.training.engine import start as begin

    begin(begun.learner_, nolabel.open(X), begun.seed_)
    centres = begun.units_.astype(np.float64)
    reference = KMeans(30, init=centres, n_init=1, algorithm="lloyd", tol=0, max_iter=300).fit(scaled)
    assert_allclose(model.units_, reference.cluster_centers_, rtol=1e-3, atol=1e-3)


def test_the_online_rule_goes_from_its_first_to_its_last_radius_within_an_epoch() -> None:
    X = np.random.default_rng(0).uniform(size=(3000, 2))
    once = SOM(shape=(8, 8), rule="online", init="random", epochs=1, random_state=0).fit(X)
    batch = SOM(shape=(8, 8), epochs=10, random_state=0).fit(X)
    assert once.history_[-1]["radius"] == pytest.approx(0.5, rel=0.01)
    assert once.quantization_error(X) < 1.5 * batch.quantization_error(X)
    assert once.topographic_error(X) < 0.2


def test_an_epoch_of_the_online_rule_is_the_rule_sample_by_sample() -> None:
    """With a radius and a rate that go down by the same factor all along, whatever the batches."""
    X, _ = blobs(100)
    model = small(rule="online", init="samples", epochs=1, batch_size=30)
    model._begin(model._take(X, None)[0], X)
    from nolabel.data.sampler import Order
    from nolabel.training.engine import start as begin

    data = model._take(X, None)[0]
    begin(model.learner_, data, model.seed_)
    weights, grid = model.learner_.weights.detach().clone(), Grid(6, 5)
    fitted = small(rule="online", init="samples", epochs=1, batch_size=30).fit(X)
    order = Order(torch.arange(100), 30, model.seed_).epoch(0)
    turn = (torch.arange(100) + 0.5) / 100
    radii, rates = (3 * (0.5 / 3) ** turn).tolist(), (0.5 * 0.02**turn).tolist()
    topographic.online_rule(weights, data.store[order], grid, "gaussian", radii, rates)
    assert_allclose(fitted.units_, weights.numpy(), rtol=1e-4, atol=1e-5)


def test_the_online_rule_refuses_a_rate_that_overshoots() -> None:
    with pytest.raises(ArgumentError, match="learning_rate must be at least 0 and at most 1; got 1.5"):
        small(rule="online", learning_rate=1.5).fit(blobs()[0])


def test_errors_after_fit_are_those_of_the_last_epoch() -> None:
    X, _ = blobs()
    model = small().fit(X)
    assert model.quantization_error_ == model.history_[-1]["quantization_error"] == model.history_[-1]["loss"]
    assert model.topographic_error_ == model.history_[-1]["topographic_error"]
    assert model.score(X) == pytest.approx(-model.quantization_error(X), rel=1e-6)
    assert model.quantization_error(X) <= 1.02 * model.quantization_error_


def test_the_same_bits_with_one_thread_and_two(tmp_path: Path) -> None:
    code = (
        "import sys, torch, numpy as np; from nolabel import SOM; torch.set_num_threads(int(sys.argv[1]));"
        "X = np.random.default_rng(0).normal(size=(3000, 40)) @ np.random.default_rng(1).normal(size=(40, 70));"
        "[np.save(f'{sys.argv[2]}-{form}-{rule}.npy', SOM(shape=(12, 11), grid=form, rule=rule, epochs=2, batch_size=1000,"
        " random_state=0).fit(X[:3000 if rule == 'batch' else 300]).units_)"
        " for form in ('rectangular', 'hexagonal') for rule in ('batch', 'online')]"
    )
    for threads in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": threads}
        subprocess.run([sys.executable, "-c", code, threads, str(tmp_path / threads)], check=True, env=environment)
    files = sorted(tmp_path.glob("1-*.npy"))
    assert len(files) == 4
    for one in files:
        assert_array_equal(np.load(one), np.load(tmp_path / one.name.replace("1-", "2-", 1)), err_msg=one.name)


# --- streams ---------------------------------------------------------------------------------------------------------


def test_a_stream_comes_near_the_data() -> None:
    X, _ = blobs(2000)
    model = SOM(shape=(6, 5), random_state=0)
    for part in np.array_split(X, 10):
        model.partial_fit(part)
    assert [record["radius"] for record in model.history_[:5]] == pytest.approx([3.0, 1.5, 0.75, 0.5, 0.5])
    assert model.quantization_error(X) < 1.3 * small().fit(X).quantization_error(X)


def test_a_stream_by_the_online_rule_begins_with_the_first_radius_and_rate(tmp_path: Path) -> None:
    X, _ = blobs(2000)
    model = SOM(shape=(6, 5), rule="online", init="random", random_state=0)
    for part in np.array_split(X, 10):
        model.partial_fit(part)
    radii = [record["radius"] for record in model.history_]
    assert 1.5 < radii[0] < 3
    assert radii == sorted(radii, reverse=True)
    assert radii[-1] < 1
    assert model.quantization_error(X) < 1.5 * small().fit(X).quantization_error(X)
    fitted = small(rule="online").fit(X)
    loaded = nolabel.load(fitted.save(tmp_path / "map"))
    loaded.partial_fit(X[:100])
    assert loaded.history_[-1]["radius"] == pytest.approx(0.5, rel=0.05)  # goes on from where it was


def test_forgetting_follows_data_that_move() -> None:
    X, _ = blobs(600)
    found = {}
    for forgetting in (0.0, 1.0):
        model = small(forgetting=forgetting).fit(X)
        for _ in range(3):
            model.partial_fit(X + 5 * X.std(0))
        found[forgetting] = model.quantization_error(X + 5 * X.std(0))
    assert found[1.0] < 0.8 * found[0.0]


def test_a_stream_goes_on_after_loading(tmp_path: Path) -> None:
    X, _ = blobs()
    model = small().fit(X)
    loaded = nolabel.load(model.save(tmp_path / "map"))
    for one in (model, loaded):
        one.partial_fit(X[:100])
    assert_array_equal(model.units_, loaded.units_)


# --- what can be asked -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid", ["rectangular", "hexagonal"])
def test_units_coordinates_distances_and_samples_agree(grid: str) -> None:
    X, y = blobs()
    model = small(grid=grid).fit(X)
    units = model.predict(X)
    assert_allclose(model.transform(X), model.positions()[units], rtol=1e-6)
    far = small(grid=grid, output="distances").fit(X)
    assert far.transform(X).shape == (300, 30)
    assert_array_equal(far.transform(X).argmin(1), units)
    assert_array_equal(model.hits(X), np.bincount(units, minlength=30))
    assert_allclose(model.reconstruct(X), model.planes()[units], rtol=1e-5)
    assert_allclose(far.reconstruct(X), model.reconstruct(X), rtol=1e-5)
    assert_allclose(-model.score_samples(X), far.transform(X).min(1), rtol=1e-4)
    labels = model.label_map(X, np.array(list("abcd"))[y])
    for unit in range(30):
        there = np.bincount(y[units == unit], minlength=4)
        assert labels[unit] == ("abcd"[there.argmax()] if there.any() else None)
    assert model.neighbours().shape[1] == 2
    assert model.shape_ == (6, 5)


def test_clusters_of_units_are_given_to_samples() -> None:
    from sklearn.metrics import adjusted_rand_score

    X, y = blobs(k=3)
    model = small(clusters=3).fit(X)
    assert adjusted_rand_score(y, model.predict(X)) > 0.9
    clusters = model.unit_clusters(3)
    assert_array_equal(model.predict(X), clusters[small().fit(X).predict(X)])
    assert clusters[0] == 0
    assert len(model.unit_clusters(30)) == len(set(model.unit_clusters(30).tolist()))


def test_planes_are_in_the_users_units() -> None:
    X, _ = blobs()
    frame = pd.DataFrame(X * 1000 + 7, columns=list("abcde"))
    frame["kind"] = np.where(X[:, 0] > 0, "x", "y")
    model = small().fit(frame)
    planes = model.planes()
    assert list(planes.columns) == [*"abcde", "kind"]
    low, high = frame["b"].min(), frame["b"].max()
    assert low <= planes["b"].min() < planes["b"].max() <= high
    assert_array_equal(model.planes(["e", "a"]).columns, ["e", "a"])
    with pytest.raises(ArgumentError, match="no column 'kin'; did you mean 'kind'"):
        model.planes(["kin"])
    array = small().fit(X)
    assert_array_equal(array.planes([2]), array.planes()[:, [2]])
    with pytest.raises(ArgumentError, match="places from 0 to 4; got 5"):
        array.planes([5])


def test_it_works_after_another_estimator_in_a_pipeline() -> None:
    from nolabel import Autoencoder

    X, _ = blobs()
    first = Autoencoder(hidden=(8,), latent=3, epochs=2, random_state=0)
    pipe = make_pipeline(StandardScaler(), first, small())
    assert pipe.fit(X).transform(X).shape == (300, 2)
    assert pipe.predict(X).max() < 30
    assert pipe.score(X) < 0


def test_images_are_flattened_and_come_back_as_images() -> None:
    images = np.asarray(toys.stripes(120, 8, 0).store)[:, 0]
    model = small().fit(images)
    assert model.planes().shape == (30, 8, 8)
    assert model.reconstruct(images).dtype == np.uint8


def test_sparse_rows_give_what_dense_ones_give() -> None:
    from scipy.sparse import csr_array

    X = np.random.default_rng(0).poisson(0.4, (200, 30)).astype(np.float32)
    model = small(output="distances").fit(csr_array(X))
    dense = small(output="distances").fit(nolabel.open(X, scaling="none"))
    assert_allclose(model.units_, dense.units_, rtol=1e-4, atol=1e-5)
    assert_allclose(model.transform(csr_array(X)), model.transform(X), rtol=1e-4, atol=1e-4)
    assert model.quantization_error(csr_array(X)) == pytest.approx(dense.quantization_error(dense_rows(X)), rel=1e-4)
    online = small(rule="online", epochs=2).fit(csr_array(X))
    assert np.isfinite(online.units_).all()


def dense_rows(X: np.ndarray) -> object:
    return nolabel.open(X, scaling="none")


# --- missing values --------------------------------------------------------------------------------------------------


def holes(X: np.ndarray, share: float = 0.2) -> np.ndarray:
    missing = np.random.default_rng(1).random(X.shape) < share
    missing[:, 0] = False
    return np.where(missing, np.nan, X)


@pytest.mark.parametrize("rule", ["batch", "online"])
def test_missing_values_are_left_out(rule: str) -> None:
    X, _ = blobs(600)
    full = small(rule=rule).fit(X)
    model = small(rule=rule, missing="ignore").fit(holes(X))
    scaled = (X - X.mean(0)) / X.std(0)
    whole = np.linalg.norm(scaled, axis=1).mean()
    assert model.quantization_error(X) < full.quantization_error(X) + 0.3 * (whole - full.quantization_error(X))
    filled = small(rule=rule).fit(np.where(np.isnan(holes(X)), np.nanmean(holes(X), axis=0), holes(X)))
    assert model.quantization_error(X) < filled.quantization_error(X)


def test_a_sample_with_gaps_is_placed_by_what_is_present() -> None:
    X, _ = blobs()
    model = small(missing="ignore", output="distances").fit(holes(X))
    sample = X[:1].copy()
    sample[0, 2:] = np.nan
    units, recipe = model.units_, nolabel.open(X[:1], spec=model.spec_).store.numpy()
    expected = np.sqrt(((recipe[:, :2] - units[:, :2]) ** 2).sum(1) * 5 / 2)
    assert_allclose(model.transform(sample)[0], expected, rtol=1e-4)
    frame = small().fit(pd.DataFrame(holes(X), columns=list("abcde")))
    assert frame.learner_.mass.shape == (30, 5)
    assert np.isfinite(frame.score(pd.DataFrame(holes(X), columns=list("abcde"))))


def test_missing_values_are_refused_unless_said_otherwise() -> None:
    X, _ = blobs()
    with pytest.raises(DataError, match="NaN"):
        small().fit(holes(X))
    with pytest.raises(DataError, match=r"NaN|missing"):
        small(missing="refuse").fit(pd.DataFrame(holes(X)))
    with pytest.raises(DataError, match="NaN"):
        small().fit(X).transform(holes(X))


def test_a_sample_without_any_value_is_refused() -> None:
    X, _ = blobs()
    blank = holes(X)
    blank[17] = np.nan
    with pytest.raises(DataError, match=r"1 sample.* row 17"):
        small(missing="ignore").fit(blank)
    model = small(missing="ignore").fit(holes(X))
    for ask in (model.transform, model.predict, model.score, model.hits):
        with pytest.raises(DataError, match="no observed value"):
            ask(blank)


def test_a_column_without_any_value_is_left_out() -> None:
    X, _ = blobs()
    blank = X.copy()
    blank[:, 2] = np.nan
    model = small(missing="ignore").fit(blank)
    assert model.units_.shape == (30, 4)
    assert np.isnan(model.planes()[:, 2]).all()


# --- bad input -------------------------------------------------------------------------------------------------------


def test_a_grid_larger_than_the_data_is_told_of() -> None:
    X, _ = blobs(20)
    model = SOM(shape=(12, 12), epochs=10, random_state=0).fit(X)
    assert "empty units" in {verdict.name for verdict in model.health_}
    assert np.isfinite(model.units_).all()
    assert SOM(shape=(12, 12), init="samples", epochs=2, random_state=0).fit(X).hits(X).sum() == 20


def test_two_samples_many_times_over_make_a_map() -> None:
    X = np.repeat(blobs(2)[0], 50, axis=0)
    model = small().fit(X)
    assert len(set(model.predict(X).tolist())) == 2
    assert model.quantization_error(X) < 0.2
    with pytest.raises(DataError, match="identical"):
        small().fit(X[:50])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"shape": (5,)}, r"shape must be \(rows, columns\)"),
        ({"shape": (0, 3)}, "at least 1"),
        ({"shape": (5, 4), "grid": "hexagonal", "topology": "toroid"}, "even number of rows"),
        ({"grid": "hex"}, "grid must be one of"),
        ({"radius": (1.0,)}, r"radius must be \(first, last\)"),
        ({"radius": (1.0, 2.0)}, "the first no smaller"),
        ({"radius": (1.0, 0.0)}, "above 0"),
        ({"clusters": 31}, "clusters must be at least 1 and at most 30"),
        ({"forgetting": 1.5}, "forgetting must be at least 0 and at most 1"),
        ({"neighbourhood": "gausian"}, "did you mean 'gaussian'"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        small(**arguments).fit(blobs()[0])


# --- pictures --------------------------------------------------------------------------------------------------------


@pytest.fixture
def drawn() -> object:
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


@pytest.mark.parametrize("grid", ["rectangular", "hexagonal"])
@pytest.mark.parametrize("kind", ["umatrix", "hits", "labels", "clusters", "planes"])
def test_every_kind_of_picture_is_drawn(grid: str, kind: str, drawn: object) -> None:
    X, y = blobs()
    model = small(grid=grid).fit(X)
    axes = np.ravel(model.plot(kind, X=X, y=np.array(list("abcd"))[y]))
    (cells,) = [made for made in axes[0].collections if len(made.get_paths()) == 30]
    for path, centre in zip(cells.get_paths(), model.positions()):
        corners = path.vertices[:-1]
        assert len(corners) == (6 if grid == "hexagonal" else 4)
        assert_allclose(corners.mean(0), centre, atol=1e-9)
        reach = 1 / np.sqrt(3) if grid == "hexagonal" else np.sqrt(0.5)
        assert_allclose(np.linalg.norm(corners - centre, axis=1), reach)
    if kind == "umatrix":
        assert_allclose(cells.get_array(), model.umatrix())
        written = {text.get_text() for text in axes[0].texts}
        assert written == {label for label in model.label_map(X, np.array(list("abcd"))[y]) if label is not None}
    axes[0].figure.canvas.draw()


def test_images_are_drawn_as_images_and_into_given_axes(drawn: object) -> None:
    images = np.asarray(toys.stripes(120, 8, 0).store)[:, 0]
    _, ax = drawn.subplots()  # type: ignore[attr-defined]
    assert small().fit(images).plot("planes", ax=ax) is ax
    assert len(ax.images) == 30


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (1, 8, 8), (8, 8, 3), (3, 8, 8)])
def test_images_of_every_layout_are_drawn_in_one_scale(shape: tuple[int, ...], drawn: object) -> None:
    images = np.random.default_rng(0).integers(0, 120, (80, *shape), dtype=np.uint8)
    images[:3] = 255
    model = small().fit(nolabel.open(images, modality="image"))
    ax = model.plot("planes")
    assert len(ax.images) == 30  # type: ignore[union-attr]
    channels = 3 if 3 in shape else 1
    for made, weights in zip(ax.images, model.units_):  # type: ignore[union-attr]
        assert made.get_array().shape == ((8, 8, 3) if channels == 3 else (8, 8))
        assert made.get_clim() == (0, 1)
        assert_allclose(np.sort(made.get_array().ravel()), np.sort(weights.clip(0, 1)), atol=1e-6)
    ax.figure.canvas.draw()  # type: ignore[union-attr]
    with pytest.raises(ArgumentError, match="images have no columns"):
        model.plot("planes", columns=[0])


def test_every_column_of_a_table_is_drawn(drawn: object) -> None:
    X, y = blobs()
    frame = pd.DataFrame({"kind": np.array(list("abcd"))[y], "big": X[:, 0] > 0})
    model = small().fit(frame)
    kind, big = np.ravel(model.plot("planes"))[:2]
    assert kind.get_title().startswith("kind = ")
    assert big.get_title() == "big"
    which = "abcd".index(kind.get_title()[-1])
    (cells,) = [made for made in kind.collections if len(made.get_paths()) == 30]
    assert_allclose(cells.get_array(), model.units_[:, which], atol=1e-6)
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 15)), columns=[f"c{n}" for n in range(15)])
    model = small(epochs=2).fit(wide)
    assert sum(bool(ax.get_title()) for ax in np.ravel(model.plot("planes"))) == 12
    named = np.ravel(model.plot("planes", columns=list(wide.columns)))
    assert [ax.get_title() for ax in named if ax.get_title()] == list(wide.columns)
    with pytest.raises(ArgumentError, match="columns names no column"):
        model.plot("planes", columns=[])


def test_a_map_of_few_units_has_few_clusters(drawn: object) -> None:
    model = SOM(shape=(2, 2), epochs=3, random_state=0).fit(blobs()[0])
    assert len(model.plot("clusters").collections[0].get_paths()) == 4  # type: ignore[union-attr]


def test_pictures_that_lack_something_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = blobs()
    model = small().fit(X)
    for kind, given, words in (
        ("hits", {}, "needs X"),
        ("labels", {"X": X}, "needs y"),
        ("umatrix", {"y": y}, "needs X"),
        ("umatrx", {}, "did you mean 'umatrix'"),
        ("planes", {"ax": object()}, "ax must be None"),
    ):
        with pytest.raises(ArgumentError, match=words):
            model.plot(kind, **given)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ArgumentError, match=r"pip install 'nolabel\[plot\]'"):
        model.plot()


# --- evidence --------------------------------------------------------------------------------------------------------


def test_evaluate_has_rows_for_maps() -> None:
    X, _ = blobs(200)
    model = small().fit(X)
    evidence = nolabel.evaluate(model, X, seeds=2)
    near, order = evidence["quantization error"].values, evidence["topographic error"].values
    assert near["model"].mean == pytest.approx(model.quantization_error(X))
    assert near["raw"].mean < near["PCA"].mean
    assert near["model"].mean < near["untrained"].mean
    assert near["untrained"].mean == pytest.approx(near["PCA"].mean, rel=0.01)  # how it began, not noise
    assert set(order) == {"model", "untrained", "PCA"}
    seeing = small(missing="ignore").fit(holes(X))
    gaps = nolabel.evaluate(seeing, holes(X), seeds=2)
    opened = nolabel.open(holes(X), spec=seeing.spec_)
    missed = (np.asarray(opened.store) - seeing.units_[seeing.predict(holes(X))]) ** 2 * opened.mask.numpy()
    rebuilt = (missed.sum(1) / opened.mask.numpy().sum(1)).mean()
    assert gaps["MSE per value"].values["model"].mean == pytest.approx(rebuilt, rel=1e-5)
    assert set(gaps["quantization error"].values) == {"model", "untrained"}


def test_a_folded_map_is_told_of() -> None:
    X = np.random.default_rng(0).normal(size=(500, 12))
    model = SOM(shape=(10, 10), radius=(0.1, 0.1), init="random", epochs=5, random_state=0).fit(X)
    assert "folded map" in {verdict.name for verdict in model.health_}
    assert model.topographic_error_ > 0.3
