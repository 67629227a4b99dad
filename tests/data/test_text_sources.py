"""Texts wherever they lie: folders, archives, lines, tables, names; and in whatever encoding."""

import gzip
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nolabel.data import memory, named
from nolabel.data.documents import decoded
from nolabel.data.named import DOWNLOADS, NAMES, Download
from nolabel.data.source import open as open_source
from nolabel.errors import ArgumentError, BrokenFilesError, DataError, ModalityError

NEWS = {
    "sport/101": "The match was won by the home team.",
    "sport/102.txt": "A match without a goal.",
    "space/9": "The rocket left the pad.",
    "space/10.md": "A rocket, a moon, a pad.",
}
FRAME = pd.DataFrame(
    {
        "id": [7, 8, 9],
        "shop": ["north", "south", "north"],
        "comment": ["good bread and good tea", "the bread was far too old", "no tea today, only bread"],
        "stars": [5, 1, 2],
    }
)


def fill(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def as_tar(path: Path, files: dict[str, str | bytes]) -> Path:
    with tarfile.open(path, "w:" + (path.suffix[1:] if path.suffix != ".tar" else "")) as archive:
        for name, text in files.items():
            content = text if isinstance(text, bytes) else text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def as_zip(path: Path, files: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


# --- folders and archives


def test_a_folder_of_texts(tmp_path: Path) -> None:
    extra = {".hidden/1.txt": "secret", "sport/.9.txt": "secret", "sport/table.csv": "a,b", "sport/x.jpg": b"\xff\xd8"}
    data = open_source(fill(tmp_path / "news", {**NEWS, **extra}), modality="text")
    assert data.ids == ["space/10.md", "space/9", "sport/101", "sport/102.txt"]
    assert data.classes == ("space", "sport")
    assert data.labels.tolist() == [0, 0, 1, 1]
    assert data.texts[0] == NEWS["space/10.md"]
    assert "secret" not in data.spec.recipe["tokens"]
    assert data.name == "news"
    part = open_source(tmp_path / "news", modality="text", split="sport")
    assert (part.ids, part.labels, part.name) == (["101", "102.txt"], None, "news:sport")
    assert open_source(tmp_path / "news", spec=data.spec).store.to_scipy().sum() == data.store.to_scipy().sum()


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tar.xz", ".tar.bz2", ".zip"])
def test_archives_of_texts_are_as_their_folder(tmp_path: Path, ending: str) -> None:
    folder = open_source(fill(tmp_path / "news", NEWS), modality="text")
    make = as_zip if ending == ".zip" else as_tar
    data = open_source(make(tmp_path / f"news{ending}", {**NEWS, "sport/x.png": b"\x89PNG"}), modality="text")
    assert list(data.ids) == list(folder.ids)
    assert data.spec == folder.spec
    assert np.array_equal(data.store.to_scipy().toarray(), folder.store.to_scipy().toarray())
    assert data.labels.tolist() == folder.labels.tolist()


def test_a_list_of_text_files(tmp_path: Path) -> None:
    fill(tmp_path, NEWS)
    paths = [tmp_path / "sport/101", tmp_path / "space/9"]
    data = open_source(paths, modality="text")
    assert data.ids == [str(path) for path in paths]
    assert data.texts == [NEWS["sport/101"], NEWS["space/9"]]
    assert open_source([str(path) for path in paths], modality="text").texts == data.texts


@pytest.mark.parametrize("ending", ["", ".txt", ".txt.gz", ".md"])
def test_a_text_on_each_line(tmp_path: Path, ending: str) -> None:
    content = "first text\r\n\r\nsecond text, längér\n   \nthird\u2028text\n".encode()
    path = tmp_path / f"lines{ending}"
    path.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    data = open_source(path, modality="text")
    assert data.ids == [1, 3, 5]
    assert data.texts == ["first text", "second text, längér", "third\u2028text"]


def test_a_txt_is_a_table_unless_texts_are_said_to_be_in_it(tmp_path: Path) -> None:
    path = fill(tmp_path, {"a.txt": "x,y\n1,2\n3,4\n"}) / "a.txt"
    assert open_source(path).spec.modality == "table"
    data = open_source(path, modality="text")
    assert (data.ids, data.spec.recipe["tokens"]) == ([1, 2, 3], ["x", "y"])


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no texts in '.*': it is empty"),
        ({"a.jpg": b"", "b.csv": b""}, r"but 2 other files \(.*1 .csv.*\)\. Text files end in .*\.txt"),
        ({"empty.txt": ""}, "no word was found in 1 text"),
    ],
)
def test_a_folder_without_texts(tmp_path: Path, files: dict[str, str | bytes], words: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=words):
        open_source(fill(tmp_path / "folder", files), modality="text")


