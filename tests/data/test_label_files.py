"""Labels by id: what is taken, and what is refused in words."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nolabel
from nolabel.cli import opening
from nolabel.data import label_files
from nolabel.data.label_files import by_id, is_label_file, opened, refuse_too_few_classes
from nolabel.errors import ArgumentError, DataError

IDS = ["cats/1.png", "cats/2.png", "dogs/1.png"]


def file(folder: Path, text: str, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_names_its_samples(tmp_path: Path):
    text = "why,ID,label\nx,dogs/1.png,dog\ny,cats/1.png, cat \nz,cats/2.png,\n"
    assert by_id(file(tmp_path, text), IDS) == ["cat", None, "dog"]
    assert by_id(file(tmp_path, text.replace(",", "\t"), "labels.tsv"), IDS) == ["cat", None, "dog"]
    assert by_id({"dogs/1.png": 1, "cats/1.png": None}, IDS) == [None, None, 1]
    assert by_id(pd.DataFrame({"id": [1, 0], "label": [2.0, np.nan]}), range(3)) == [None, 2.0, None]


def test_whole_numbers_are_numbers(tmp_path: Path):
    found = by_id(file(tmp_path, "id,label\n0,10\n1,9\n2,\n"), range(3))
    assert found == [10, 9, None]
    table = nolabel.open(np.eye(3))
    assert opened(table, file(tmp_path, "id,label\n0,10\n1,9\n")).classes == ("9", "10")


def test_a_column_with_gaps_has_numbers_too_but_007_is_a_name(tmp_path: Path):
    assert by_id(file(tmp_path, "id,label\n0,1.0\n1,\n2,10.0\n"), range(3)) == [1, None, 10]
    assert by_id(file(tmp_path, "id,label\n0,007\n1,7\n2,1_0\n"), range(3)) == ["007", "7", "1_0"]


def test_nan_is_unknown_in_a_file_too(tmp_path: Path):
    assert by_id(file(tmp_path, "id,label\n0,a\n1,NaN\n2,nan\n"), range(3)) == ["a", None, None]


def test_line_ends_marks_and_quotes_do_no_harm(tmp_path: Path):
    for text in ("\ufeffid,label\r\n0,a\r\n1,b\r\n", '"id","label"\n"0","a"\n"1","b"\n'):
        assert by_id(file(tmp_path, text), range(2)) == ["a", "b"]


def test_one_that_is_said_twice_the_same_is_no_harm(tmp_path: Path):
    assert by_id(file(tmp_path, "id,label\n0,a\n0,a\n0,\n1,b\n"), range(2)) == ["a", "b"]


REFUSED = {
    "two labels": ("id,label\ncats/1.png,a\ncats/1.png,b\n", "the id 'cats/1.png' has two labels, 'a' and 'b'"),
    "unknown": ("id,label\ncats/3.png,a\ncats/1.png,b\n", "1 of 2 ids are not in the data: 'cats/3.png'; did you mean"),
    "no column": ("name,label\ncats/1.png,a\n", "has no column 'id'"),
    "no label": ("id,labels\ncats/1.png,a\n", "has no column 'label'; did you mean 'labels'"),
    "no id": ("id,label\n,a\n", "row 1 has no id"),
    "a comma too much": ("id,label\ncats/1.png,cat, black\ncats/2.png,cat\n", "more entries than its first line"),
    "nothing filled in": ("id,label\ncats/1.png,\n", "has no label filled in"),
    "empty": ("", "cannot be read as a table of id,label"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_meant_is_refused(case: str, tmp_path: Path):
    text, words = REFUSED[case]
    with pytest.raises(DataError) as refused:
        by_id(file(tmp_path, text), IDS)
    assert words in str(refused.value)


def test_a_missing_file_and_ids_of_several_samples(tmp_path: Path):
    with pytest.raises(ArgumentError, match="there is no file"):
        by_id(tmp_path / "none.csv", IDS)
    with pytest.raises(DataError, match="is that of 2 samples"):
        by_id({"a": 1}, ["a", "a", "b"])


def test_any_form_becomes_labels_of_the_data(tmp_path: Path):
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "kind": ["u", "v", "u"]})
    data = nolabel.open(frame[["x"]])
    wanted = {"file": file(tmp_path, "id,label\n0,u\n1,v\n2,u\n"), "mapping": {0: "u", 1: "v", 2: "u"}}
    for form, labels in {**wanted, "list": ["u", "v", "u"], "path as text": str(wanted["file"])}.items():
        assert opened(data, labels).labels.tolist() == [0, 1, 0], form
    assert opened(frame, "kind").classes == ("u", "v")
    assert opened(opened(data, [0, 1, -1]), "labels").labels.tolist() == [0, 1, -1]
    with pytest.raises(ArgumentError, match="labels are missing"):
        opened(data)


def test_one_class_is_too_few():
    data = nolabel.open(np.eye(3))
    with pytest.raises(DataError, match="every known label is 'a'"):
        refuse_too_few_classes(opened(data, ["a", None, "a"]))


def test_the_command_line_knows_the_same_files():
    assert opening.FILES == label_files.SUFFIXES
    assert opening.OWN == label_files.OWN
    assert is_label_file("runs/LABELS.CSV")
    assert not is_label_file("species")
