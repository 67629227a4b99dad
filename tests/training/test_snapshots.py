"""Samples kept while training: when, of what weights, the same after a resume, and nothing else is changed by it."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from nolabel.data.toys import stripes
from nolabel.errors import TrainingInterrupted
from nolabel.methods.autoencoder import Autoencoder
from nolabel.methods.vae import VAE
from nolabel.training import engine
from nolabel.training.ema import load_weights
from nolabel.training.progress import Listener
from nolabel.training.snapshots import Album, kept, moments
from nolabel.types import DataSpec
from training.toys import UnevenDuel, job, make, same, state, table, untimed

PLAN = {"ema": 0.9, "checkpoint_seconds": 0.0}
IMAGES = DataSpec("image", (1, 2, 2), "unit")


def album(learner: torch.nn.Module, folder: Path | None, spec: DataSpec | None = None) -> Album:
    """Of the generator of a duel."""

    def draw(count: int, generator: torch.Generator) -> Tensor:
        assert not learner.training
        return learner.generator(torch.randn(count, 4, generator=generator))  # type: ignore[operator, union-attr, no-any-return]

    return Album(draw, spec or table().spec, folder)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_moments_are_the_end_and_its_halves() -> None:
    assert sorted(moments(1000)) == [16, 63, 141, 250, 391, 563, 766, 1000]
    assert sorted(moments(3)) == [1, 2, 3]
    assert moments(1) == {1}


def test_the_last_snapshot_is_of_the_weights_that_are_used(tmp_path: Path) -> None:
    learner = make("uneven")
    engine.run(job(learner, table(), plan=PLAN, album=album(learner, tmp_path)))
    found = kept(tmp_path)
    assert [one.step for one in found] == sorted(moments(15))
    assert [round(one.epoch, 2) for one in found] == [0.2, 0.6, 0.8, 1.2, 1.8, 2.4, 3.0]
    expected = album(learner, None).samples(256, 5, torch.device("cpu"))  # averaged weights, now that it is over
    assert torch.equal(found[-1].values, expected)
    assert not torch.equal(found[0].values, found[-1].values)
    assert not list(tmp_path.glob(".*"))


def test_training_does_not_notice(tmp_path: Path) -> None:
    watched, alone = make("uneven"), make("uneven")
    with_album = engine.run(job(watched, table(), plan=PLAN, album=album(watched, tmp_path)))
    without = engine.run(job(alone, table(), plan=PLAN))
    assert same(state(watched), state(alone))
    copied = [{"generator.copied"} & record.keys() for record in with_album.history]
    assert any(copied)
    rest = [{name: value for name, value in record.items() if "copied" not in name} for record in with_album.history]
    assert untimed(rest) == untimed(without.history)


class Stops(Listener):
    """Pulls the plug after a step."""

    def __init__(self, at: int) -> None:
        self.at = at

    def start(self, facts: object) -> None: ...

    def step(self, record: "dict[str, int]") -> None:  # type: ignore[override]
        if record["step"] == self.at:
            raise RuntimeError("no power")

    def epoch(self, record: object) -> None: ...

    def verdict(self, record: object) -> None: ...

    def end(self, record: object) -> None: ...


@pytest.mark.parametrize("at", [3, 9])
def test_a_run_that_is_gone_on_with_keeps_what_it_would_have_kept(
    at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken, resumed = (make("uneven") for _ in range(3))
    expected = engine.run(job(whole, table(), plan=PLAN, album=album(whole, tmp_path / "whole")))
    monkeypatch.setattr(engine, "SPOKEN_SECONDS", 0)
    shared = {"plan": PLAN, "folder": tmp_path / "checkpoint"}
    with pytest.raises((RuntimeError, TrainingInterrupted)):
        engine.run(job(broken, table(), **shared, listeners=[Stops(at)], album=album(broken, tmp_path / "two")))
    assert len(files(tmp_path / "two")) < len(files(tmp_path / "whole"))
    outcome = engine.run(job(resumed, table(), **shared, resume=True, album=album(resumed, tmp_path / "two")))
    assert files(tmp_path / "two") == files(tmp_path / "whole")
    assert untimed(outcome.history) == untimed(expected.history)


def test_pictures_are_kept_as_bytes_and_texts_not_at_all(tmp_path: Path) -> None:
    learner = UnevenDuel().eval()
    load_weights(learner, {"generator.bias": torch.full((4,), 0.3)})

    def pictures(count: int, generator: torch.Generator) -> Tensor:
        return torch.full((count, 1, 2, 2), 0.3)

    Album(pictures, IMAGES, tmp_path).keep(7, 0.5, 0, torch.device("cpu"))
    (one,) = kept(tmp_path)
    assert one.values.shape == (12, 1, 2, 2)
    assert one.values.unique().tolist() == pytest.approx([round(0.3 * 255) / 255])
    Album(pictures, DataSpec("text", (4,), "real"), tmp_path / "texts").keep(7, 0.5, 0, torch.device("cpu"))
    assert not (tmp_path / "texts").exists()


def test_large_samples_are_few_and_a_damaged_file_is_passed_over(tmp_path: Path) -> None:
    spec = DataSpec("image", (3, 512, 512), "unit")
    large = Album(lambda count, _: torch.zeros(count, 3, 512, 512), spec, tmp_path)
    large.keep(1, 1.0, 0, torch.device("cpu"))
    large.keep(2, 2.0, 0, torch.device("cpu"))
    assert kept(tmp_path)[0].values.shape[0] == 1
    (tmp_path / "step-0000000001.safetensors").write_bytes(b"no such thing")
    assert [one.step for one in kept(tmp_path)] == [2]
    assert kept(tmp_path / "nowhere") == []


def test_only_methods_that_sample_keep_some_and_overwriting_takes_them_away(tmp_path: Path) -> None:
    X = stripes(40, size=8)
    VAE.tiny().set_params(epochs=3).fit(X, out=tmp_path / "vae")
    assert kept(tmp_path / "vae" / "snapshots")[-1].epoch == 3
    VAE.tiny().set_params(epochs=1).fit(X, out=tmp_path / "vae", overwrite=True)
    assert {one.epoch <= 1 for one in kept(tmp_path / "vae" / "snapshots")} == {True}
    Autoencoder.tiny().set_params(epochs=1).fit(X, out=tmp_path / "other")
    assert not (tmp_path / "other" / "snapshots").exists()
