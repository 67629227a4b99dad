"""`nolabel.cluster`: planted clusters come back, every sample is somewhere, and each cluster says what it is."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import adjusted_rand_score, silhouette_samples

import nolabel
from nolabel.errors import ArgumentError, DataError, OutputError, SavedModelError
from nolabel.evaluation import choosing, clustering, describing
from nolabel.evaluation.describing import Moments, Trait, medoids, word_traits
from nolabel.evaluation.grouping import METHODS, Tree
from nolabel.evaluation.silhouettes import Reference
from nolabel.methods.autoencoder import Autoencoder


def planted(k=4, each=40, width=5, spread=0.2, seed=0):
    """Codes of k clusters, the first the largest; and which is which."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(k), [each + 3 * (k - cluster) for cluster in range(k)])
    codes = 3 * np.eye(k, width)[y] + spread * rng.normal(size=(len(y), width))
    order = rng.permutation(len(y))
    return codes[order].astype(np.float32), y[order]


def scattered(codes, many=12, seed=1):
    rng = np.random.default_rng(seed)
    return np.concatenate([codes, rng.uniform(-9, 12, size=(many, codes.shape[1])).astype(np.float32)])


# --- finding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_planted_clusters_come_back_in_their_number(method):
    codes, y = planted()
    found = nolabel.cluster(codes, method, largest=6)
    assert found.k == 4
    assert adjusted_rand_score(y, found.labels) == 1
    np.testing.assert_array_equal(found.labels, y)  # numbered by size, as planted
    assert ((found.confidence > 0.3) | found.is_noise).all()
    assert sum(one.size for one in found.descriptions) == len(codes)
    assert [one.size for one in found.descriptions] == np.bincount(y).tolist()


@pytest.mark.parametrize("method", METHODS)
def test_samples_are_where_predict_says(method):
    codes = scattered(planted(spread=0.5)[0])
    found = nolabel.cluster(codes, method, largest=6)
    np.testing.assert_array_equal(found.predict(codes), found.labels)
    one_by_one = np.concatenate([found.predict(codes[row : row + 1]) for row in range(0, len(codes), 9)])
    np.testing.assert_array_equal(one_by_one, found.labels[::9])


def test_a_sample_asked_for_again_is_noise_as_before():
    codes = scattered(planted(spread=0.5)[0], many=40)
    found = nolabel.cluster(codes, "hdbscan", largest=6)
    assert 0 < found.is_noise.sum() < len(codes)
    again = found.assign(codes)
    np.testing.assert_array_equal(again.is_noise, found.is_noise)
    np.testing.assert_array_equal(again.confidence, found.confidence)


def test_a_smallest_size_is_not_lost_by_drawing():
    codes, _ = planted(each=60)
    found = nolabel.cluster(codes, "hdbscan", min_size=6, max_samples=80)
    assert f"min_size=6 of {len(codes)} samples became 5 of the 80 that hdbscan looked at." in found.notes
    assert found.k == 4
    assert not any("min_size" in note for note in nolabel.cluster(codes, "hdbscan", min_size=6).notes)


@pytest.mark.parametrize("method", METHODS)
def test_new_samples_go_to_their_cluster(method):
    codes, _ = planted()
    new, y = planted(seed=5)
    found = nolabel.cluster(codes, method, largest=6)
    assigned = found.assign(new)
    np.testing.assert_array_equal(assigned.labels, y)
    assert assigned.confidence[~assigned.is_noise].min() > 0.4
    assert assigned.is_noise.mean() < (0.3 if method == "hdbscan" else 1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same(method):
    codes, _ = planted(spread=1.2)
    one, other = (nolabel.cluster(codes, method, largest=6, random_state=3) for _ in range(2))
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())
    assert one.curve == other.curve
    assert one.descriptions == other.descriptions


