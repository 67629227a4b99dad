"""`nolabel finetune RUN SOURCE --labels L --out RUN2`: train a model on with labels, to a classifier.

It is `nolabel fit classifier` that begins with RUN: the same progress, checkpoints, resumption and report.
"""

from pathlib import Path

from nolabel.cli import opening, speech
from nolabel.cli.commands import fit
from nolabel.cli.flags import flags_of
from nolabel.cli.parsing import Grammar
from nolabel.errors import ArgumentError

METHOD = "classifier"
_OWN = ("pretrained", "backbone", "plan")  # RUN says these
_EXAMPLE = "nolabel finetune runs/photos photographs/ --labels labels.csv --out runs/classifier"
_ABOUT = """\
Train a model on with labels: a classifier whose probabilities are calibrated.
Samples without a label are left out."""
_IN_SHORT = f"""\
usage: nolabel finetune RUN SOURCE --labels ... --out ... [flags]

{_ABOUT}

  RUN     {opening.RUN}
  SOURCE  {opening.SOURCE}

--freeze, --layer-decay, --epochs, --learning-rate and all other flags: nolabel finetune RUN --help

example:
  {_EXAMPLE}"""


def run(words: list[str]) -> int:
    """Fine-tune."""
    if words and set(words) <= {"-h", "--help"}:
        speech.say(_IN_SHORT)  # at once: the flags are those of a class, and torch takes seconds to import
        return 0
    spoken = grammar()
    values = spoken.parse(words)
    run, out = values["RUN"], values["out"]
    if Path(run).expanduser().resolve() == Path(out).expanduser().resolve():
        raise ArgumentError(f"--out {out} is RUN itself, which is begun with; name another folder")
    opening.open_able(run, "Embedder")  # what is wrong with it is said of RUN
    rest = list(words)
    rest.remove(run)
    return fit.train([METHOD, *rest, "--pretrained", run])


def grammar() -> Grammar:
    """What the command understands."""
    from nolabel.methods import find_method

    cls = find_method(METHOD)
    own = flags_of(cls, leave_out=_OWN)
    taken = {flag.key for flag in own}
    return Grammar(
        "finetune",
        _ABOUT,
        {"RUN": opening.RUN, "SOURCE": opening.SOURCE},
        {
            "method": own,
            "run": fit.RUN_FLAGS,
            "data": opening.AGAIN,
            "training": fit.plan_flags(taken, cls.plan_defaults),
        },
        required={"labels": _EXAMPLE, "out": _EXAMPLE},
        notes=f"In square brackets: what a flag is when it is not given.\n\nexample:\n  {_EXAMPLE}",
    )
