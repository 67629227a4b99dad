"""`nolabel.finetune`: from a pre-trained model and some labels to a classifier, in one call.

It opens the data by the model's own recipe, brings labels of any form to their samples, and trains a `Classifier` that
begins with the model. Everything else is that method's own.
"""

from pathlib import Path
from typing import Any

from nolabel.data.dataset import Dataset
from nolabel.data.label_files import as_given, opened, refuse_too_few_classes
from nolabel.evaluation.probing import embedder
from nolabel.methods._base import class_values
from nolabel.methods.classifier import Classifier


def finetune(
    model: Any,
    data: Any,
    labels: Any = None,
    *,
    freeze: bool | float = False,
    layer_decay: float = 1.0,
    epochs: int | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = False,
    **settings: Any,
) -> Classifier:
    """A classifier that begins with what a model has learned without labels, trained on the samples that have one.

    Parameters
    ----------
    model
        A fitted estimator whose codes have a gradient, or the folder of one. It is left as it is.
    data
        Anything that `nolabel.open` takes, or a `Dataset`; treated by the model's own recipe. Samples without a label
        are left out.
    labels
        A file of `id,label`, a mapping from ids, one label for each sample (-1, NaN or None where unknown), the name of
        a table's column; None takes those that the data have.
    freeze
        What of the encoder stays as it is: nothing, all of it (True), or the share of its blocks nearest the data.
    layer_decay
        In (0, 1]: each block learns at so many times the rate of the one after it.
    epochs
        Passes over the labelled samples; None chooses.
    out, resume, overwrite, progress
        As for `fit`.
    **settings
        Other arguments of `nolabel.Classifier`, such as `learning_rate`, `class_weight`, `random_state`.

    Returns
    -------
    Classifier
        Fitted: `predict`, `predict_proba` (calibrated), `score`, `transform`, `save`.

    Raises
    ------
    ArgumentError
        The model or an argument cannot be used, or there are no labels.
    DataError
        Labels of ids that do not exist, of one class only, or not one for each sample.
    """
    fitted = embedder(model)
    found = opened(data, labels, spec=fitted.spec_, **fitted._later())
    refuse_too_few_classes(found)
    classifier = Classifier(pretrained=fitted, freeze=freeze, layer_decay=layer_decay, epochs=epochs, **settings)
    return classifier.fit(found, named(found, labels), out=out, resume=resume, overwrite=overwrite, progress=progress)


def named(data: Dataset, labels: Any) -> list[Any]:
    """The class of each sample as `predict` shall name it, None where unknown: numbers where `labels` are numbers."""
    assert data.labels is not None
    names = class_values(data.classes, as_given(labels)).tolist()
    return [None if code < 0 else names[code] for code in data.labels.tolist()]
