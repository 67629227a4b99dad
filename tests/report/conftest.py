"""A small `Content` with every section filled, made of synthetic values: no model, no training."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nolabel.errors import Problem
from nolabel.report.content import (
    Clouds,
    Content,
    Generated,
    Headline,
    Map,
    Measure,
    Nearest,
    Pictures,
    Plane,
    Rows,
    Strips,
    Summary,
    Topics,
    Traversal,
    Typical,
    UnitMap,
)

EVIL_ID = "<script>window.hacked = 'id'</script>"
EVIL_CLASS = "<img src=x onerror=\"window.hacked = 'class'\">"
EVIL_COLUMN = "</script><script>window.hacked = 'column'</script>"


def evidence_dict() -> dict[str, Any]:
    def cell(mean: float | None, sd: float | None = None, n: int = 1) -> dict[str, Any]:
        return {"mean": mean, "sd": sd, "n": n}

    def row(group: str, measure: str, better: bool | None, labels: int | None = None, **values: Any) -> dict[str, Any]:
        return {
            "group": group,
            "measure": measure,
            "protocol": f"how {measure} was taken",
            "higher_is_better": better,
            "labels_per_class": labels,
            "values": values,
        }

    return {
        "samples": 120,
        "rows": [
            row("reconstruction", "MSE per pixel", False, model=cell(0.0102), PCA=cell(0.0204), untrained=cell(0.2)),
            row("rank", "effective rank", None, model=cell(9.5), raw=cell(20.1)),
            row(
                "neighbours",
                "k-NN accuracy",
                True,
                model=cell(0.972, 0.004, 5),
                raw=cell(0.961, 0.005, 5),
                PCA=cell(0.94, 0.003, 5),
                untrained=cell(0.91, 0.01, 5),
            ),
            row(
                "label curve", "accuracy with 1 label a class", True, 1, model=cell(0.6, 0.1, 5), raw=cell(0.5, 0.1, 5)
            ),
            row("label curve", "accuracy with 10 labels a class", True, 10, model=cell(0.9, 0.02, 5), raw=cell(0.8)),
        ],
        "notes": ["The model does not beat raw in nothing."],
    }


@pytest.fixture
def evidence() -> dict[str, Any]:
    return evidence_dict()


def content_of_images(seed: int = 0, count: int = 120) -> Content:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, 8, 8), dtype=np.uint8)
    labels = np.arange(count) % 3
    labels[:5] = -1
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
    history = [
        {
            "epoch": e,
            "loss": 1 / e + 0.2,
            "reconstruction": 1 / e,
            "kl": 0.2,
            "holdout_loss": 1 / e + 0.3,
            "seconds": 0.5,
        }
        for e in range(1, 31)
    ]
    return Content(
        title="Autoencoder on <toys>",
        method="Autoencoder",
        method_line="Rebuilds what it is shown.",
        summary=Summary("k-NN accuracy 0.972 against 0.961 on raw pixels.", "Training was healthy.", "good", "0.972"),
        headlines=[Headline("k-NN accuracy", True, {"model": 0.972, "raw": 0.961, "PCA": 0.94})],
        made="1 January 2026, 12:00",
        map=Map(
            coords=centres[np.arange(count) % 3] + rng.normal(size=(count, 2)) / 3,
            clusters=rng.integers(0, 4, count) - 1,
            ids=[EVIL_ID, *(f"image-{i}.png" for i in range(1, count))],
            how="Made up.",
            total=1000,
            labels=labels,
            classes=(EVIL_CLASS, "two", "three"),
            thumbnails=pixels,
            neighbours=np.stack([(np.arange(count) + k) % count for k in (1, 2, 3)], axis=1),
        ),
        rebuilt=[Pictures("Drawn at random", ["a", "b"], [("original", pixels[:2]), ("reconstruction", pixels[2:4])])],
        samples=Pictures("4 new samples.", ["1", "2", "3", "4"], [("sample", pixels[:4])]),
        traversal=Traversal([3, 1], [2.0, 1.0], [-3.0, 0.0, 3.0], "From a.", pixels[:6].reshape(2, 3, 8, 8)),
        history=history,
        health=[
            {"level": "warning", "name": "dead units", "text": "3 of 9 do nothing.", "knob": "a smaller latent width"},
            {"level": "good", "name": "healthy", "text": "The loss fell.", "knob": "not shown"},
        ],
        evidence=evidence_dict(),
        facts=[("source", "toys"), ("samples", "1,000")],
        skipped=[Problem("broken<1>.png", "it is empty")],
        left_out=["key: an identifier"],
        settings={"latent": 9, "loss": "bce"},
        defaults={"latent": 32, "loss": "bce"},
        versions={"nolabel": "0.0"},
        command="nolabel fit autoencoder toys --latent 9 && true",
    )


def content_of_rows() -> Content:
    rng = np.random.default_rng(1)
    columns = [EVIL_COLUMN, "age", *(f"c{i}" for i in range(20))]
    cells = [[f"{value:.2f}" for value in row] for row in rng.normal(size=(60, len(columns)))]
    return Content(
        title="Autoencoder on rows",
        method="Autoencoder",
        method_line="Rebuilds what it is shown.",
        summary=Summary("First.", "Second.", "bad"),
        map=Map(
            coords=rng.normal(size=(60, 2)),
            clusters=np.arange(60) % 23,
            ids=[f"row {i}" for i in range(60)],
            how="Made up.",
            total=60,
            columns=columns,
            rows=cells,
        ),
        rebuilt=[
            Rows("Drawn", ["x", "y"], columns, [("original", cells[:2]), ("new", cells[2:4])], [0.5] * 21 + [None])
        ],
        traversal=Traversal([0], [1.0], [-3.0, 3.0], "From x.", changes=[[("age", "1", "2")]]),
    )


def hexagons(rows: int, columns: int) -> Any:
    row, column = np.divmod(np.arange(rows * columns), columns)
    return np.stack([column + 0.5 * (row % 2), row * np.sqrt(3) / 2], axis=1)


def units_of_images(rows: int = 5, columns: int = 6) -> UnitMap:
    """Hexagons with pictures, labels and clusters."""
    rng = np.random.default_rng(2)
    count = rows * columns
    votes = rng.integers(0, 9, (count, 3))
    votes[7] = 0
    return UnitMap(
        grid="hexagonal",
        shape=(rows, columns),
        toroid=False,
        centres=hexagons(rows, columns),
        distances=rng.uniform(1, 2, count),
        hits=votes.sum(axis=1),
        clusters=np.arange(count) % 4,
        measures=[Measure("Quantization error", "4.96", "How far a sample is from its unit.")],
        votes=votes,
        classes=(EVIL_CLASS, "two", "three"),
        of=64,
        weights=rng.integers(0, 256, (count, 8, 8), dtype=np.uint8),
    )


def units_of_rows(rows: int = 4, columns: int = 7) -> UnitMap:
    """Squares on a toroid, with component planes and no labels."""
    rng = np.random.default_rng(3)
    count = rows * columns
    row, column = np.divmod(np.arange(count), columns)
    distances = rng.uniform(1, 2, count)
    distances[3] = np.nan
    return UnitMap(
        grid="rectangular",
        shape=(rows, columns),
        toroid=True,
        centres=np.stack([column, row], axis=1).astype(float),
        distances=distances,
        hits=rng.integers(0, 5, count),
        clusters=np.zeros(count, dtype=np.int64),
        planes=[Plane(EVIL_COLUMN, rng.normal(size=count)), Plane("age", rng.normal(size=count))],
        of=9,
    )


def some_topics(count: int = 8, words: int = 300) -> Topics:
    """Topics that each have words of their own, and one document that means harm."""
    rng = np.random.default_rng(4)
    phi = rng.dirichlet(np.full(words, 0.05), count)
    phi[:, 0] = phi[:, 0] + 0.05  # a word that all topics have
    phi /= phi.sum(axis=1, keepdims=True)
    names = ["<b>everywhere</b>", *(f"word{place}" for place in range(1, words))]
    typical = [[Typical(EVIL_ID, EVIL_CLASS, 0.9), Typical(f"post {k}", f"line of {k}", 0.8)] for k in range(count)]
    return Topics(
        phi=phi,
        words=names,
        shares=rng.dirichlet(np.ones(count)),
        labels=[f"label of {k}" for k in range(count)],
        tokens=5000.0,
        typical=typical,
        leading=np.arange(count) * 3,
        votes=rng.integers(0, 5, (count, 2)),
        classes=("space", "cars"),
        coherences=np.array([np.nan, *rng.normal(size=count - 1)]),
        measures=[Measure("Coherence", "0.120", "Higher is better.")],
    )


def what_was_made() -> Generated:
    """Pictures and points at once, and a judgement whose words mean harm."""
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (8, 12, 8, 8), dtype=np.uint8)
    row = {"measure": "FID", "value": 21.5, "sd": 0.5, "floor": 3.25, "ceiling": 450.0, "higher_is_better": False}
    judged = {
        "rows": [{**row, "how": EVIL_COLUMN}],
        "classes": [{"name": EVIL_CLASS, "samples": 0.25, "reference": 0.5}],
        "notes": ["A note."],
        "protocol": {"features": EVIL_COLUMN, "seed": 0},
    }
    clouds = [(f"epoch {e}", rng.normal(size=(256, 2))) for e in range(8)]
    return Generated(
        data=Pictures("Drawn at random", [EVIL_ID, "b"], [("data", pixels[0, :2])]),
        film=Strips("Moments.", [f"epoch {e}" for e in range(8)], ["step 1"] * 8, ("", ""), pixels),
        clouds=Clouds("Across: a; up: b.", rng.normal(size=(400, 2)), clouds),
        nearest=Nearest(
            Pictures("Most alike", [EVIL_ID, "b"], [("sample", pixels[1, :2]), ("nearest by pixels", pixels[2, :2])]),
            [Measure("Copies", "5%", "As new ones.")],
        ),
        between=Strips("Ways.", ["1", "2"], ["", ""], ("one", "another"), pixels[:2]),
        directions=Strips("Directions.", ["1", "2"], ["strongest", "half"], ("low", "high"), pixels[2:4]),
        judged=judged,
    )


@pytest.fixture
def with_generated() -> Content:
    return replace(content_of_images(), generated=what_was_made())


@pytest.fixture
def with_units() -> Content:
    return replace(content_of_images(), units=units_of_images())


@pytest.fixture
def with_planes() -> Content:
    return replace(content_of_rows(), units=units_of_rows())


@pytest.fixture
def with_topics() -> Content:
    content = content_of_rows()
    assert content.map is not None
    lines = [f"first line {place}" for place in range(60)]
    texts = replace(content.map, columns=(), rows=(), lines=lines, noun="topic", names=["label of 0"])
    return replace(content, topics=some_topics(), map=texts, rebuilt=(), traversal=None)


@pytest.fixture
def images() -> Content:
    return content_of_images()


@pytest.fixture
def rows() -> Content:
    return content_of_rows()
