import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError
from torch import Tensor, nn

from nolabel.data.dataset import Dataset
from nolabel.errors import ArgumentError, DataError, Problem
from nolabel.evaluation.evidence import Cell, Evidence, Row
from nolabel.methods._base import Codec, Draw, Embedder, Estimator, PriorSampler, Reconstructor
from nolabel.methods.denoising_autoencoder import DenoisingAutoencoder
from nolabel.report.content import Content, Pictures, Rows
from nolabel.report.gather import gather
from nolabel.report.making import make_report
from nolabel.report.page import render
from nolabel.training.learner import GradientLearner, Step
from nolabel.types import Batch, DataSpec, Losses


class LinearLearner(GradientLearner, Codec, Draw):
    """A linear map there and back; small enough to know what it must give."""

    def __init__(self, shape: tuple[int, ...], latent: int) -> None:
        super().__init__()
        self.shape = shape
        width = int(np.prod(shape))
        self.there, self.back = nn.Linear(width, latent), nn.Linear(latent, width)

    def encode(self, x: Tensor) -> Tensor:
        return self.there(x.flatten(1))

    def decode(self, z: Tensor) -> Tensor:
        return self.back(z).view(-1, *self.shape)

    def loss(self, batch: Batch, step: Step) -> Losses:
        return Losses({"reconstruction": (self.decode(self.encode(batch.x)) - batch.x).square().mean()})

    def score(self, batch: Batch) -> Tensor:
        return -(self.decode(self.encode(batch.x)) - batch.x).square().flatten(1).mean(1)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        return self.decode(torch.randn(count, self.there.out_features, generator=generator))


class _Arguments(Estimator):
    title = "Linear model"

    def __init__(self, *, latent: int = 3, epochs: int | None = 2, random_state: Any = 0, plan: Any = None) -> None:
        self.latent, self.epochs, self.random_state, self.plan = latent, epochs, random_state, plan
        self.batch_size, self.learning_rate = None, 0.01

    def build(self, spec: DataSpec) -> LinearLearner:
        return LinearLearner(spec.shape, self.latent)

    @classmethod
    def tiny(cls) -> Self:
        return cls()


class OnlyEmbeds(_Arguments, Embedder):
    """Embeds.

    And no more.
    """


class Rebuilds(_Arguments, Reconstructor):
    """Rebuilds `what` it
    is shown.

    More words.
    """


class Everything(PriorSampler, _Arguments, Reconstructor):
    """Does all."""


def pictures(count: int = 40, *, channels: int = 1, known: bool = True) -> Dataset:
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    shape = (channels, 6, 5)
    base = rng.integers(0, 256, (2, *shape))
    values = np.clip(base[labels] + rng.normal(0, 20, (count, *shape)), 0, 255).astype(np.uint8)
    spec = DataSpec("image", shape, "unit", {"source": "array", "layout": "CHW", "dtype": "uint8"})
    return Dataset(
        spec,
        torch.from_numpy(values),
        [f"im{i}" for i in range(count)],
        labels=labels if known else None,
        classes=("left", "right") if known else (),
        skipped=[Problem("bad.png", "empty")],
        name="toys",
    )


@pytest.fixture(scope="module")
def content() -> Content:
    return gather(Everything().fit(pictures()), pictures())


def test_a_model_that_can_all_fills_every_figure(content: Content) -> None:
    assert content.map is not None
    assert content.map.thumbnails is not None
    assert content.map.thumbnails.shape == (40, 6, 5)
    assert content.map.coords.shape == (40, 2)
    assert [type(each) for each in content.rebuilt] == [Pictures, Pictures]
    assert isinstance(content.samples, Pictures)
    assert len(content.samples.ids) == 24
    assert content.traversal is not None
    assert content.traversal.pictures is not None
    assert content.traversal.pictures.shape == (3, 11, 6, 5)
    assert len(content.history) == 2
    render(content)


def test_thumbnails_are_the_samples_themselves(content: Content) -> None:
    assert content.map is not None
    np.testing.assert_array_equal(content.map.thumbnails, pictures().rows(torch.arange(40))[0][:, 0].numpy())


def test_words_come_from_the_model_and_the_data(content: Content) -> None:
    assert content.title == "Linear model on toys"
    assert content.method == "Everything"
    assert content.method_line == "Does all."
    assert content.summary.first.startswith("The linear model turns each of 40 images into 3 numbers")
    assert [problem.where for problem in content.skipped] == ["bad.png"]
    assert dict(content.facts)["labels"] == "2 classes, 40 of 40 known; not used in training"
    assert content.command == ("import nolabel\nmodel = nolabel.Everything()\nmodel.fit(X)")


def test_colour_pictures_keep_their_colours() -> None:
    data = pictures(channels=3)
    content = gather(Rebuilds().fit(data), data)
    assert content.map is not None
    assert content.map.thumbnails is not None
    np.testing.assert_array_equal(content.map.thumbnails.transpose(0, 3, 1, 2), data.rows(torch.arange(40))[0].numpy())


