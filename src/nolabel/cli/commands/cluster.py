"""`nolabel cluster RUN [SOURCE]`: clusters of a model's codes, each described; that of every sample in a file."""

from pathlib import Path
from typing import TYPE_CHECKING

from nolabel.cli import opening, outputs, speech, trained_on
from nolabel.cli.flags import Flag, one_of, place, whole
from nolabel.cli.parsing import Grammar, Values
from nolabel.errors import ArgumentError

if TYPE_CHECKING:
    from nolabel.evaluation.clustered import Cluster, Clusters

SUFFIXES = (".parquet", ".csv")
AUTO = "auto"
_CLASSES, _MEDOIDS = 2, 3


def count(text: str) -> int | str:
    """A whole number, or the word auto."""
    try:
        return text if text == AUTO else int(text)
    except ValueError:
        raise ValueError(f"a whole number, or {AUTO}; got {text!r}") from None


# Arguments of `nolabel.cluster`; a test holds the two together.
CLUSTERING = [
    Flag("method", one_of(("kmeans", "gmm", "hdbscan", "agglomerative")), "how [kmeans]", "METHOD"),
    Flag("k", count, "number of clusters, or auto for the one that silhouette and stability choose [auto]", "N"),
    Flag("largest", whole, "largest number of clusters to try [20]", "N"),
    Flag("min_size", whole, "hdbscan: fewest samples in a cluster; chosen if not given", "N"),
    Flag("max_samples", whole, "hdbscan, agglomerative: look at so many samples, drawn at random [5000]", "N"),
    Flag("random_state", whole, "seed of every draw and start [0]", "N"),
]
_OUT = Flag("out", place, "the cluster of every sample: .parquet or .csv", "FILE", short="-o")
GRAMMAR = Grammar(
    "cluster",
    "Put the samples of a trained model into clusters, and say what sets each apart.\n"
    "Without SOURCE, the samples that the model was trained on.",
    {"RUN": opening.RUN},
    {"clustering": CLUSTERING, "output": [_OUT, outputs.OVERWRITE], "data": opening.AGAIN},
    notes="example:\n  nolabel cluster runs/digits digits --method hdbscan -o clusters.parquet",
    optional={"SOURCE": opening.SOURCE},
)


def run(words: list[str]) -> int:
    """Cluster."""
    values = GRAMMAR.parse(words)
    path = None
    if "out" in values:
        path = outputs.new_file(values["out"], SUFFIXES, overwrite="overwrite" in values)
    with GRAMMAR.in_flags():
        found = _clusters(values)
    say(found)
    if path is not None:
        outputs.write_table(path, found.to_frame())
        speech.say(f"\nclusters in {path}")
    return 0


def _clusters(values: Values) -> "Clusters":
    from nolabel.evaluation.clustering import EMBEDDINGS, cluster

    model = opening.open_able(values["RUN"], "Embedder")
    data = trained_on.open_source(values, model.spec_)
    wishes = {flag.key: values[flag.key] for flag in CLUSTERING if flag.key in values}
    if data is not None:
        return cluster(model, data=data, **wishes)
    folder = Path(values["RUN"]).expanduser()
    if not (folder / EMBEDDINGS).is_file():
        raise ArgumentError(f"it is not known on what {folder} was trained; give SOURCE: {GRAMMAR.usage}")
    return cluster(folder, **wishes)


def say(found: "Clusters") -> None:
    """The clusters as a table, and what should be known about them."""
    speech.say(f"{len(found.labels):,} samples in {found.k} cluster{'s' if found.k > 1 else ''} ({_chosen(found)})\n")
    header = ["cluster", "samples", "share", "confidence", "what sets it apart"]
    rows = [_row(one) for one in found.descriptions]
    if found.agreement:
        header.insert(4, "classes")
        for row, one in zip(rows, found.descriptions):
            row.insert(4, _classes(one))
    if found.is_noise.any():
        header.insert(3, "noise")
        for row, one in zip(rows, found.descriptions):
            row.insert(3, f"{one.noise:,}")
    speech.table(header, rows)
    if found.agreement:
        speech.say("\nagreement with the classes: " + ", ".join(f"{k} {v:.3f}" for k, v in found.agreement.items()))
    for note in found.notes:
        speech.remark(note)


def _chosen(found: "Clusters") -> str:
    from nolabel.evaluation.choosing import best

    if not found.curve:
        return found.method
    point = best(found.curve)
    tried = f"{len(found.curve)} {'sizes' if found.method == 'hdbscan' else 'numbers'} tried"
    return f"{found.method}, {tried}: silhouette {point.silhouette:.2f}, stability {point.stability:.2f}"


def _row(one: "Cluster") -> list[str]:
    told = str(one) if one.traits else f"such as {', '.join(outputs.text_of(name) for name in one.medoids[:_MEDOIDS])}"
    return [str(one.number), f"{one.size:,}", f"{one.share:.1%}", f"{one.confidence:.2f}", told]


def _classes(one: "Cluster") -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in list(one.classes.items())[:_CLASSES])