@pytest.mark.parametrize("method", METHODS)
def test_most_samples_may_be_left_for_later(method, monkeypatch):
    monkeypatch.setattr(clustering, "_TRIED", 60)
    codes, y = planted(each=60)
    found = nolabel.cluster(codes, method, largest=6, max_samples=80)
    np.testing.assert_array_equal(found.labels, y)
    notes = " ".join(found.notes)
    assert f"on 60 of {len(codes)} samples" in notes
    assert (f"looked at 80 of {len(codes)} samples" in notes) == (method in ("hdbscan", "agglomerative"))
    np.testing.assert_array_equal(found.predict(codes), found.labels)


def test_scale_does_not_matter():
    codes, _ = planted()
    for method in METHODS:
        plain, large = (nolabel.cluster(x, method, largest=5) for x in (codes, codes * 1000 + 7))
        np.testing.assert_array_equal(plain.labels, large.labels)


# --- no sample is dropped --------------------------------------------------------------------------------------------


def test_noise_is_in_the_nearest_cluster_and_says_so():
    codes, _ = planted()
    outlier = 3 * np.eye(1, 5, 2).astype(np.float32) * 4  # far out, in the direction of cluster 2
    found = nolabel.cluster(np.concatenate([codes, outlier]), "hdbscan")
    assert found.is_noise[-1]
    assert found.labels[-1] == 2
    assert found.confidence[-1] == 0
    assert found.labels.min() == 0
    assert found.descriptions[2].noise == found.is_noise[found.labels == 2].sum() >= 1
    assert len(codes) not in found.descriptions[2].medoids
    assert (found.confidence[found.is_noise] == 0).all()


def test_new_samples_far_from_all_are_noise():
    codes, _ = planted()
    found = nolabel.cluster(codes, "hdbscan")
    labels, confidence, is_noise = found.assign(np.array([[30.0, 0, 0, 0, 0], codes[~found.is_noise][0]]))
    assert is_noise.tolist() == [True, False]
    assert labels[0] == 0
    assert confidence[0] == 0 < confidence[1]


def test_all_noise_is_an_error_that_says_what_to_do():
    codes = np.random.default_rng(0).uniform(size=(30, 3))
    with pytest.raises(DataError, match="at least 29 samples in each, all 30 are noise. Give a smaller min_size"):
        nolabel.cluster(codes, "hdbscan", min_size=29)


# --- choosing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_the_curve_is_returned_and_its_best_point_was_taken(method):
    found = nolabel.cluster(planted()[0], method, largest=7)
    frame = found.curve_frame()
    assert list(frame.columns) == ["value", "clusters", "silhouette", "stability", "score"]
    if method != "hdbscan":
        assert frame["value"].tolist() == [2, 3, 4, 5, 6, 7]
    best = frame.loc[frame["score"].idxmax()]
    assert best["clusters"] == found.k
    assert best["stability"] == 1
    assert best["score"] == pytest.approx(best["silhouette"])


def test_a_number_that_is_given_is_not_judged():
    found = nolabel.cluster(planted()[0], k=3)
    assert found.k == 3
    assert found.curve == ()


def test_one_cluster_may_be_asked_for():
    for method in ("kmeans", "gmm", "agglomerative"):
        found = nolabel.cluster(planted()[0], method, k=1)
        assert found.k == 1
        np.testing.assert_array_equal(found.confidence, 1)


def test_weak_clusters_are_called_so():
    codes = np.random.default_rng(0).normal(size=(300, 30))
    assert any("These clusters are weak" in note for note in nolabel.cluster(codes, largest=6).notes)
    assert not nolabel.cluster(planted()[0], largest=6).notes


def test_too_few_samples_to_choose_are_one_cluster():
    for method in ("kmeans", "gmm", "agglomerative"):
        found = nolabel.cluster(np.array([[0.0, 0], [1, 1]]), method)
        assert found.k == 1
        assert any("too few" in note for note in found.notes)


@pytest.mark.parametrize("method", METHODS)
def test_duplicates_do_no_harm(method):
    codes = np.repeat(np.array([[0.0, 0], [1, 0], [0, 1]]), 10, axis=0)
    found = nolabel.cluster(codes, method)
    assert found.k == 3
    np.testing.assert_array_equal(found.predict(codes), found.labels)
    with pytest.raises(ArgumentError, match=r"k=4 .* than there are 3 different samples \(of 30\)"):
        nolabel.cluster(codes, k=4)