def test_types_decide_what_is_shown() -> None:
    data = pictures()
    embeds, rebuilds = gather(OnlyEmbeds().fit(data), data), gather(Rebuilds().fit(data), data)
    assert embeds.map is not None
    assert (embeds.rebuilt, embeds.samples, embeds.traversal) == ((), None, None)
    assert rebuilds.samples is None
    assert rebuilds.traversal is not None
    assert rebuilds.method_line == "Rebuilds what it is shown."
    render(embeds)


def test_the_hardest_samples_are_those_with_the_lowest_score() -> None:
    data = pictures()
    model = Rebuilds().fit(data)
    hardest = gather(model, data).rebuilt[1]
    scores = model.score_samples(data)
    assert list(hardest.ids) == [f"im{row}" for row in np.argsort(scores)[:12]]


def test_a_walk_moves_one_dimension_and_passes_its_start() -> None:
    data = pictures()
    model = Rebuilds().fit(data)
    walk = gather(model, data).traversal
    assert walk is not None
    assert walk.pictures is not None
    assert list(walk.spread) == sorted(walk.spread, reverse=True)
    middle = walk.pictures[:, 5]
    np.testing.assert_array_equal(middle, np.broadcast_to(middle[0], middle.shape))
    assert not np.array_equal(walk.pictures[0, 0], walk.pictures[0, -1])


def test_a_denoiser_shows_what_it_was_given() -> None:
    data = pictures()
    first = gather(DenoisingAutoencoder.tiny().fit(data), data).rebuilt[0]
    names = [name for name, _ in first.versions]
    assert names == ["original", "damaged input", "reconstruction"]
    original, damaged = (np.asarray(pixels) for _, pixels in first.versions[:2])
    assert not np.array_equal(original, damaged)


def test_the_same_seed_gives_the_same_content_and_nothing_global_changes() -> None:
    data = pictures(70)
    model = Everything().fit(data)
    model.learner_.train()
    state = torch.get_rng_state()
    one, two, other = (gather(model, data, random_state=seed) for seed in (0, 0, 1))
    assert torch.equal(state, torch.get_rng_state())
    assert model.learner_.training
    assert one.map is not None
    assert two.map is not None
    assert other.samples is not None
    np.testing.assert_array_equal(one.map.coords, two.map.coords)
    np.testing.assert_array_equal(one.samples.versions[0][1], two.samples.versions[0][1])  # type: ignore[union-attr]
    assert not np.array_equal(one.samples.versions[0][1], other.samples.versions[0][1])  # type: ignore[union-attr]


def test_more_samples_than_the_map_holds_are_sub_sampled() -> None:
    data = pictures(60)
    content = gather(Everything().fit(data), data, max_points=45)
    assert content.map is not None
    assert len(content.map.ids) == 45
    assert content.map.total == 60
    assert "45 of 60 samples are shown" in render(content)
    place = list(data.ids).index(content.map.ids[7])
    assert content.map.labels is not None
    assert content.map.labels[7] == place % 2
    assert "the 45 on the map" in content.rebuilt[1].caption


def test_sixty_samples_are_arranged_by_neighbours_and_ten_by_components() -> None:
    data = pictures(60)
    model = OnlyEmbeds().fit(data)
    many, few = gather(model, data).map, gather(model, data.subset(np.arange(10))).map
    assert many is not None
    assert few is not None
    assert many.how.startswith("t-SNE (perplexity 19)")
    assert few.how.startswith("The first two principal components")


@pytest.mark.parametrize("latent", [1, 2])
def test_narrow_codes_have_a_map(latent: int) -> None:
    data = pictures(20)
    content = gather(Rebuilds(latent=latent).fit(data), data)
    assert content.map is not None
    assert content.map.coords.shape == (20, 2)
    render(content)


def test_two_samples_are_enough() -> None:
    data = pictures(2)
    render(gather(Everything().fit(data), data))


def test_a_collapsed_model_still_has_a_report() -> None:
    data = pictures(60)
    model = Everything().fit(data)
    for parameter in model.learner_.parameters():
        parameter.data.zero_()
    content = gather(model, data)
    assert content.map is not None
    assert content.map.how.startswith("All codes are the same")
    assert content.traversal is None
    render(content)


def test_a_diverged_model_has_curves_and_a_verdict_and_no_figures() -> None:
    data = pictures()
    model = Everything().fit(data)
    model.learner_.there.weight.data.fill_(float("nan"))
    content = gather(model, data)
    assert content.map is None
    assert content.summary.level == "bad"
    assert "40 of 40 samples get codes that are not finite" in content.summary.first
    assert content.history
    render(content)


def test_labels_that_are_given_stand_before_those_of_the_data() -> None:
    data = pictures()
    labels = ["x", "y", "z", None] * 10
    content = gather(OnlyEmbeds().fit(data), data, labels=labels)
    assert content.map is not None
    assert content.map.classes == ("x", "y", "z")
    assert content.map.labels is not None
    assert content.map.labels[:4].tolist() == [0, 1, 2, -1]


