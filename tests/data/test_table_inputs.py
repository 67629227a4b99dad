"""Reading table files and arrays: what comes out, and every refusal in words."""

import csv
import gzip
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from scipy import sparse

from nolabel.data.tables import from_array, read
from nolabel.errors import DataError

TEXT = "age,colour\n1.5,red\n2.5,\n"
FRAME = pd.DataFrame({"age": [1.5, 2.5], "colour": ["red", None]})


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def same(frame: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert frame.notna().equals(expected.notna())
    assert frame.fillna("").to_numpy(object).tolist() == expected.fillna("").to_numpy(object).tolist()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", TEXT),
        ("a.csv", "\ufeff" + TEXT),
        ("a.CSV", TEXT.replace("\n", "\r\n")),
        ("a.csv", "\n" + TEXT),
        ("a.csv", TEXT.replace(",", ";")),
        ("a.csv", TEXT.replace(",", "\t")),
        ("a.csv", TEXT.replace(",", "|")),
        ("a.csv", "age, colour\n1.5, red\n2.5,\n"),
        ("a.csv", " age , colour \n1.5, red\n2.5,\n"),
        ("a.csv", ",age,colour\n0,1.5,red\n1,2.5,\n"),
        ("a.txt", TEXT.replace(",", "\t")),
        ("a.tsv", TEXT.replace(",", "\t")),
        ("a.csv.gz", gzip.compress(TEXT.encode(), mtime=0)),
        ("a.tsv.gz", gzip.compress(TEXT.replace(",", "\t").encode(), mtime=0)),
    ],
)
def test_text_files(tmp_path: Path, name: str, text: str | bytes) -> None:
    frame = read(write(tmp_path, name, text))
    same(frame, FRAME)
    assert list(frame.columns) == list(FRAME.columns)


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    FRAME.to_parquet(path)
    same(read(path), FRAME)


@pytest.mark.parametrize(
    ("name", "text", "columns"),
    [
        ("a.csv", "just one\n1\n", ["just one"]),
        ("a.csv", '"a;b"\n1\n', ["a;b"]),
        ("a.csv", '"a;b",c\n1,2\n', ["a;b", "c"]),
        ("a.csv", "height (in m, say);weight;x\n1,85;3,5;2\n1,7;4;1\n", ["height (in m, say)", "weight", "x"]),
        ("a.tsv", "age,colour\n1,red\n2,blue\n", ["age", "colour"]),
        ("a.tsv", "age;colour\n1,5;red\n2;blue\n", ["age", "colour"]),
        ("a.tsv", "age\tsize, in m\n1\t2\n", ["age", "size, in m"]),
        ("a.csv", "sep=;\na;b\n1,5;2\n", ["a", "b"]),
        ("a.csv", "\ufeffsep=\t\r\na\tb\r\n1\t2\r\n", ["a", "b"]),
    ],
)
def test_separators(tmp_path: Path, name: str, text: str, columns: list[str]) -> None:
    frame = read(write(tmp_path, name, text))
    assert list(frame.columns) == columns
    assert len(frame) == text.replace("sep=", "").count("\n") - 1 - ("sep=" in text)