# --- silhouettes -----------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 1000), size=st.integers(4, 40), k=st.integers(2, 4))
def test_silhouettes_against_all_samples_are_scikit_learns(seed, size, k):
    rng = np.random.default_rng(seed)
    codes, labels = rng.normal(size=(size, 3)), np.concatenate([np.arange(k), rng.integers(0, k, size - k)])
    found = Reference(codes, labels, 0).of_members(codes, labels)
    wanted = silhouette_samples(codes, labels) if k < size else np.zeros(size)
    np.testing.assert_allclose(found, wanted, atol=1e-10)


def test_silhouettes_against_a_draw_are_close():
    codes, y = planted(each=300)
    exact = silhouette_samples(codes, y)
    reference = Reference(codes, y, 0, most=200)
    assert len(reference.rows) == 200
    drawn = reference.of_members(codes, y)
    assert np.abs(drawn - exact).mean() < 0.02
    np.testing.assert_allclose(reference.of_others(codes, y), drawn, atol=0.02)


def test_a_sample_alone_in_its_cluster_has_no_confidence():
    codes = np.array([[0.0, 0], [0.1, 0], [9, 9]])
    assert nolabel.cluster(codes, "agglomerative", k=2).confidence[2] == 0


# --- describing ------------------------------------------------------------------------------------------------------


def test_medoids_have_the_least_summed_squared_distance():
    codes, y = planted()
    for cluster, rows in enumerate(medoids(codes, y, 4, 3)):
        inside = np.flatnonzero(y == cluster)
        sums = [np.square(codes[inside] - codes[row]).sum() for row in inside]
        np.testing.assert_array_equal(rows, inside[np.argsort(sums)[:3]])


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_differences_are_their_equation(form):
    rng = np.random.default_rng(0)
    x, y = rng.poisson(1.0, size=(30, 4)).astype(float), rng.integers(-1, 3, 30)
    moments = Moments(3, 4)
    for part in (slice(0, 11), slice(11, 30)):
        moments.add(y[part], form(x[part]))
    got, inside, outside = moments.differences()
    for cluster in range(3):
        a, b = x[y == cluster], x[(y != cluster) & (y >= 0)]
        np.testing.assert_allclose(inside[cluster], a.mean(0))
        np.testing.assert_allclose(outside[cluster], b.mean(0))
        np.testing.assert_allclose(got[cluster], (a.mean(0) - b.mean(0)) / np.sqrt((a.var(0) + b.var(0)) / 2))


def test_missing_values_do_not_count():
    x, mask = np.array([[1.0], [99], [3], [5]]), np.array([[True], [False], [True], [True]])
    moments = Moments(2, 1)
    moments.add(np.array([0, 0, 1, 1]), x, mask)
    assert moments.differences()[1].tolist() == [[1], [4]]


def test_words_are_ranked_by_c_tf_idf():
    counts = np.array([[8.0, 2, 0, 2, 8], [0, 2, 8, 1, 9]])
    first, second = word_traits(counts, ["cat", "both", "dog", "purr", "the"], 3)
    assert [trait.name for trait in first] == ["cat", "purr"]
    assert second[0].name == str(second[0]) == "dog"
    assert first[0].weight == pytest.approx(8 / 20 * np.log(1 + 20 / 8))
    assert first[0].inside == pytest.approx(0.4)


def test_words_that_are_common_everywhere_set_nothing_apart():
    counts = np.array([[1.0, 90, 60], [90, 1, 61], [0, 0, 30]])
    told = [[trait.name for trait in traits] for traits in word_traits(counts, ["cat", "dog", "the"], 3)]
    assert told == [["dog"], ["cat"], ["the"]]  # the third cluster is nothing but that


