"""LDA on 20 newsgroups, 50 topics: time to a perplexity and coherence beside tomotopy, scikit-learn and gensim.

Seconds are those of fitting, in a fresh process each, after compilation; every file of topics is judged by one ruler
(`contenders/judge_topics.py`). Time to a peer's perplexity is the fit with the fewest epochs that is no worse.
"""

import shutil
import statistics
import tempfile
from pathlib import Path

from harness import newsgroups, options, verdicts
from harness.contender import Answer, Contender, run
from harness.environments import python_of
from harness.places import WORK
from harness.verdicts import Row, Spread, Target

WORK_NAME = "20news, 50 topics"
EPOCHS = [1, 2, 3, 4, 6, 10, 20]
FAST = 1.5  # seconds


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", repeats=3, seeds=5)
    made.add_argument("--gensim-passes", type=int, default=10)
    chosen = options.parsed(made)
    folder = newsgroups.exported(chosen.quick)
    WORK.mkdir(exist_ok=True)
    target = Path(tempfile.mkdtemp(prefix="topics-", dir=WORK))
    try:
        answers = _answers(chosen, {"folder": folder, "target": str(target)})
    finally:
        shutil.rmtree(target)
    rows = _rows(answers)
    settings = {
        "epochs": EPOCHS,
        "repeats": chosen.repeats,
        "seeds": chosen.seeds,
        "gensim_passes": chosen.gensim_passes,
    }
    verdicts.conclude("lda", rows, chosen, settings=settings, details={"runs": answers})


def _answers(chosen: options.Options, common: dict[str, str]) -> dict[str, list[Answer]]:
    """Every run of every contender: epochs, seconds, perplexity, c_npmi, by the contender's name."""
    python = python_of("topics")
    few = 5 if chosen.quick else None
    ours = Contender("nolabel", "nolabel_lda.py", {**common, "epochs": EPOCHS[:3] if chosen.quick else EPOCHS})
    timed = [
        (ours, chosen.repeats),
        (Contender("tomotopy 200", "tomotopy_lda.py", {**common, "iterations": few or 200}, python), chosen.repeats),
        (Contender("scikit-learn 20", "sklearn_lda.py", {**common, "iterations": few or 20}, python), 1),
        (Contender("gensim", "gensim_lda.py", {**common, "iterations": few or chosen.gensim_passes}, python), 1),
        (Contender("tomotopy 500", "tomotopy_lda.py", {**common, "iterations": few or 500}, python), chosen.seeds),
    ]
    found: dict[str, list[Answer]] = {one.name: [] for one, _ in timed}
    for seed in range(max(count for _, count in timed)):
        for one, count in timed:
            if seed < (max(count, chosen.seeds) if one is ours else count):
                found[one.name] += _judged(one, chosen, common, seed)
    return found


def _judged(one: Contender, chosen: options.Options, common: dict[str, str], seed: int) -> list[Answer]:
    runs = run(one, chosen.threads, seed=seed)["runs"]
    judge = Contender("judge", "judge_topics.py", {**common, "topics": [each["topics"] for each in runs]})
    judged = run(judge, chosen.threads)["judged"]
    for each, measures in zip(runs, judged):
        each.update(measures, seed=seed)
        del each["topics"]  # a file that is gone in the end
        words = f"perplexity {each['perplexity']:.0f}, c_npmi {each['c_npmi']:.3f}"
        print(f"  {one.name}, seed {seed}, {each['epochs']}: {each['seconds']:.2f} s, {words}", flush=True)
    return list(runs)


def _rows(found: dict[str, list[Answer]]) -> list[Row]:
    ours = _by_seed(found["nolabel"])
    fast = [_within(runs)[-1] for runs in ours]  # the longest, not the best: test posts choose nothing
    rows = [
        Row(f"{WORK_NAME}: perplexity in {FAST} s of fitting", "", Spread.of([one["perplexity"] for one in fast]),
            target=Target("<=", 2400), digits=0),
        Row(f"{WORK_NAME}: the seconds of that", "s", Spread.of([one["seconds"] for one in fast]), digits=2),
    ]  # fmt: skip
    for name, times in (("tomotopy 200", 10.0), ("scikit-learn 20", 50.0), ("gensim", None)):
        rows.append(_race(name, ours, found[name], times))
    whole = [runs[-1] for runs in ours]
    theirs = Spread.of([one["c_npmi"] for one in found["tomotopy 500"]])
    for what, runs in ((f"in {FAST} s", fast), ("with the defaults", whole)):
        mine = Spread.of([one["c_npmi"] for one in runs])
        rows.append(
            Row(f"{WORK_NAME}: c_npmi on the training posts, {what}", "", mine, "tomotopy 500", theirs,
                mine.mean - theirs.mean, "more", target=Target(">=", 0.0), deviation=True, judged_digits=3)
        )  # fmt: skip
    return rows


def _by_seed(runs: list[Answer]) -> list[list[Answer]]:
    seeds = sorted({one["seed"] for one in runs})
    return [sorted((one for one in runs if one["seed"] == seed), key=lambda one: one["epochs"]) for seed in seeds]


def _within(runs: list[Answer]) -> list[Answer]:
    """The runs that took at most so many seconds; the shortest if none did."""
    return [one for one in runs if one["seconds"] <= FAST] or runs[:1]


def _race(name: str, ours: list[list[Answer]], theirs: list[Answer], times: float | None) -> Row:
    wanted = statistics.median(one["perplexity"] for one in theirs)
    reached = [next((one for one in runs if one["perplexity"] <= wanted), None) for runs in ours]
    mine = Spread.of([float("inf") if one is None else one["seconds"] for one in reached])
    other = Spread.of([one["seconds"] for one in theirs])
    work = f"{WORK_NAME}: to the perplexity of {name} ({wanted:,.0f})"
    target = None if times is None else Target(">=", times)
    return Row(work, "s", mine, name, other, other.median / mine.median, "times faster", target=target, digits=2)


if __name__ == "__main__":
    main()