def test_without_labels_there_are_clusters_only() -> None:
    data = pictures(known=False)
    content = gather(OnlyEmbeds().fit(data), data)
    assert content.map is not None
    assert content.map.labels is None
    assert "chosen by silhouette" in content.map.how
    assert 'data-colour="label"' not in render(content)


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    age = rng.uniform(20, 60, 50).round(1)
    table = pd.DataFrame({"age": age, "zero": np.where(age > 30, 0.0, 5.0), "sort": np.where(age > 40, "old", "young")})
    table.loc[3, "age"] = np.nan
    table["nothing"] = np.nan
    return table


def test_a_table_is_shown_in_the_user_s_own_words_and_units() -> None:
    table = frame()
    content = gather(Everything().fit(table), table)
    assert content.map is not None
    assert content.map.thumbnails is None
    assert list(content.map.columns) == ["age", "zero", "sort"]
    assert content.map.rows[3][0] == "–"
    assert content.map.rows[4] == [f"{table['age'][4]:.4g}", f"{table['zero'][4]:.4g}", table["sort"][4]]
    assert content.left_out[0].startswith("nothing: ")
    shown = content.rebuilt[0]
    assert isinstance(shown, Rows)
    assert list(shown.columns) == ["age", "zero", "sort"]
    assert len(shown.explained) == 3
    assert all(share is None or share <= 1 for share in shown.explained)
    assert content.traversal is not None
    assert {name for change in content.traversal.changes for name, _, _ in change} == {"age", "zero", "sort"}
    assert isinstance(content.samples, Rows)
    render(content)


def test_an_array_s_columns_are_called_by_their_place() -> None:
    rows = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    content = gather(Rebuilds().fit(rows), rows)
    assert content.map is not None
    assert list(content.map.columns) == [f"column {place}" for place in range(4)]
    assert content.map.rows[2][1] == f"{rows[2, 1]:.4g}".replace("-", "−")


def test_the_variance_kept_is_that_of_the_reconstruction() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    model = Rebuilds(latent=2).fit(rows)
    shown = gather(model, rows).rebuilt[0]
    assert isinstance(shown, Rows)
    again = np.asarray(model.reconstruct(rows))
    expected = 1 - ((rows - again) ** 2).sum(0) / ((rows - rows.mean(0)) ** 2).sum(0)
    np.testing.assert_allclose(np.asarray(shown.explained, dtype=float), expected, atol=1e-4)


def small_evidence() -> Evidence:
    cells = {"model": Cell(0.9, 0.01, 5), "raw": Cell(0.8, 0.01, 5)}
    return Evidence((Row("neighbours", "k-NN accuracy", "k = 5", True, cells),), ("a note",), 40)


def test_evidence_comes_from_the_argument_or_the_run_folder(tmp_path: Path) -> None:
    data = pictures()
    model = OnlyEmbeds().fit(data)
    given = gather(model, data, evidence=small_evidence())
    (tmp_path / "evidence.json").write_text(json.dumps(small_evidence().to_dict()))
    kept = gather(model, data, run=tmp_path)
    assert given.evidence == kept.evidence
    assert "k-NN accuracy 0.900 against 0.800 on raw pixels" in kept.summary.first
    assert gather(model, data, run=tmp_path / "none").evidence == {}


def test_damaged_evidence_is_named(tmp_path: Path) -> None:
    data = pictures()
    (tmp_path / "evidence.json").write_text("{")
    with pytest.raises(ArgumentError, match=r"evidence\.json is damaged"):
        gather(OnlyEmbeds().fit(data), data, run=tmp_path)


def test_settings_are_exact_and_health_is_passed_on() -> None:
    data = pictures()
    model = Rebuilds(latent=2, plan={"holdout": 0.2}).fit(data)
    content = gather(model, data, command="nolabel fit rebuilds toys")
    assert content.settings["latent"] == 2
    assert content.settings["plan.holdout"] == 0.2
    assert content.defaults["latent"] == 3
    assert content.health == [asdict(verdict) for verdict in model.health_]
    assert content.command == "nolabel fit rebuilds toys"
    assert {"nolabel", "torch", "scikit-learn"} <= set(content.versions)


def test_the_lines_of_python_make_the_model_again() -> None:
    lines = gather(Rebuilds(random_state=None).fit("wine"), "wine").command.split("\n")
    assert lines[1].startswith("model = nolabel.Rebuilds(random_state=")
    assert lines[2] == "model.fit('wine')"


def test_bad_arguments_are_refused_in_words() -> None:
    data = pictures()
    with pytest.raises(ArgumentError, match=r"model must be a fitted nolabel estimator.*got dict"):
        gather({}, data)
    with pytest.raises(NotFittedError):
        gather(Rebuilds(), data)
    with pytest.raises(ArgumentError, match="max_points must be at least 2; got 1"):
        gather(Rebuilds().fit(data), data, max_points=1)
    with pytest.raises(DataError, match="labels"):
        gather(Rebuilds().fit(data), data, labels=[0, 1])


def test_one_call_makes_the_page(tmp_path: Path) -> None:
    data = pictures()
    path = make_report(OnlyEmbeds().fit(data), data, tmp_path / "page.html", evidence=small_evidence())
    assert "k-NN accuracy" in path.read_text(encoding="utf-8")
