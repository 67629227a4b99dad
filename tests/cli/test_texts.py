"""Texts on the command line: a folder of them is fitted to, and embedded by the words of the model."""

from pathlib import Path

import pandas as pd
import pytest

from nolabel.cli import main


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """Eight short texts in two class folders."""
    for number in range(4):
        for group, text in (("pets", "cats and dogs bark"), ("space", "rockets reach the moon")):
            (tmp_path / "news" / group).mkdir(parents=True, exist_ok=True)
            (tmp_path / "news" / group / str(number)).write_text(f"{text} {'ever ' * number}")
    return tmp_path / "news"


def fit(source: Path, out: Path, *more: str) -> int:
    words = [
        "fit",
        "autoencoder",
        str(source),
        "--out",
        str(out),
        "--epochs",
        "1",
        "--no-report",
        "--random-state",
        "0",
    ]
    return main([*words, *more])


def test_a_folder_of_texts_is_learned_from_and_embedded(
    news: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(news, tmp_path / "run", "--modality", "text") == 0
    (news / "pets" / "latin").write_bytes("Flöhe".encode("latin-1"))
    assert main(["embed", str(tmp_path / "run"), str(news), "-o", str(tmp_path / "codes.csv")]) == 0
    assert "1 in cp1252 of 9 texts are not UTF-8" in capsys.readouterr().err
    assert pd.read_csv(tmp_path / "codes.csv")["id"].tolist()[0] == "pets/0"
    assert main(["embed", str(tmp_path / "run"), str(news), "-o", str(tmp_path / "c.csv"), "--encoding", "ascii"]) == 2
    assert "latin: it is not ascii" in capsys.readouterr().err


def test_the_column_of_texts_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.DataFrame({"shop": ["north", "south"] * 4, "said": ["good bread and tea", "no tea, old bread"] * 4})
    frame.to_csv(tmp_path / "said.csv", index=False)
    assert fit(tmp_path / "said.csv", tmp_path / "run", "--text", "sayd") == 2
    assert "did you mean 'said'?" in capsys.readouterr().err
    assert fit(tmp_path / "said.csv", tmp_path / "run", "--text", "said") == 0
    assert main(["embed", str(tmp_path / "run"), str(tmp_path / "said.csv"), "-o", str(tmp_path / "codes.csv")]) == 0
