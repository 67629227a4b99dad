"""Names from ids stay in their folder; files are whole or not there; what is in the way stays."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nolabel.cli import outputs
from nolabel.errors import ArgumentError, OutputError

CODES = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (7, "00007"),
        ("cat/001.jpg", "cat/001"),
        ("cat/001.tar.jpg", "cat/001.tar"),
        ("row.5", "row.5"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("a/../../b.png", "a/b"),
        ("..\\..\\windows\\x.png", "windows/x"),
        ("C:\\x.png", "C_/x"),
        (".hidden/.x.png", "_hidden/_x"),
        ("a//./b.png", "a/b"),
        ("a.png/b.png", "a.png_/b"),
        ("a\0b\n.png", "a_b_"),
        ('what?*<>|":.png', "what_______"),
        ("trailing. /x .png", "trailing/x"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("...", "unnamed"),
        (".png", "unnamed"),
        ("Ärger/ß.png", "Ärger/ß"),
        ("\udcff.png", "_"),
    ],
)
def test_ids_become_safe_paths(name: str | int, path: str) -> None:
    assert str(outputs.safe_path(name)) == path


def test_long_names_are_cut_between_characters() -> None:
    part = outputs.safe_path("ä" * 400).name
    assert set(part) == {"ä"}
    assert len(part.encode()) == 120


NAMES = st.lists(st.text(st.sampled_from("ab./\\:.\0 é\udcff"), max_size=12) | st.text(max_size=30), max_size=12)


@given(NAMES)
def test_no_id_leaves_its_folder_and_no_two_share_a_file(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        places = outputs.Places(Path(name), ".png", len(names))
        for one in names:
            path = places.of(one)
            parts = path.relative_to(name).parts
            assert not {"", ".", ".."} & set(parts)
            assert not any(part.startswith(".") or "\\" in part or "\0" in part for part in parts)
            with path.open("xb"):  # new, and in a folder that is there
                pass


def test_a_folder_does_not_stand_in_the_way_of_a_file(tmp_path: Path) -> None:
    places = outputs.Places(tmp_path, ".png", 2)
    places.of("a.png/b.png").write_text("")
    places.of("a").write_text("")


def test_ids_that_lead_to_one_place_are_numbered(tmp_path: Path) -> None:
    places = outputs.Places(tmp_path, ".png", 4)
    names = ["a/b.png", "a/b.jpg", "./a/B.png", "a/b.png"]
    written = [str(places.of(name).relative_to(tmp_path)) for name in names]
    assert written == ["a/b.png", "a/b-2.png", "a/B-3.png", "a/b-4.png"]
    places.write_index()
    index = pd.read_csv(tmp_path / "index.csv")
    assert index["file"].tolist() == written
    assert index["id"].tolist() == names


def test_a_link_does_not_lead_out(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    (folder / "cat").symlink_to(outside)
    places = outputs.Places(folder, ".png", 1)
    with pytest.raises(OutputError, match="leads out of"):
        places.of("cat/1.png")
    assert not list(outside.iterdir())


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(tmp_path: Path) -> None:
    precious, link = tmp_path / "precious.csv", tmp_path / "codes.csv"
    precious.write_text("keep me")
    link.symlink_to(precious)
    outputs.write_codes(link, [0, 1], CODES)
    assert precious.read_text() == "keep me"
    assert not link.is_symlink()


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_codes_in_a_table(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"codes{suffix}"
    assert outputs.write_codes(path, ["a/1.png", "b/2.png"], CODES) == path
    frame = pd.read_parquet(path) if suffix == ".parquet" else pd.read_csv(path)
    assert list(frame.columns) == ["id", "z0", "z1", "z2"]
    assert frame["id"].tolist() == ["a/1.png", "b/2.png"]
    np.testing.assert_array_equal(frame[["z0", "z1", "z2"]].to_numpy(dtype=np.float32), CODES)


def test_codes_in_an_array_with_ids_beside_it(tmp_path: Path) -> None:
    beside = outputs.write_codes(tmp_path / "codes.npy", range(2), CODES)
    assert beside == tmp_path / "codes.ids.csv"
    np.testing.assert_array_equal(np.load(tmp_path / "codes.npy"), CODES)
    assert pd.read_csv(beside)["id"].tolist() == [0, 1]


def test_row_numbers_stay_numbers_and_names_that_are_no_text_are_spelt_out(tmp_path: Path) -> None:
    path = tmp_path / "codes.parquet"
    outputs.write_codes(path, range(2), CODES)
    assert pd.read_parquet(path)["id"].dtype.kind == "i"
    outputs.write_codes(path, ["\udcff.png", "b"], CODES)
    assert pd.read_parquet(path)["id"].tolist() == ["\\udcff.png", "b"]


def test_a_column_called_id_is_not_lost() -> None:
    frame = outputs.with_ids([5, 6], pd.DataFrame({"id": [1, 2]}))
    assert frame.to_dict("list") == {"id_": [5, 6], "id": [1, 2]}


def test_nothing_is_left_of_a_file_that_could_not_be_written(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("old")

    def fail_in_the_middle() -> None:
        with outputs.whole(path) as part:
            part.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match=r"cannot write .*codes\.csv: No space left on device"):
        fail_in_the_middle()
    assert [file.name for file in tmp_path.iterdir()] == ["codes.csv"]
    assert path.read_text() == "old"


def test_new_file_refuses_what_cannot_be_meant(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("")
    (tmp_path / "folder.csv").mkdir()
    for name, error, words in [
        ("x.parqet", ArgumentError, "did you mean '.parquet'"),
        ("folder.csv", OutputError, "is a folder"),
        ("none/x.csv", OutputError, "does not exist; make it first"),
        ("old.csv", OutputError, "add --overwrite"),
    ]:
        with pytest.raises(error, match=words):
            outputs.new_file(str(tmp_path / name), (".parquet", ".csv"), overwrite=False)
    assert outputs.new_file(str(tmp_path / "old.csv"), (".csv",), overwrite=True).name == "old.csv"


def test_whoever_asks_for_a_picture_means_one(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"one of .gif, .npy; got '.png'; did you mean '.gif'\?"):
        outputs.new_file(str(tmp_path / "v.png"), (".gif", ".npy"), overwrite=False)
    with pytest.raises(ArgumentError, match=r"did you mean '.npy'\?"):
        outputs.new_file(str(tmp_path / "v.nyp"), (".gif", ".npy"), overwrite=False)


def test_new_folder_refuses_what_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file; name a folder"):
        outputs.new_folder(str(tmp_path / "file"), overwrite=True)
    with pytest.raises(OutputError, match="exists and is not empty"):
        outputs.new_folder(str(tmp_path), overwrite=False)
    assert outputs.new_folder(str(tmp_path / "a" / "b"), overwrite=False).is_dir()