def things(count=120):
    rng = np.random.default_rng(0)
    kind = np.arange(count) % 3
    return pd.DataFrame(
        {
            "height": 170 + 10 * kind + rng.normal(size=count),
            "colour": np.array(["red", "blue", "green"])[kind],
            "tame": kind == 1,
            "born": pd.Timestamp("2020-01-01") + pd.to_timedelta(1000 * kind + np.arange(count) // 3, unit="D"),
            "noise": rng.normal(size=count),
        },
        index=[f"thing {row}" for row in range(count)],
    )


@pytest.fixture(scope="module")
def table_model():
    return Autoencoder(hidden=(16,), latent=3, epochs=30, batch_size=16, random_state=0).fit(things())


def test_columns_are_told_in_the_users_units(table_model):
    frame = things()
    kind = np.arange(len(frame)) % 3
    found = nolabel.cluster(table_model, data=frame, labels=kind, k=3)
    assert found.agreement["ARI"] > 0.9
    assert found.ids[:2] == ["thing 0", "thing 1"]
    for one in found.descriptions:
        inside = frame[found.labels == one.number]
        outside = frame[found.labels != one.number]
        told = {trait.name: trait for trait in one.traits}
        assert "noise" not in told
        assert next(iter(one.classes.values())) > 0.9
        for name, trait in told.items():
            if name == "height":
                assert trait.inside == pytest.approx(inside["height"].mean(), rel=1e-3)
                assert trait.outside == pytest.approx(outside["height"].mean(), rel=1e-3)
            if name == "tame":
                assert trait.inside == pytest.approx(inside["tame"].mean(), abs=1e-3)
                assert "%" in str(trait)
            if name.startswith("colour="):
                assert trait.inside == pytest.approx((inside["colour"] == name[7:]).mean(), abs=1e-3)
            if name == "born":
                assert str(inside["born"].mean().date())[:7] in str(trait)
    np.testing.assert_array_equal(found.predict(frame), found.labels)


def test_a_trait_can_be_read():
    assert str(Trait("age", 1.5, 61.234, 30.1)) == "age 61.2 (30.1 elsewhere)"
    assert str(Trait("sex=f", 1, 0.75, 0.5, "share")) == "sex=f 75% (50% elsewhere)"
    assert str(Trait("born", 1, 0, 365, "date")) == "born 1970-01-01 (1971-01-01 elsewhere)"


def test_pictures_are_told_by_medoids():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (40, 6, 6), dtype=np.uint8)
    found = nolabel.cluster(planted(k=2, each=10)[0][:20], data=images[:20], k=2)
    assert all(one.traits == () for one in found.descriptions)
    assert str(found.descriptions[0]).startswith("such as ")


def test_columns_of_the_embedding_stand_in_for_data():
    codes, _ = planted(k=2)
    found = nolabel.cluster(pd.DataFrame(codes, columns=list("abcde")), k=2)
    assert {found.descriptions[0].traits[0].name, found.descriptions[0].traits[1].name} == {"a", "b"}
    assert nolabel.cluster(codes, k=2).descriptions[0].traits[0].name in ("z0", "z1")


# --- what may be given -----------------------------------------------------------------------------------------------


def test_arrays_tensors_lists_and_frames_are_the_same():
    codes, _ = planted()
    wanted = nolabel.cluster(codes, k=4).labels
    frame = pd.DataFrame(codes, index=[f"row {row}" for row in range(len(codes))])
    for form in (torch.from_numpy(codes), codes.tolist(), frame):
        np.testing.assert_array_equal(nolabel.cluster(form, k=4).labels, wanted)
    assert nolabel.cluster(frame, k=4).ids[1] == "row 1"