def test_a_folder_or_archive_of_texts_that_was_not_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="to open texts, say modality='text'"):
        open_source(fill(tmp_path / "news", NEWS))
    with pytest.raises(DataError, match="no texts in .*none of its members ends in .*or has no suffix at all"):
        open_source(as_tar(tmp_path / "x.tar", {"a.jpg": b""}), modality="text")
    empty = tmp_path / "empty.txt"
    empty.write_text("\n \n")
    with pytest.raises(DataError, match="has no line that is not blank"):
        open_source(empty, modality="text")


# --- encodings


@pytest.mark.parametrize(
    ("content", "text", "encoding"),
    [
        (b"plain", "plain", "utf-8"),
        ("größe".encode(), "größe", "utf-8"),
        ("größe".encode("utf-8-sig"), "größe", "utf-8-sig"),
        ("größe".encode("utf-16"), "größe", "utf-16"),
        ("größe".encode("utf-32"), "größe", "utf-32"),
        ("\ufeffgröße".encode("utf-16-be"), "größe", "utf-16"),
        ("größe “quoted” €".encode("cp1252"), "größe “quoted” €", "cp1252"),
        ("größe ".encode("latin-1") + b"\x81", "größe \x81", "latin-1"),
        (b"", "", "utf-8"),
    ],
)
def test_encodings_are_detected(content: bytes, text: str, encoding: str) -> None:
    assert decoded(content) == (text, encoding)


RUSSIAN, CHINESE = "Однажды весною, в час небывало жаркого заката", "从前有座山山里有座庙"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a\0b\0c\0", "zero bytes: this is binary data, or UTF-16 without a byte order mark"),
        (RUSSIAN.encode("cp1251"), r"too many for a Western European text; state its encoding, such as encoding='gb1"),
        (CHINESE.encode("gb18030"), "state its encoding"),
        ("закат".encode("cp1251"), "100% are beyond ASCII, too many"),  # few bytes, but nearly all of them
        (bytes(range(1, 32)) * 4 + b"\xff", "control characters: binary"),
    ],
)
def test_files_that_cannot_be_read_are_listed_or_left_out(tmp_path: Path, content: bytes, why: str) -> None:
    folder = fill(tmp_path / "news", {**NEWS, "sport/103.txt": content})
    with pytest.raises(
        BrokenFilesError, match=r"1 of 5 texts cannot be read:\n  sport/103\.txt: (?s:.*)on_error='skip'"
    ) as e:
        open_source(folder, modality="text")
    assert e.value.problems[0].where == "sport/103.txt"
    with pytest.raises(BrokenFilesError, match=why):
        open_source(folder, modality="text")
    data = open_source(folder, modality="text", on_error="skip", labels=[0, 0, 1, 1, 1])
    assert len(data) == len(data.texts) == len(data.labels) == 4
    assert [problem.where for problem in data.skipped] == ["sport/103.txt"]
    assert data.ids == ["space/10.md", "space/9", "sport/101", "sport/102.txt"]
    assert open_source(folder, modality="text", on_error="skip").labels.tolist() == [0, 0, 1, 1]


def test_when_no_file_can_be_read(tmp_path: Path) -> None:
    folder = fill(tmp_path / "news", {"a.txt": b"\0", "b.txt": b"\0"})
    with pytest.raises(BrokenFilesError, match="2 of 2 texts cannot be read"):
        open_source(folder, modality="text", on_error="skip")


def test_a_file_that_vanished_is_a_problem_of_that_file(tmp_path: Path) -> None:
    paths = [fill(tmp_path, NEWS) / "sport/101", tmp_path / "gone.txt"]
    with pytest.raises(BrokenFilesError, match=r"1 of 2 texts cannot be read:\n  .*gone\.txt: No such file"):
        open_source(paths, modality="text")


