"""What a generator has made, for the page: types and data decide what is shown, and copies are told."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import nolabel
from nolabel.data.dataset import Dataset
from nolabel.data.toys import ring, stripes
from nolabel.errors import DataError
from nolabel.evaluation.latent_directions import latent_directions
from nolabel.methods.r3gan import R3GAN
from nolabel.methods.vae import VAE
from nolabel.report import judged, sampled
from nolabel.report.content import Content, Pictures, Rows
from nolabel.report.gather import gather
from nolabel.report.making import make_report
from nolabel.report.page import render
from nolabel.training.snapshots import kept


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on pictures."""
    folder = tmp_path_factory.mktemp("runs") / "pictures"
    R3GAN.tiny().set_params(epochs=2).fit(stripes(64, size=8), out=folder)
    return folder


@pytest.fixture(scope="module")
def content(run: Path) -> Content:
    return gather(nolabel.load(run), stripes(64, size=8), run=run)


def test_a_generator_of_pictures_fills_every_figure(content: Content) -> None:
    shown = content.generated
    assert shown is not None
    assert isinstance(shown.data, Pictures)
    assert shown.film is not None
    assert shown.film.pictures.shape == (4, 12, 8, 8)  # of each of 4 steps
    assert shown.film.names == ["epoch 0.5", "epoch 1", "epoch 1.5", "epoch 2"]
    assert shown.between is not None
    assert shown.between.pictures.shape == (3, 10, 8, 8)
    assert shown.directions is not None
    assert shown.directions.pictures.shape == (6, 11, 8, 8)
    assert shown.clouds is None
    assert shown.nearest is not None
    assert [name for name, _ in shown.nearest.shown.versions] == ["sample", "nearest by pixels", "nearest by features"]
    assert [measure.name for measure in shown.nearest.measures] == [
        "Copies",
        "Distance to the nearest",
        "Copies by features",
    ]
    assert shown.judged == {}, "too few data for a number"
    text = render(content)
    for heading in ("Over training", "Are they copies?", "From one to another", "Directions of the latents"):
        assert heading in text


def test_the_film_ends_with_what_the_model_makes(content: Content, run: Path) -> None:
    assert content.generated is not None
    assert content.generated.film is not None
    last = kept(run / "snapshots")[-1].values
    shown = content.generated.film.pictures[-1]
    np.testing.assert_array_equal(shown, (255 * last[:, 0]).round().to(torch.uint8).numpy())


def test_every_direction_passes_its_start_and_moves(content: Content) -> None:
    assert content.generated is not None
    assert content.generated.directions is not None
    pictures = content.generated.directions.pictures
    np.testing.assert_array_equal(pictures[:, 5], np.broadcast_to(pictures[0, 5], pictures[:, 5].shape))
    assert all(not np.array_equal(row[0], row[-1]) for row in pictures)


def test_the_nearest_are_data_and_the_most_suspicious_come_first(content: Content) -> None:
    assert content.generated is not None
    assert content.generated.nearest is not None
    shown = content.generated.nearest.shown
    assert isinstance(shown, Pictures)
    data = (255 * torch.cat([batch.x for batch in stripes(64, size=8).batches()])[:, 0]).round().to(torch.uint8).numpy()
    for _, pictures in shown.versions[1:]:
        assert all((picture == data).all(axis=(1, 2)).any() for picture in pictures)
    assert len(shown.ids) == 12


def test_without_a_run_folder_there_is_no_film(run: Path) -> None:
    shown = gather(nolabel.load(run), stripes(64, size=8)).generated
    assert shown is not None
    assert shown.film is None
    assert shown.between is not None


def test_a_table_is_shown_as_points_and_rows(tmp_path: Path) -> None:
    data = ring(300)
    model = R3GAN.tiny().set_params(epochs=2).fit(data, out=tmp_path / "run")
    page = make_report(model, data, tmp_path / "page.html", run=tmp_path / "run").read_text()
    assert page.count("<use class") == len(kept(tmp_path / "run" / "snapshots"))
    shown = gather(model, data, run=tmp_path / "run").generated
    assert shown is not None
    assert (shown.film, shown.between, shown.directions) == (None, None, None)
    assert isinstance(shown.data, Rows)
    assert shown.clouds is not None
    assert shown.clouds.data.shape == (300, 2)
    assert [points.shape for _, points in shown.clouds.moments] == [(256, 2)] * len(shown.clouds.moments)
    assert shown.nearest is not None
    assert isinstance(shown.nearest.shown, Rows)
    assert "nearest by values" in [name for name, _ in shown.nearest.shown.versions]


def test_many_columns_are_seen_on_two_axes_of_the_data() -> None:
    """Along the plane in which the data lie, points keep their distances."""
    generator = torch.Generator().manual_seed(0)
    plane = torch.linalg.qr(torch.randn(7, 2, generator=generator)).Q
    flat = torch.randn(50, 2, generator=generator) @ torch.diag(torch.tensor([3.0, 1.0]))
    real = flat @ plane.T + 5
    spec = replace(ring(20).spec, shape=(7,))
    middle, axes, how = sampled._axes(spec, real)
    assert "principal" in how
    np.testing.assert_allclose(
        torch.cdist((real - middle) @ axes, (real - middle) @ axes), torch.cdist(flat, flat), atol=1e-2
    )
    _, narrow, _ = sampled._axes(replace(spec, shape=(1,)), real[:, :1])
    assert narrow.shape == (1, 2)