def test_a_run_folder_stands_for_its_model_and_embeddings(table_model, tmp_path):
    frame = things()
    table_model.save(tmp_path / "model")
    with pytest.raises(ArgumentError, match=r"data is missing: .* no embeddings.parquet; give the samples"):
        nolabel.cluster(tmp_path)
    wanted = nolabel.cluster(table_model, data=frame, k=3)
    np.testing.assert_array_equal(nolabel.cluster(str(tmp_path), data=frame, k=3).labels, wanted.labels)
    codes = pd.DataFrame(table_model.transform(frame), columns=["z0", "z1", "z2"])
    codes.insert(0, "id", frame.index)
    codes.assign(cluster=0).to_parquet(tmp_path / "embeddings.parquet")
    alone = nolabel.cluster(tmp_path, k=3)
    np.testing.assert_array_equal(alone.labels, wanted.labels)
    assert alone.ids[0] == "thing 0"
    assert any("embeddings.parquet alone" in note for note in alone.notes)
    np.testing.assert_array_equal(alone.predict(frame), alone.labels)


def test_labels_are_compared_and_not_used():
    codes, y = planted()
    without = nolabel.cluster(codes, k=4)
    known = nolabel.cluster(codes, k=4, labels=np.where(np.arange(len(y)) % 2, y, -1))
    np.testing.assert_array_equal(known.labels, without.labels)
    assert known.agreement == {"NMI": pytest.approx(1), "ARI": pytest.approx(1)}
    assert known.descriptions[2].classes == {"2": 1.0}
    assert without.agreement == {}


# --- keeping ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_clusters_are_kept_with_ids(tmp_path, suffix):
    found = nolabel.cluster(scattered(planted()[0]), "hdbscan")
    path = found.save(tmp_path / f"found{suffix}")
    kept = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
    pd.testing.assert_frame_equal(kept, found.to_frame())
    assert list(kept.columns) == ["id", "cluster", "confidence", "is_noise"]
    with pytest.raises(OutputError, match="exists; choose another name"):
        found.save(path)
    assert found.save(path, overwrite=True) == path
    with pytest.raises(ArgumentError, match=r"must end in .parquet or .csv; got .*found.parq'"):
        found.save(tmp_path / "found.parq")


def test_the_table_shows_every_cluster():
    found = nolabel.cluster(planted()[0], largest=6)
    lines = found.table().splitlines()
    assert lines[0] == "kmeans: 190 samples in 4 clusters"
    assert len(lines) == 5
    assert repr(found) == "Clusters(kmeans: 190 samples in 4 clusters)"


# --- bad input -------------------------------------------------------------------------------------------------------

GOOD = planted()[0]


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("method must be one of .*; got 'kmean'; did you mean 'kmeans'", {"method": "kmean"}),
        ("method must be one of .*; got 'HDBSCAN'; did you mean 'hdbscan'", {"method": "HDBSCAN"}),
        ('k must be a whole number of at least 1, or "auto"; got 0', {"k": 0}),
        ('k must be .* or "auto"; got 2.5', {"k": 2.5}),
        ('k must be .* or "auto"; got True', {"k": True}),
        ("k must be .* got 'many'", {"k": "many"}),
        ("k=191 asks for more clusters than there are 190 samples", {"k": 191}),
        ("hdbscan finds the number of clusters itself", {"method": "hdbscan", "k": 3}),
        ("min_size is of method='hdbscan' only; got 5 for kmeans", {"min_size": 5}),
        ("min_size must be a whole number of at least 2; got 1", {"method": "hdbscan", "min_size": 1}),
        ("min_size=191 asks for clusters larger than all 190", {"method": "hdbscan", "min_size": 191}),
        ("largest must be a whole number of at least 2; got 1", {"largest": 1}),
        ("max_samples must be a whole number of at least 10; got 3", {"max_samples": 3}),
        ("k=40 asks agglomerative for more .* 20 samples", {"method": "agglomerative", "k": 40, "max_samples": 20}),
    ],
)
def test_wrong_arguments_are_named(words, arguments):
    with pytest.raises(ArgumentError, match=words):
        nolabel.cluster(GOOD, **arguments)