def test_a_stated_encoding(tmp_path: Path) -> None:
    folder = fill(tmp_path / "ru", {"a.txt": RUSSIAN.encode("cp1251"), "b.txt": "закат".encode("cp1251")})
    data = open_source(folder, modality="text", encoding="cp1251")
    assert data.texts == [RUSSIAN, "закат"]
    assert data.notes == ()
    with pytest.raises(BrokenFilesError, match=r"a\.txt: it is not ascii \(byte 0: "):
        open_source(folder, modality="text", encoding="ascii")
    with pytest.raises(ArgumentError, match="encoding='utf8x' is not known; did you mean 'utf-8'"):
        open_source(folder, modality="text", encoding="utf8x")
    with pytest.raises(ArgumentError, match="encoding='rot13' is not known"):
        open_source(folder, modality="text", encoding="rot13")


def test_texts_taken_for_western_european_are_noted(tmp_path: Path) -> None:
    folder = fill(tmp_path / "news", {"a.txt": "Größe".encode("latin-1") + b" and more", "b.txt": "plain"})
    data = open_source(folder, modality="text")
    assert data.texts[0] == "Größe and more"
    assert len(data.notes) == 1
    assert data.notes[0].startswith("1 in cp1252 of 2 texts are not UTF-8")


def test_texts_are_kept_as_long_as_the_memory_that_they_take_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["猫" * 100, "犬" * 100]  # two bytes a character, and what Python keeps beside them
    monkeypatch.setattr(memory, "whole_bytes", lambda: 400)
    assert open_source(texts, modality="text").texts is None
    assert open_source(texts, modality="text", in_memory=True).texts == texts
    monkeypatch.setattr(memory, "whole_bytes", lambda: sum(map(sys.getsizeof, texts)))
    assert open_source(texts, modality="text").texts == texts