def test_unnamed_first_column_is_the_index(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    FRAME.set_axis(["x", "y"]).to_csv(path)
    frame = read(path)
    assert list(frame.index) == ["x", "y"]
    assert list(frame.columns) == ["age", "colour"]


def test_a_column_has_one_type_however_long_the_file(tmp_path: Path) -> None:
    frame = read(write(tmp_path, "a.csv", "a\n" + "1\n" * 600_000 + "x\n"))
    assert set(frame["a"].map(type)) == {str}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("zipped", [False, True])
def test_encodings_with_a_mark(tmp_path: Path, encoding: str, zipped: bool) -> None:
    content = "größe;name\r\n1,5;Zoë\r\n2;x\r\n".encode(encoding)
    path = write(tmp_path, "a.csv.gz" if zipped else "a.csv", gzip.compress(content, mtime=0) if zipped else content)
    assert read(path).to_dict("list") == {"größe": ["1,5", "2"], "name": ["Zoë", "x"]}


def test_an_encoding_that_is_stated(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "a,b\n1,\xe9\u20ac\n".encode("cp1252"))
    assert read(path, "cp1252")["b"].tolist() == ["\xe9\u20ac"]
    with pytest.raises(DataError, match=r"not ascii text \(byte 0xE9\)"):
        read(path, "ascii")


@pytest.mark.skipif(not shutil.which("iconv"), reason="iconv is not installed")
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("name", ["it's one.csv", "a.csv.gz"])
def test_the_advice_about_encodings_works(tmp_path: Path, encoding: str, name: str) -> None:
    content = "price,name\n1,10 €\n2,Zoë\n".encode(encoding)
    with pytest.raises(DataError, match="not UTF-8") as raised:
        read(write(tmp_path, name, gzip.compress(content, mtime=0) if name.endswith("gz") else content))
    command = re.search("`(.*)`", str(raised.value)).group(1)
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    assert read(tmp_path / f"utf8-{name}")["name"].tolist() == ["10 €", "Zoë"]


def test_a_huge_field_and_quoted_line_breaks(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    huge = "x" * 300_000
    frame = read(write(tmp_path, "a.csv", f'text,n\n"{huge}\nmore",1\n"a ""b""\r\nc",\n'))
    assert frame["text"].tolist() == [f"{huge}\nmore", 'a "b"\r\nc']
    assert csv.field_size_limit() == limit


def test_an_empty_last_value_is_not_a_short_row(tmp_path: Path) -> None:
    assert read(write(tmp_path, "a.csv", 'a,b\n"1\n2",\n\n3,4\n'))["b"].isna().tolist() == [True, False]
    assert len(read(write(tmp_path, "b.csv", "a,b,\n1,2,\n3,4,\n"))) == 2


def test_doubtful_points_stay_text_where_decimal_commas_are(tmp_path: Path) -> None:
    frame = read(write(tmp_path, "a.csv", "a;b;c\n1,5;1.234;7\n2;2.500;8\n"))
    assert frame["b"].tolist() == ["1.234", "2.500"]
    assert frame["c"].tolist() == [7, 8]


def test_quoted_line_break_in_a_name(tmp_path: Path) -> None:
    assert list(read(write(tmp_path, "a.csv", '"a\nb",c\n1,2\n')).columns) == ["a\nb", "c"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "", r"a\.csv is empty"),
        ("a.csv", "\n\n", r"a\.csv is empty"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), r"a\.csv\.gz is empty"),
        ("a.csv", "age,colour\n", r"column names \('age', 'colour'\) but no rows"),
        ("a.csv", "naïve,b\n1,2\n".encode("latin-1"), r"not UTF-8 text \(byte 0xEF\).*iconv"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16-le"), r"not UTF-8 text \(byte 0x00\).*iconv -f UTF-16LE"),
        ("a.csv", "a;b,c\n1;2,3\n", r"split evenly with ',' into 'a;b', 'c' and with ';' into 'a', 'b,c'; rename"),
        ("a.csv", "a,b,c\n1,2,3\n4,5\n6,7,8\n", r"3 column names, but its row 1 .* has 2 values"),
        ("a.csv", "a,b\n1,2\n" + "3,4\n" * 99 + "5\n", r"2 column names, but its row 100 .* has 1 values"),
        ("a.csv", "# made by hand\na,b\n1,2\n", r"1 column names, but its first row has 2 values"),
        ("a.csv", "a,a \n1,2\n", r"several columns named 'a'"),
        ("a.csv", b"\xff\xfea\0b", r"begins as utf-16-le text and does not go on so"),
        ("a.txt", "a b\n1.5 2\n3 4\n", r"parted by spaces; .*sep=r'\\s\+'"),
        ("a.csv", "5,0,0,3\n4,0,0,1\n", r"begins with a row of data \('0'"),
        ("a.csv", "1,5;2\n1;3\n", r"begins with a row of data \('1,5'"),
        ("a.csv", b"a,b\n1,2\n" * 20000 + "3,ü\n".encode("latin-1"), r"not UTF-8 text \(byte 0xFC\)"),
        ("a.csv", "a,b\n1,2\n3,4,5\n", r"not a regular table.*line 3.*quotes"),
        ("a.csv", "a,b\n1,2,3\n4,5,6\n", r"2 column names, but its first row has 3 values"),
        ("a.csv", "a,a,b,c,c\n1,2,3,4,5\n", r"several columns named 'a', 'c'"),
        ("a.csv", "5.1,3.5,setosa\n4.9,3.0,setosa\n", r"begins with a row of data \('5\.1'"),
        ("a.csv.gz", "a,b\n1,2\n", r"a\.csv\.gz is damaged or not gzip"),
        ("a.csv.gz", gzip.compress(TEXT.encode() * 100, mtime=0)[:-20], r"a\.csv\.gz is damaged or not gzip"),
        ("a.parquet", "no parquet", r"a\.parquet cannot be read"),
        ("a.parquet", "", r"a\.parquet cannot be read"),
        ("a.cvs", TEXT, r"does not end like a table.*did you mean '\.csv'"),
        ("a.parquet.gz", TEXT, r"does not end like a table"),
    ],
)
def test_bad_files_are_refused_in_words(tmp_path: Path, name: str, text: str | bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(write(tmp_path, name, text))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.csv does not exist"):
        read(tmp_path / "no.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=r"folder\.csv cannot be read"):
        read(tmp_path / "folder.csv")


def test_parquet_with_two_columns_of_one_name(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet has several columns of one name"):
        read(tmp_path / "a.parquet")


def test_parquet_without_rows(tmp_path: Path) -> None:
    FRAME.iloc[:0].to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"'age', 'colour'\) but no rows"):
        read(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.arange(6.0).reshape(2, 3).astype(np.float16),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6).reshape(2, 3).astype(object),
        np.ma.masked_array(np.arange(6.0).reshape(2, 3)),
        torch.arange(6).reshape(2, 3),
        [[0, 1, 2], [3, 4, 5]],
        [[False, True, 2], [3, 4, 5]],
    ],
)
def test_arrays(array: object) -> None:
    frame = from_array(array)
    assert list(frame.columns) == [0, 1, 2]
    np.testing.assert_array_equal(frame.to_numpy(np.float64), np.arange(6.0).reshape(2, 3))


