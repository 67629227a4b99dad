"""`nolabel fit METHOD SOURCE --out RUN`: train, and leave a model, its embeddings, evidence and a report in RUN.

The flags of a method are read from its constructor, those of the plan from `Plan`. Of several processes the first does
all that comes after training.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nolabel.cli import catalog, history, launch, opening, outputs, results, speech
from nolabel.cli.flags import Flag, flags_of, place, whole
from nolabel.cli.parsing import Grammar, Values
from nolabel.errors import ArgumentError, DivergedError, SavedModelError, TrainingInterrupted

if TYPE_CHECKING:
    from nolabel.data.dataset import Dataset
    from nolabel.methods._base import Estimator

_EXAMPLE = "nolabel fit autoencoder digits --out runs/digits"
_TARGET = Flag(
    "target",
    place,
    "what is to be made of the images in SOURCE: a folder, an archive, an array file or the name of a data set; where "
    "pairs are wanted files are matched by name, all else by place",
    "TARGETS",
)
RUN_FLAGS = [
    Flag(
        "out", place, "the run's folder: model, checkpoints, metrics, embeddings, evidence, report", "RUN", short="-o"
    ),
    Flag("resume", None, "go on with the run in RUN, exactly as if it had not stopped"),
    Flag("overwrite", None, "replace the run in RUN"),
    Flag("processes", whole, "train in so many processes on this machine, with the result of one", "N"),
    Flag("tensorboard", None, "write TensorBoard files to RUN/tensorboard, too"),
    Flag("no_report", None, "train and save the model, nothing more: no embeddings, evidence or report"),
]
_SAMPLES = {"image": "png", "video": "gif", "table": "csv", "text": "npy"}  # what they are best looked at as
_NOTES = f"""\
In square brackets: what a flag is when it is not given.

Ctrl-C and SIGTERM write a checkpoint; the same command with --resume goes on from it, bit for bit. Without
--random-state a seed is drawn, and kept with the command in RUN/command.json.

Several machines: give each the same command under a launcher, with RUN and SOURCE in a folder that all of them see:
  torchrun --nnodes 2 --nproc-per-node 4 --rdzv-backend c10d --rdzv-endpoint HOST:29500 -m {_EXAMPLE}
  accelerate launch -m {_EXAMPLE}

example:
  """


def run(words: list[str]) -> int:
    """Train, and say what can be done next."""
    if not words or words[0].startswith("-"):
        return _without_method(words)
    return train(words)


def train(words: list[str], *, hint: bool = True) -> int:
    """Train; the first word is the method. `hint`: say what can be typed next."""
    spoken = grammar(words[0])
    values = spoken.parse(words[1:])
    with spoken.in_flags():
        return _train_as_told(words, values, hint)


def _train_as_told(words: list[str], values: Values, hint: bool) -> int:
    processes = values.get("processes", 1)
    launch.refuse_bad_count(processes)
    model = _estimator(words[0], values)
    folder = _run_folder(values)
    if processes > 1 and not launch.started_by_launcher():
        return launch.run_in_processes(processes, ["fit", *words])
    with _ours_alone(folder):
        data = _train(model, folder, values, ["fit", *words])
        if speech.speaks():
            _finish(model, data, folder, values)
            if hint:
                speech.say(f"next        {_following(model, values)}")
    return 0


def _following(model: "Estimator", values: Values) -> str:
    """What can be typed next."""
    from nolabel.methods._base import LabelPredictor
    from nolabel.methods._generator import Generator
    from nolabel.methods._restores import Restores

    run, source = values["out"], values["SOURCE"]
    if isinstance(model, Generator):
        ending = _SAMPLES[model.spec_.modality]
        return history.as_typed(["sample", run, "-n", "16", "-o", f"samples.{ending}"])
    verb, made = "embed", "codes.parquet"
    if "target" in values:
        verb, made = "translate", "translated"
    elif isinstance(model, Restores):
        verb, made = "restore", "restored"
    elif isinstance(model, LabelPredictor):
        verb, made = "predict", "labels.csv"
    return history.as_typed([verb, run, source, "-o", made])


# --- what may be said ------------------------------------------------------------------------------------------------


def _without_method(words: Sequence[str]) -> int:
    if not {"-h", "--help"} & set(words):
        names = ", ".join(entry.name for entry in catalog.entries())
        raise ArgumentError(f"nolabel fit needs a method first, as in {_EXAMPLE}. Methods: {names}")
    speech.say("usage: nolabel fit METHOD SOURCE --out RUN [flags]\n\nmethods:")
    entries = catalog.entries()
    width = max(len(entry.name) for entry in entries)
    speech.say("\n".join(f"  {entry.name:{width}}  {entry.line}" for entry in entries))
    speech.say(f"\nThe flags of one: nolabel fit {entries[0].name} --help")
    return 0


def grammar(method: str) -> Grammar:
    """What `fit` understands for one method."""
    from nolabel.methods import find_method

    cls = find_method(method)  # a method that does not exist is told before torch is imported
    from nolabel.methods._targets import TakesTargets

    own = flags_of(cls, leave_out=("plan",))
    taken = {flag.key for flag in own}
    training = plan_flags(taken, cls.plan_defaults)
    translates, example = issubclass(cls, TakesTargets), _typed(method, cls)
    targets = {"target": example} if translates else {}
    own_data = [_TARGET] if translates else []
    return Grammar(
        f"fit {method}",
        _about(method),
        {"SOURCE": opening.SOURCE},
        {"method": own, "run": RUN_FLAGS, "data": [*own_data, *opening.data_flags(taken)], "training": training},
        required={**targets, "out": example},
        notes=_NOTES + example + (" --epochs 50" if "epochs" in taken else ""),
    )


def _typed(method: str, cls: type["Estimator"]) -> str:
    """One way to call it, with data that it takes."""
    from nolabel.methods._targets import TakesTargets

    if issubclass(cls, TakesTargets):
        return f"nolabel fit {method} drawings/ --target photographs/ --out runs/it"
    sources = {"image": "digits", "table": "digits", "text": "texts/", "video": "clips/"}
    source = sources[cls.modalities[0]]
    return f"nolabel fit {method} {source} --out runs/{source.rstrip('/')}"


def _about(method: str) -> str:
    from nolabel.methods import find_method

    lines = (find_method(method).__doc__ or "").strip().partition("\n\n")[0]
    return " ".join(lines.split())


def plan_flags(taken: set[str], defaults: Mapping[str, Any] | None = None) -> list[Flag]:
    """A flag for each field of `Plan`; one that a method's own argument has taken is called --plan-...

    `defaults` are the method's own, where they are not those of `Plan`.
    """
    from nolabel.training.plan import Plan

    flags = flags_of(Plan, defaults=defaults)
    return [Flag(**{**vars(flag), "key": f"plan_{flag.key}"}) if flag.key in taken else flag for flag in flags]


# --- before training -------------------------------------------------------------------------------------------------


def _estimator(method: str, values: Values) -> "Estimator":
    """The method with the arguments given; those of the plan are checked."""
    from nolabel.methods import find_method
    from nolabel.training.plan import as_plan

    cls = find_method(method)
    names = set(cls._get_param_names()) - {"plan"}
    plan = {flag.key.removeprefix("plan_"): values[flag.key] for flag in plan_flags(names) if flag.key in values}
    if cls.uses_labels and "labels" not in values:
        raise ArgumentError(
            f"{method} learns from labels: add --labels labels for those of the data set (class folders, label "
            "files), --labels FILE for a .csv with the columns id and label, or --labels COLUMN for a column of a table"
        )
    as_plan(plan)  # raises before anything is opened
    given = {name: values[name] for name in names if name in values}
    return cls(**given, **({"plan": plan} if plan else {}))


def _run_folder(values: Values) -> Path:
    """RUN, if it may be used; said before the data are opened, which may take long."""
    from nolabel.training import lock

    folder = Path(values["out"]).expanduser()
    resume, overwrite = "resume" in values, "overwrite" in values
    if resume and overwrite:
        raise ArgumentError("--resume and --overwrite exclude each other: go on with the run, or replace it")
    if resume and not (folder / "checkpoint").is_dir():
        raise SavedModelError(
            f"there is no run in {folder} to go on with (no checkpoint was written); leave --resume out to start one"
        )
    if speech.speaks():
        ways = "--overwrite to replace the run in it, or --resume to go on with it"
        outputs.refuse_full(folder, overwrite=resume or overwrite, ways=ways, harmless=(lock.NAME,))
    return folder


def _ours_alone(folder: Path) -> AbstractContextManager[None]:
    """The run's folder from before the data are opened until the report is written; one process holds it for all."""
    from nolabel.training.lock import held

    return held(folder) if speech.speaks() else nullcontext()