def test_a_sampler_that_is_no_generator_shows_less(tmp_path: Path) -> None:
    data = stripes(60, size=8)
    model = VAE.tiny().set_params(epochs=2).fit(data, out=tmp_path / "run")
    shown = gather(model, data, run=tmp_path / "run").generated
    assert shown is not None
    assert shown.film is not None
    assert shown.nearest is not None
    assert (shown.between, shown.directions) == (None, None)


def test_copies_are_a_verdict_of_the_page(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, model = stripes(64, size=8), nolabel.load(run)
    values = torch.cat([batch.x for batch in data.batches()])

    def by_heart(count: int, generator: torch.Generator) -> Tensor:
        return values[torch.randint(len(values), (count,), generator=generator)]

    monkeypatch.setattr(model.learner_, "sample", by_heart)
    content = gather(model, data, run=run)
    assert content.health[0]["name"] == "memorisation"
    assert content.health[0]["level"] == "bad"
    assert "they are copies" in content.summary.second
    assert content.generated is not None
    assert content.generated.nearest is not None
    assert content.generated.nearest.measures[0].value == "100%"
    assert not [one for one in content.health if one["name"] == "healthy"]


def test_held_out_samples_are_taken_where_a_name_has_some(monkeypatch: pytest.MonkeyPatch, run: Path) -> None:
    data, model = stripes(64, size=8), nolabel.load(run)
    data.name = "mnist"
    asked: list[Any] = []

    def opened(name: str, **options: Any) -> Dataset:
        asked.append((name, options["split"]))
        return stripes(30, size=8, seed=9)

    monkeypatch.setattr(sampled.source, "open", opened)
    made = sampled.Made(model, data, data, None, None, 0)
    shown, _ = sampled.generated(made)
    assert asked == [("mnist", "test")]
    assert shown.nearest is not None
    assert "30 samples of the test split" in shown.nearest.measures[1].meaning
    assert [name for name, _ in shown.nearest.shown.versions] == ["sample", "nearest by pixels"]


def test_the_page_is_the_same_again(content: Content, run: Path) -> None:
    again = gather(nolabel.load(run), stripes(64, size=8), run=run)
    assert content.generated is not None
    assert again.generated is not None
    np.testing.assert_array_equal(again.generated.between.pictures, content.generated.between.pictures)  # type: ignore[union-attr]
    assert again.generated.nearest.measures == content.generated.nearest.measures  # type: ignore[union-attr]


def test_snapshots_of_other_samples_are_not_shown_and_many_are_thinned(run: Path) -> None:
    one = kept(run / "snapshots")[0]
    spec = stripes(20, size=8).spec
    assert sampled._fitting([one], replace(spec, shape=(1, 9, 9))) == []
    many = [replace(one, step=step) for step in range(37)]
    steps = [each.step for each in sampled._fitting(many, spec)]
    assert len(steps) == 10
    assert (steps[0], steps[-1]) == (0, 36)


def test_what_is_quickly_judged_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judged, "FEWEST", 60)
    monkeypatch.setattr(judged, "_IMAGES", 200)
    table = ring(200)
    found = judged.judged(R3GAN.tiny().set_params(epochs=1).fit(table), table, 0)
    assert found["protocol"]["features"].endswith("the samples' own network values")
    pictures = stripes(120, size=8)
    model = R3GAN.tiny().set_params(epochs=1).fit(pictures)
    labelled = judged.judged(model, pictures, 0)
    assert "classifier trained on" in labelled["protocol"]["features"]
    assert {row["measure"] for row in labelled["rows"]} >= {"KID", "recall", "class imbalance"}
    unlabelled = Dataset(pictures.spec, pictures.store, range(len(pictures)))
    assert judged.judged(model, unlabelled, 0) == {}


def test_why_nothing_was_judged_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise DataError("no good")

    monkeypatch.setattr(judged, "FEWEST", 60)
    monkeypatch.setattr(judged, "judge", refuse)
    table = ring(200)
    model = R3GAN.tiny().set_params(epochs=1).fit(table)
    assert judged.judged(model, table, 0) == {"notes": ["Not judged: no good."]}
    assert judged.judged(model, table.subset(np.arange(59)), 0) == {}


def test_directions_are_those_that_anyone_can_ask_for(content: Content, run: Path) -> None:
    assert content.generated is not None
    assert content.generated.directions is not None
    found = latent_directions(nolabel.load(run), 6)
    assert content.generated.directions.notes[0] == "strongest"
    assert content.generated.directions.notes[1] == f"{found.strengths[1] / found.strengths[0]:.0%} as strong"
