"""A model in bad health does not come back in silence, whoever calls `fit`."""

import warnings
from pathlib import Path
from typing import Any

import pytest

from nolabel import SimCLR
from nolabel.cli.running import run
from nolabel.data import toys
from nolabel.errors import HealthWarning

DATA = toys.stripes(64, 8)


def still() -> Any:
    """Its views change nothing, so there is nothing to learn."""
    views = {"crop": None, "flip": 0.0, "jitter": 0.0, "grey": 0.0, "blur": 0.0}
    return SimCLR(backbone="mlp", views=views, epochs=2, batch_size=32, random_state=0)


def test_fit_warns_at_the_line_that_called_it() -> None:
    with pytest.warns(HealthWarning, match=r"The views of a sample do not differ.* Try stronger views\.") as caught:
        model = still().fit(DATA)
    (own,) = [one for one in caught if "do not differ" in str(one.message)]
    assert Path(own.filename) == Path(__file__)
    assert len([one for one in caught if one.category is HealthWarning]) == sum(
        verdict.level == "bad" for verdict in model.health_
    )


def test_commands_say_it_once_in_their_own_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    views = "crop=1.0:1.0,ratio=1.0:1.0,flip=0.0,jitter=0.0,grey=0.0,blur=0.0"
    words = ["fit", "simclr", "digits", "--backbone", "mlp", "--views", views, "--epochs", "1", "--no-report"]
    with warnings.catch_warnings():
        warnings.simplefilter("error", HealthWarning)
        assert run([*words, "--random-state", "0", "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr()
    assert "views of a sample do not differ" in said.out
    assert "HealthWarning" not in said.err


def test_a_warning_made_an_error_costs_no_model(tmp_path: Path) -> None:
    model = still()
    with warnings.catch_warnings(), pytest.raises(HealthWarning):
        warnings.simplefilter("error", HealthWarning)
        model.fit(DATA, out=tmp_path / "run")
    assert len(model.transform(DATA)) == 64
    assert (tmp_path / "run" / "model" / "model.json").is_file()


def test_good_health_is_no_news() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", HealthWarning)
        SimCLR(backbone="mlp", epochs=2, batch_size=32, random_state=0).fit(DATA)