@pytest.mark.parametrize(
    ("words", "embedding"),
    [
        ("found 1 sample; clusters need at least 2", np.zeros((1, 3))),
        ("all 5 samples are the same", np.ones((5, 3))),
        (
            "embedding: 2 of 4 rows hold NaN or infinite values, the first is row 1",
            [[0, 0], [np.nan, 0], [0, np.inf], [1, 1]],
        ),
        (r"must have shape \(N, L\), .* got \(4,\)", np.zeros(4)),
        (r"must have shape \(N, L\), .* got \(0, 3\)", np.zeros((0, 3))),
        ("must be numbers", [["a", "b"], ["c", "d"]]),
    ],
)
def test_unusable_embeddings_are_refused(words, embedding):
    with pytest.raises(DataError, match=words):
        nolabel.cluster(embedding)


def test_what_belongs_together_must_fit(table_model):
    with pytest.raises(DataError, match="labels has 3 entries and the data 190"):
        nolabel.cluster(GOOD, labels=[1, 2, 3])
    with pytest.raises(DataError, match="data holds 120 samples and embedding 190 rows"):
        nolabel.cluster(GOOD, data=things())
    with pytest.raises(DataError, match="must have 5 columns, .* got 4"):
        nolabel.cluster(GOOD, k=2).predict(GOOD[:, :4])
    with pytest.raises(DataError, match="NaN"):
        nolabel.cluster(GOOD, k=2).predict(np.full((1, 5), np.nan))
    with pytest.raises(ArgumentError, match="data is missing: give the samples that Autoencoder shall turn into codes"):
        nolabel.cluster(table_model)


def test_a_model_with_a_tokenizer_clusters_texts():
    texts = ["cat|mouse|sofa", "dog|bone|leash"] * 12
    model = nolabel.LDA(n_topics=2, tokenizer=lambda text: text.split("|"), max_df=1.0, epochs=20, random_state=0)
    found = nolabel.cluster(model.fit(texts), k=2, data=texts)
    assert adjusted_rand_score(np.arange(24) % 2, found.labels) == 1
    assert nolabel.evaluate(model, texts, seeds=2).samples == 24


def test_strangers_are_refused(tmp_path):
    from sklearn.decomposition import PCA

    with pytest.raises(ArgumentError, match="a fitted nolabel estimator .* got PCA"):
        nolabel.cluster(PCA().fit(GOOD), data=GOOD)
    with pytest.raises(SavedModelError, match="holds no model"):
        nolabel.cluster(tmp_path)


# --- many numbers of clusters from one tree --------------------------------------------------------------------------


def test_a_tree_is_scikit_learns():
    from sklearn.cluster import AgglomerativeClustering

    codes, _ = planted(spread=1.5)
    ours = Tree(codes, np.arange(len(codes)), 6, 0).members.labels
    assert adjusted_rand_score(AgglomerativeClustering(6).fit_predict(codes), ours) == 1


def test_candidates_fit_the_samples():
    assert choosing.candidates("kmeans", GOOD[:6], 20) == [2, 3, 4]
    assert choosing.candidates("kmeans", np.repeat(GOOD[:3], 9, axis=0), 20) == [2, 3]
    assert choosing.candidates("hdbscan", GOOD, 20) == [5, 10, 19]
    assert choosing.candidates("hdbscan", GOOD[:3], 20) == []
    assert choosing.curve("kmeans", GOOD[:2], [], 0) == ()
    assert describing.units_of(nolabel.open(GOOD).spec)[0].kind == "number"


def test_texts_are_told_by_their_words(tmp_path):
    for row in range(12):
        words = "cats purr and sleep" if row % 2 else "dogs bark and run"
        (tmp_path / f"{row:02d}.txt").write_text(f"{words} and {words}" if row else "")
    data = nolabel.open(str(tmp_path), modality="text")
    found = nolabel.cluster(np.array([[0.0, row % 2] for row in range(12)]), k=2, data=data)
    told = [[trait.name for trait in one.traits] for one in found.descriptions]
    assert {tuple(sorted(words[:3])) for words in told} == {("cats", "purr", "sleep"), ("bark", "dogs", "run")}
    assert all(len(words) == 3 for words in told)  # `and` is in both
    assert found.descriptions[0].medoids[0].endswith(".txt")