def test_an_array_is_not_copied() -> None:
    array = np.zeros((4, 2))
    assert np.shares_memory(from_array(array).to_numpy(), array)


def test_masked_and_absent_entries_are_missing() -> None:
    masked = np.ma.masked_array([[1, 2], [3, 4]], mask=[[False, True], [False, False]])
    assert from_array(masked).isna().to_numpy().tolist() == [[False, True], [False, False]]
    assert from_array(np.array([[1, None]], dtype=object)).isna().to_numpy().tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros(5), "Expected 2D array, got 1D array.*Reshape your data"),
        (np.float64(3), "Expected 2D array, got scalar"),
        (np.zeros((2, 2, 2)), "Found array with dim 3"),
        (np.zeros((0, 3)), r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1 is required"),
        (np.zeros((3, 0)), r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1 is required"),
        (np.zeros((2, 2)) + 1j, "Complex data not supported"),
        (np.array([[1j, 2]], dtype=object), "argument must be .* number|[Cc]omplex"),
        (np.array([["a", "b"]]), "strings.*DataFrame"),
        (np.array([["a", 1]], dtype=object), "DataFrame"),
        (np.array([["1.5", 1]], dtype=object), "holds text.*DataFrame"),
        ([["1.5", 1]], "DataFrame"),
        (np.array([["2026-01-01"]], dtype="datetime64[D]"), r"dtype datetime64\[D\].*DataFrame"),
        (np.zeros(2, dtype=[("a", "f4")]), "2D"),
        (sparse.csr_array(np.eye(3)), r"[Ss]parse.*toarray"),
        (sparse.csr_matrix(np.eye(3)), r"[Ss]parse.*toarray"),
    ],
)
def test_bad_arrays_are_refused_in_words(array: object, words: str) -> None:
    with pytest.raises(DataError, match=f"(?s){words}"):
        from_array(array)


def test_an_object_that_is_no_number_is_a_type_error_too() -> None:
    array = np.ones((3, 2)).astype(object)
    array[0, 0] = {"foo": "bar"}
    with pytest.raises(TypeError, match=r"argument must be .* string.* number") as raised:
        from_array(array)
    assert isinstance(raised.value, DataError)
