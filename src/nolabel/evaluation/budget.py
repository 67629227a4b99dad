"""`nolabel.label_budget`: accuracy against the number of labels, for a fine-tuned model, a probe, and from scratch.

Three ways to spend the same labels, on the same draws:

    fine-tuned     a `Classifier` that begins with the model
    probe          a linear classifier on the model's codes
    from scratch   a `Classifier` of the same network with random weights, trained for as long

A fifth of the labelled samples is asked, the same for all; the labels are drawn from the rest, as many of every class,
nested within a draw. It costs two trainings for each number of labels and each draw.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd

from nolabel.data.dataset import Dataset
from nolabel.data.label_files import opened, refuse_too_few_classes
from nolabel.errors import ArgumentError, DataError, OutputError, SavedModelError
from nolabel.evaluation.evidence import Cell, cell
from nolabel.evaluation.probes import probe as linear_classifier
from nolabel.evaluation.probing import embedder
from nolabel.evaluation.scaling import Scale
from nolabel.evaluation.splits import Split, label_draws, seed_of, stratified_splits
from nolabel.methods._base import Embedder
from nolabel.methods.classifier import Classifier

WAYS = ("fine-tuned", "probe", "from scratch")
FILE = "label_budget.json"


@final
@dataclass(frozen=True)
class LabelBudget:
    """Accuracies by way and number of labels.

    Parameters
    ----------
    accuracies
        For each way and number of labels a class, the accuracy of every draw.
    classes
        Number of classes.
    asked
        Number of samples asked.
    protocol
        One sentence.
    """

    accuracies: Mapping[str, Mapping[int, Sequence[float]]]
    classes: int
    asked: int
    protocol: str

    def cells(self) -> dict[str, dict[int, Cell]]:
        """Mean and standard deviation over draws, by way and number of labels a class."""
        found = {way: {count: cell(values) for count, values in row.items()} for way, row in self.accuracies.items()}
        return {way: {count: one for count, one in row.items() if one is not None} for way, row in found.items()}

    def rows(self) -> list[dict[str, Any]]:
        """A row for each number of labels, in the form in which `Evidence.to_dict` has those of a label curve."""
        cells = self.cells()
        return [
            {
                "group": "label curve",
                "measure": f"accuracy with {count} labels a class",
                "protocol": self.protocol,
                "higher_is_better": True,
                "values": {way: _plain(row[count]) for way, row in cells.items() if count in row},
                "labels_per_class": count,
            }
            for count in sorted({count for row in cells.values() for count in row})
        ]

    def to_frame(self) -> pd.DataFrame:
        """The columns labels, labels_per_class, way, mean, sd, draws."""
        rows = [
            (count * self.classes, count, way, one.mean, one.sd, one.n)
            for way, row in self.cells().items()
            for count, one in row.items()
        ]
        return pd.DataFrame(rows, columns=["labels", "labels_per_class", "way", "mean", "sd", "draws"])

    def table(self) -> str:
        """The table as text: a row for each number of labels."""
        cells = self.cells()
        counts = sorted({count for row in cells.values() for count in row})
        head = ["labels", *cells]
        rows = [
            [f"{count * self.classes:,}", *(str(row.get(count, "-")) for row in cells.values())] for count in counts
        ]
        widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
        lines = ["  ".join(one.ljust(width) for one, width in zip(row, widths)).rstrip() for row in [head, *rows]]
        return "\n".join([*lines, "", self.protocol])

    def save(self, folder: str | Path) -> Path:
        """Write FOLDER/label_budget.json, which the report of a run shows. Returns the file.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        file = Path(folder).expanduser() / FILE
        try:
            file.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {file}: {error.strerror or error}") from error
        return file

    @classmethod
    def load(cls, folder: str | Path) -> "LabelBudget | None":
        """What `save` wrote in a folder, or None.

        Raises
        ------
        SavedModelError
            The file is damaged.
        """
        file = Path(folder).expanduser() / FILE
        if not file.is_file():
            return None
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
            accuracies = {
                way: {int(count): [float(value) for value in values] for count, values in row.items()}
                for way, row in kept["accuracies"].items()
            }
            return cls(accuracies, int(kept["classes"]), int(kept["asked"]), str(kept["protocol"]))
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise SavedModelError(f"{file} is damaged ({error}); measure again, or delete it") from error


def _plain(one: Cell) -> dict[str, Any]:
    """A cell as JSON can hold it: a single draw has no spread."""
    return {**one._asdict(), "sd": None if math.isnan(one.sd) else one.sd}


