"""The last full run of every benchmark as a Markdown table: what was measured, beside what, the target and the verdict.

python benchmarks/table.py            the table
python benchmarks/table.py --quick    what --quick runs left, to see that the table works
"""

import argparse
import json
from pathlib import Path

from harness.places import RESULTS, WORK
from harness.verdicts import Row, judged_text, ours_text, revived, theirs_text

ORDER = (
    *("dense_autoencoder", "vae", "deep", "denoising", "supervised", "self_supervised", "self_supervised_others"),
    *("simclr_speed", "finetune", "tables", "gan", "gan_dense", "gan_few"),
    *("gan_features", "gan_modes"),
    *("som", "views", "lda", "lda_compile", "lda_stream"),
    *("memory", "folder", "larger_than_memory", "startup", "two_processes"),
)
HEAD = ("work", "nolabel", "beside it", "compared", "target", "verdict")


def main() -> None:
    """Print the table, and where each part of it was measured."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--quick", action="store_true", help="runs with --quick, whose numbers mean nothing")
    folder = WORK / "quick" if made.parse_args().quick else RESULTS
    records = [record for name in ORDER if (record := _last(folder / f"{name}.jsonl"))]
    rows = [revived(raw) for record in records for raw in record["rows"]]
    print("\n".join([_line(HEAD), _line(["---"] * len(HEAD)), *(_line(_cells(row)) for row in rows)]))
    judged = [row for row in rows if row.verdict]
    met = sum(row.verdict == "MET" for row in judged)
    print(f"\n{met} of {len(judged)} targets met. Medians, with the lowest and the highest in brackets.\n")
    for record in records:
        print(_where(record))
    if missing := [name for name in ORDER if name not in {record["benchmark"] for record in records}]:
        print(f"\nNot measured yet: {', '.join(missing)}")


def _last(file: Path) -> dict | None:
    return json.loads(file.read_text().splitlines()[-1]) if file.is_file() else None


def _cells(row: Row) -> list[str]:
    target = "" if row.target is None else f"{row.target.sign} {row.target.value:g}"
    verdict = f"**{row.verdict}**" if row.verdict == "MISSED" else row.verdict
    return [row.work, ours_text(row), theirs_text(row), judged_text(row), target, verdict]


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def _where(record: dict) -> str:
    found, settings = record["machine"], record["settings"]
    told = ", ".join(f"{name} {value}" for name, value in settings.items())
    return (
        f"- {record['benchmark']}: {found['when']}, commit {found['commit']}, {found['cpu']}, {found['cores']} cores, "
        f"{found['threads']} threads, torch {found['torch']}, load {found['load_before']} before; {told}"
    )


if __name__ == "__main__":
    main()