# --- training --------------------------------------------------------------------------------------------------------


def _train(model: "Estimator", folder: Path, values: Values, words: Sequence[str]) -> "Dataset":
    """Train `model` and keep it in the folder; returns the data."""
    of_data = {key: value for key, value in values.items() if key not in model._get_param_names()}
    data = opening.open_source(values["SOURCE"], of_data, options=model.options())
    with _telling_how_to_go_on(words), _recorded(folder, words, model):
        model.fit(
            data,
            _y(model, data, of_data),
            out=folder,
            resume="resume" in values,
            overwrite="overwrite" in values,
            progress=True,
            tensorboard="tensorboard" in values,
        )
    _part_from_others()
    return data


def _y(model: "Estimator", data: "Dataset", values: Values) -> Any:
    """What `fit` is given beside the data: the word for their labels, targets, or nothing."""
    if "target" in values:
        return opening.open_targets(values["target"], data, values, model.options())
    return "labels" if model.uses_labels else None


@contextmanager
def _telling_how_to_go_on(words: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except TrainingInterrupted as error:
        raise TrainingInterrupted(f"{error}:\n  {history.to_resume(words)}", error.signum) from error


@contextmanager
def _recorded(folder: Path, words: Sequence[str], model: "Estimator") -> Iterator[None]:
    """Keep the command with the run once it has begun, however training ends; the seed belongs to it."""
    try:
        yield
    except (TrainingInterrupted, DivergedError):
        _record(folder, words, model)
        raise
    _record(folder, words, model)


def _record(folder: Path, words: Sequence[str], model: "Estimator") -> None:
    seeded = any(word.partition("=")[0].replace("_", "-") == "--random-state" for word in words)
    if speech.speaks():
        history.keep(folder, words if seeded else [*words, "--random-state", str(model.seed_)])


def _part_from_others() -> None:
    """What follows is the first process's alone: nothing waits for the others any more."""
    if not launch.started_by_launcher():
        return
    import torch.distributed as dist

    if dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()


# --- after training --------------------------------------------------------------------------------------------------


def _finish(model: "Estimator", data: "Dataset", folder: Path, values: Mapping[str, Any]) -> None:
    results.say_training(model)
    speech.say(f"model       {folder / 'model'}")
    if "no_report" in values:
        return
    try:
        results.write_all(model, data, folder)
    except KeyboardInterrupt as error:
        again = history.as_typed(["report", str(folder), values["SOURCE"]])
        raise type(error)(f"stopped. The model is complete; its report can still be had:\n  {again}") from error