def test_lines_that_are_no_text(tmp_path: Path) -> None:
    for name, content, words in (
        ("a.txt", b"a\0b", "cannot be read as text: it holds zero bytes"),
        ("a.txt.gz", b"no gzip", "is damaged or not gzip"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=words):
            open_source(tmp_path / name, modality="text")


# --- tables


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet", "frame"])
def test_a_column_of_a_table(tmp_path: Path, ending: str) -> None:
    source: Any = tmp_path / f"reviews{ending}"
    if ending == "frame":
        source = FRAME
    elif ending == ".parquet":
        FRAME.to_parquet(source)
    else:
        FRAME.to_csv(source, index=False, sep="\t" if ending == ".tsv" else ",")
    data = open_source(source, text="comment", labels="shop", stop_words=["and"])
    assert data.texts == FRAME["comment"].tolist()
    assert (data.classes, data.labels.tolist()) == (("north", "south"), [0, 1, 0])
    assert data.spec.recipe["column"] == "comment"
    found = open_source(source, modality="text")  # the only one that looks like running text
    assert found.texts == data.texts
    assert found.labels is None
    later = FRAME.rename(columns={"shop": "place"}).iloc[:2]
    assert open_source(later, spec=data.spec).texts == data.texts[:2]
    named_anew = FRAME.rename(columns={"comment": "words"})
    assert open_source(named_anew, spec=data.spec, text="words").texts == data.texts


def test_a_csv_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "ru.csv"
    path.write_bytes(f"n,text\n1,{RUSSIAN.replace(',', '')}\n2,закат\n".encode("cp1251"))
    assert open_source(path, text="text", encoding="cp1251").texts[1] == "закат"
    with pytest.raises(DataError, match="not UTF-8"):
        open_source(path, text="text")


@pytest.mark.parametrize(
    ("frame", "given", "words"),
    [
        (
            FRAME,
            {"text": "coment"},
            r"text='coment': table 3 x 4 has no such column; it has id, .*did you mean 'comment'",
        ),
        (FRAME.assign(more=FRAME["comment"]), {}, r"By their looks several do \(comment, more\).*text='shop'"),
        (FRAME[["id", "shop"]], {}, "none of them does clearly.*there are id, shop"),
        (FRAME, {"text": "stars"}, "row 0 of the texts holds 5, of type int"),
        (FRAME, {"text": "comment", "labels": "star"}, r"labels='star': .*has no such column.*did you mean 'stars'"),
    ],
)
def test_columns_that_cannot_be_told(frame: pd.DataFrame, given: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError if "row 0" in words else ArgumentError, match=words):
        open_source(frame, modality="text", **given)


def test_a_column_of_chinese_looks_like_running_text() -> None:
    frame = pd.DataFrame({"place": ["北京", "上海"], "text": [CHINESE, CHINESE[::-1]]})
    assert open_source(frame, modality="text").spec.recipe["column"] == "text"


def test_the_only_column_is_the_one_meant() -> None:
    assert open_source(pd.DataFrame({"w": ["cat", "dog"]}), modality="text").texts == ["cat", "dog"]
    frame = pd.DataFrame({"w": pd.Categorical(["cat", "dog", "cat"])})
    assert open_source(frame, modality="text").texts == ["cat", "dog", "cat"]


# --- progress, names


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    open_source(fill(tmp_path / "news", NEWS), modality="text", progress=lambda done, total: told.append((done, total)))
    assert told[0] == (0, 4)
    assert told[-1] == (4, 4)


@pytest.mark.parametrize("split", ["train", "test"])
def test_20news(real_data: Path, split: str) -> None:
    kept = {"min_length": 3, "stop_words": "english", "min_df": 10, "max_df": 0.5}
    data = open_source(f"20news:{split}", **kept)
    assert len(data) == NAMES["20news"].samples[split] == len(data.texts)
    assert len(data.classes) == 20
    assert data.ids[0].startswith("alt.atheism/")
    assert not data.texts[0].startswith("From:")
    assert data.notes == data.skipped == ()
    if split == "train":
        assert data.spec.shape == (12_604,)
        assert data.store.nnz == 846_415


def test_ag_news(real_data: Path) -> None:
    data = open_source("ag_news", text=None)
    assert (len(data), data.classes) == (7600, named.CLASSES["ag_news"])
    assert np.bincount(data.labels).tolist() == [1900] * 4
    assert data.texts[0].startswith("Fears for T N pension after talks. Unions")


@pytest.fixture
def found_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A folder under NOLABEL_DATA for a named set."""
    monkeypatch.setenv("NOLABEL_DATA", str(tmp_path))

    def make(name: str) -> Path:
        (tmp_path / name).mkdir()
        return tmp_path / name

    return make


def test_the_official_archive_of_20news(found_here: Callable[[str], Path]) -> None:
    posts = {
        f"20news-bydate-{split}/{group}/1": f"From: {group}\nSubject: s\n\n{text} caf\xe9".encode("latin-1")
        for split, text in (("train", "learned"), ("test", "asked"))
        for group in ("b.group", "a.group")
    }
    as_tar(found_here("20news") / "20news-bydate.tar.gz", posts)
    test = open_source("20news:test")
    assert test.spec.recipe["tokens"] == ["asked", "café"]
    assert (test.classes, test.labels.tolist()) == (("a.group", "b.group"), [0, 1])
    assert open_source("20news").texts == ["learned café"] * 2
    assert open_source("20news").name == "20news"


def test_named_texts_are_no_images(found_here: Callable[[str], Path]) -> None:
    (found_here("ag_news") / "test.csv").write_text('"3","Title","Body text"\n"9","Title","Body"\n')
    with pytest.raises(DataError, match=r"test\.csv' is not the file that is meant: expected rows of class"):
        open_source("ag_news")
    with pytest.raises(ModalityError, match="texts, or counts of words, were expected; digits holds images"):
        open_source("digits", modality="text")


def test_downloads_of_texts_have_a_sum() -> None:
    for name in ("20news", "ag_news"):
        assert NAMES[name].modality == "text"
        assert all(isinstance(one, Download) for one in DOWNLOADS[name].values())


def test_listing_files_imports_no_torch() -> None:
    """Processes that decode images import the same files, and would each wait for torch."""
    script = "import sys, nolabel.data.files, nolabel.data.archives; print({'torch', 'pandas'} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert told.stdout == "set()\n"
