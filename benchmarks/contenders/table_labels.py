"""Few labels of a table: a logistic regression on codes that SCARF and MAE learned without any, beside plain ways.

All rows of the training part are seen by SCARF and MAE, without labels; the test part by nobody. Every draw of labels
is the same for all. Columns and codes are standardised by the training part before the logistic regression (C = 1).
"""

import math

import numpy as np
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import nolabel
from harness.contender import Answer, answer

LOADERS = {
    "breast_cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "digits": datasets.load_digits,
}


def work(given: Answer) -> Answer:
    """Test accuracies by data set, labels a class and way, one for each draw of labels."""
    return {name: _on(name, given) for name in given["tables"]}


def _on(name: str, given: Answer) -> Answer:
    X, y = LOADERS[name](return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=given["seed"])
    features = {"raw": (X, X_test)}
    for method in given["methods"]:
        model = _fitted(method, X, given["steps"], given["seed"])
        fresh = model.untrained()
        features[method] = model.transform(X), model.transform(X_test)
        features[f"{method} untrained"] = fresh.transform(X), fresh.transform(X_test)
    found: Answer = {}
    for labels in given["labels"]:
        for draw in range(given["draws"] if labels else 1):
            chosen = _drawn(y, labels, [given["seed"], draw])
            scores = {way: _regression(pair, y, chosen, y_test) for way, pair in features.items()}
            scores["boosting"] = _boosting(X[chosen], y[chosen], X_test, y_test)
            for way, score in scores.items():
                found.setdefault(str(labels), {}).setdefault(way, []).append(score)
    return found


def _fitted(method: str, X: np.ndarray, steps: int, seed: int) -> nolabel.SCARF | nolabel.MAE:
    """Trained for about so many steps, with the method's own defaults apart from that."""
    model = getattr(nolabel, method)(random_state=seed)
    batch = model._batch_size(len(X))
    return model.set_params(epochs=math.ceil(steps / math.ceil(len(X) / batch))).fit(X)


def _drawn(y: np.ndarray, labels: int, seed: list[int]) -> np.ndarray:
    """Row numbers of so many samples of each class; of all if 0."""
    if not labels:
        return np.arange(len(y))
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.choice(np.flatnonzero(y == one), labels, replace=False) for one in np.unique(y)])


def _regression(
    features: tuple[np.ndarray, np.ndarray], y: np.ndarray, chosen: np.ndarray, y_test: np.ndarray
) -> float:
    train, test = (part.astype(np.float64) for part in features)
    scale = StandardScaler().fit(train)
    model = LogisticRegression(max_iter=5000).fit(scale.transform(train[chosen]), y[chosen])
    return float(model.score(scale.transform(test), y_test))


def _boosting(X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray) -> float:
    """Leaves as small as few labels ask for: with the usual 20 samples there would be no trees at all."""
    leaf = max(1, min(20, len(y) // 20))
    model = HistGradientBoostingClassifier(min_samples_leaf=leaf, early_stopping=False, random_state=0)
    return float(model.fit(X, y).score(X_test, y_test))


answer(work)
