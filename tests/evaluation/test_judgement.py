import json
import math

import pytest

from nolabel.evaluation.judgement import ClassShare, Judged, Judgement, Protocol

PROTOCOL = Protocol("5 samples of A", "5 of 9 samples of B", "5 of 8 samples of C", "5 of noise", "2, D", "8 x 8", 3)


def judgement():
    rows = (
        Judged("FID", 12.3456, math.nan, 3.4, 1234.5, False, "5 against 5", PROTOCOL),
        Judged("KID", 0.00012, 0.00034, None, 0.5, False, "2 subsets of 4", PROTOCOL),
        Judged("recall", 0.5, math.nan, 0.75, 0.0, True, "k = 3", PROTOCOL),
    )
    return Judgement(rows, (ClassShare("cat", 0.25, 0.5),), ("A note.",), PROTOCOL, len)


def test_the_table_says_everything():
    assert judgement().table().splitlines() == [
        "        samples            floor (real)  ceiling (noise)  better",
        "FID     12.35              3.4           1,234            lower   5 against 5",
        "KID     0.00012 ± 0.00034  -             0.5              lower   2 subsets of 4",
        "recall  0.5                0.75          0                higher  k = 3",
        "",
        "classes, in brackets those of the reference: cat 25.0% (50.0%)",
        "",
        "samples: 5 samples of A",
        "reference: 5 of 9 samples of B",
        "floor: 5 of 8 samples of C",
        "ceiling: 5 of noise",
        "features: 2, D",
        "sizes: 8 x 8",
        "seed: 3",
        "! A note.",
    ]
    assert repr(judgement()) == str(judgement()) == judgement().table()


def test_no_form_of_a_number_comes_without_the_protocol():
    clauses = ["5 samples of A", "5 of 9 samples of B", "5 of 8 samples of C", "5 of noise", "2, D", "8 x 8"]
    found = judgement()
    row = found["FID"]
    forms = [str(found), repr(found), str(row), repr(row), f"{row}", json.dumps(found.to_dict())]
    forms += found.to_frame()["protocol"].tolist()
    for form in forms:
        assert all(clause in form for clause in clauses), form
    assert str(row).startswith("FID 12.35 (floor 3.4, ceiling 1,234; lower is better; 5 against 5) [")
    assert float(row) == 12.3456


def test_plain_json():
    told = json.loads(json.dumps(judgement().to_dict(), allow_nan=False))
    assert told["rows"][1] == {
        "measure": "KID",
        "value": 0.00012,
        "sd": 0.00034,
        "floor": None,
        "ceiling": 0.5,
        "higher_is_better": False,
        "how": "2 subsets of 4",
    }
    assert told["rows"][0]["sd"] is None
    assert told["protocol"]["seed"] == 3
    assert told["classes"] == [{"name": "cat", "samples": 0.25, "reference": 0.5}]


def test_a_measure_that_is_not_there():
    with pytest.raises(KeyError, match="no measure 'Recall'.*did you mean 'recall'"):
        judgement()["Recall"]
    refused = Judgement((), (), ("FID is left out: too few samples.",), PROTOCOL, len)
    with pytest.raises(KeyError, match="FID is left out: too few samples"):
        refused["FID"]
