"""`nolabel compress`."""

import inspect
from pathlib import Path

import pandas as pd

import nolabel
from nolabel.cli.commands import compress
from nolabel.evaluation.compression import compression


def test_flags_are_arguments_of_the_function() -> None:
    taken = [name for name in inspect.signature(compression).parameters if name not in ("model", "data")]
    assert [flag.key for flag in compress.MEASURING] == taken


def test_the_table_is_said_and_kept(call, image_run: Path, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "table.csv"
    said = call("compress", image_run, images, "-n", 30, "--qualities", "10,50", "-o", out)
    assert said.code == 0
    expected = nolabel.compression(nolabel.load(image_run), str(images), n=30, qualities=(10, 50))
    assert said.out == f"{expected.table()}\n\ntable in {out}\n"
    assert pd.read_csv(out)["code"].tolist() == [row.code for row in expected.rows]
    assert call("compress", image_run, images, "-o", out).code == 2  # it is in the way


def test_without_a_source_the_images_of_the_run_are_taken(call, image_run: Path) -> None:
    said = call("compress", image_run)
    assert said.code == 0
    assert "40 of 40 images" in said.out


def test_what_cannot_be_meant(call, image_run: Path, table_run: Path, images: Path, table: Path) -> None:
    assert "--qualities must be whole numbers from 1 to 95" in call("compress", image_run, "--qualities", "0").err
    assert "needs images; the model was fitted to data of kind 'table'" in call("compress", table_run, table).err
    assert "there is no folder" in call("compress", "no such run", images).err
