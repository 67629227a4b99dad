"""SCARF and MAE on tables that come with scikit-learn: does a code learned without labels help where labels are few?

Test accuracy of a logistic regression on the code, with 5 and 10 labels a class and with all; beside it the same
regression on the standardised columns, gradient boosting on the columns, and the regression on the code of the network
as it was before training. Mean and standard deviation over splits and draws of labels. No target: it is to be known
where these methods help, and where they do not.
"""

import statistics

from harness import options, verdicts
from harness.contender import Contender, interleaved
from harness.verdicts import Row, Spread

TABLES = ("breast_cancer", "wine", "digits")
METHODS = ("SCARF", "MAE")
LABELS = (5, 10, 0)  # of each class; 0 for all


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", seeds=5)
    made.add_argument("--draws", type=int, default=2, help="draws of labels for each seed, which is a split and a fit")
    made.add_argument("--steps", type=int, default=400, help="training steps")
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.steps, chosen.draws = 20, 1
    settings = {"steps": chosen.steps, "draws": chosen.draws}
    work = {"tables": TABLES, "methods": METHODS, "labels": LABELS, **settings}
    contender = Contender("nolabel", "table_labels.py", work)
    found = interleaved([contender], chosen.seeds, chosen.threads, _line, seeded=True)["nolabel"]
    rows = [_row(found, table, labels, method) for table in TABLES for labels in LABELS for method in METHODS]
    verdicts.conclude("tables", rows, chosen, settings=settings, details={"runs": found})


def _line(one: dict) -> str:
    few = str(LABELS[0])
    return "; ".join(
        f"{table} {LABELS[0]} a class: "
        + ", ".join(f"{way} {statistics.fmean(one[table][few][way]):.3f}" for way in ("raw", *METHODS))
        for table in TABLES
    )


def _row(found: list[dict], table: str, labels: int, method: str) -> Row:
    scores = {
        way: [score for one in found for score in one[table][str(labels)][way]]
        for way in ("raw", "boosting", method, f"{method} untrained")
    }
    gains = Spread.of([100 * (ours - raw) for ours, raw in zip(scores[method], scores["raw"])])
    others = f"boosting {statistics.fmean(scores['boosting']):.3f}, "
    others += f"untrained code {statistics.fmean(scores[f'{method} untrained']):.3f}"
    return Row(
        f"{table}, {f'{labels} labels a class' if labels else 'all labels'}: accuracy on {method}'s code",
        "",
        Spread.of(scores[method]),
        f"{others}; on the columns",
        Spread.of(scores["raw"]),
        judged=gains.mean,
        judged_as="points higher on average",
        judged_spread=gains,
        deviation=True,
    )


if __name__ == "__main__":
    main()