def label_budget(
    model: Any,
    data: Any,
    labels: Any = None,
    *,
    per_class: Sequence[int] = (1, 5, 10, 50),
    draws: int = 3,
    random_state: int = 0,
    **settings: Any,
) -> LabelBudget:
    """Accuracy against the number of labels, with its spread over draws.

    Parameters
    ----------
    model
        A fitted estimator whose codes have a gradient, or the folder of one.
    data
        Anything that `nolabel.open` takes, or a `Dataset`.
    labels
        In any form that `nolabel.finetune` takes; None for those that the data have.
    per_class
        Numbers of labels a class; those above the smallest class of the pool are left out.
    draws
        Draws of the labels, over which the spread is taken.
    random_state
        Seed of the split, the draws and the networks.
    **settings
        Arguments of `nolabel.Classifier` for the fine-tuned network and, where they make sense, the one from scratch:
        `epochs`, `learning_rate`, ...; `freeze` and `layer_decay` are for the fine-tuned one alone.

    Returns
    -------
    LabelBudget
        `table()` prints it, `save(run)` keeps it for the report.

    Raises
    ------
    ArgumentError
        The model or an argument cannot be used, or there are no labels.
    DataError
        A class has too few labelled samples for even the smallest number.
    """
    _check(per_class, draws)
    fitted = embedder(model)
    found = opened(data, labels, spec=fitted.spec_, **fitted._later())
    refuse_too_few_classes(found)
    assert found.labels is not None
    y = found.labels
    _refuse_small_classes(found)
    split = stratified_splits(y, 1, random_state=random_state)[0]
    drawn = label_draws(y, split.train, sorted(set(per_class)), draws, random_state=random_state)
    if not drawn:
        raise DataError(
            f"per_class={tuple(per_class)}: the smallest class has fewer labels once a fifth is set aside; give more "
            "labels, or smaller numbers"
        )
    codes = np.asarray(fitted.transform(found), dtype=np.float32)
    scaled = Scale.of(codes[split.train]).applied(codes)
    spent = _Spent(fitted, found, scaled, split, {"calibration": "none", **settings}, random_state)
    accuracies = {
        way: {count: [spent.accuracy(way, rows, draw) for draw, rows in enumerate(of)] for count, of in drawn.items()}
        for way in WAYS
    }
    protocol = (
        f"Accuracy on the same {len(split.test):,} samples; {draws} draws of the labels, mean ± standard deviation; "
        "fine-tuned and from scratch are the same network, trained by the same settings."
    )
    return LabelBudget(accuracies, len(np.unique(y[y >= 0])), len(split.test), protocol)


def _check(per_class: Any, draws: Any) -> None:
    if isinstance(per_class, str) or not len(per_class) or not all(_is_count(one) for one in per_class):
        raise ArgumentError(f"per_class must be whole numbers of at least 1, such as (1, 10, 100); got {per_class!r}")
    if not _is_count(draws):
        raise ArgumentError(f"draws must be a whole number of at least 1; got {draws!r}")


def _is_count(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 1)


def _refuse_small_classes(data: Dataset) -> None:
    assert data.labels is not None
    codes, counts = np.unique(data.labels[data.labels >= 0], return_counts=True)
    small = [data.classes[code] for code, count in zip(codes, counts) if count < 2]
    if small:
        raise DataError(f"class {small[0]!r} has one labelled sample; to learn and to be asked takes 2 of each class")


@final
@dataclass(frozen=True)
class _Spent:
    """The three ways to spend labels."""

    model: Embedder
    data: Dataset
    scaled: np.ndarray
    split: Split
    settings: Mapping[str, Any]
    random_state: int

    def accuracy(self, way: str, rows: np.ndarray, draw: int) -> float:
        """Of one way with the labels in `rows`, on the samples asked."""
        if way == "probe":
            return self._probed(rows)
        given = dict(self.settings)
        if way == "from scratch":
            for name in ("freeze", "layer_decay"):
                given.pop(name, None)
        network = Classifier(pretrained=self.model, **given, random_state=seed_of(self.random_state, 40, draw))
        if way == "from scratch":
            network = network.set_params(pretrained=self.model.untrained(draw))
        assert self.data.labels is not None
        y = self.data.labels
        network.fit(self.data.subset(rows), y[rows])
        named = np.unique(y[rows])[np.asarray(network.predict_proba(self.data.subset(self.split.test))).argmax(1)]
        return float((named == y[self.split.test]).mean())

    def _probed(self, rows: np.ndarray) -> float:
        assert self.data.labels is not None
        y = self.data.labels
        fitted = linear_classifier(max_iter=1000).fit(self.scaled[rows], y[rows])
        return float(fitted.score(self.scaled[self.split.test], y[self.split.test]))
