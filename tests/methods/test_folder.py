"""What estimators leave on disk: run folders that are not trampled on, and saved models that are checked and never run."""

import json
import os
import pickle
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from safetensors.torch import load_file, save_file

import nolabel
from nolabel.errors import ArgumentError, NolabelError, OutputError, SavedModelError
from nolabel.methods import _folder
from nolabel.training import engine, lock
from nolabel.views.tables import TableViews

X = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)


def tiny(**changes: Any) -> Any:
    return nolabel.Autoencoder(**{"hidden": (4, 2), "epochs": 1, "random_state": 0, **changes})


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder, not to be changed."""
    folder = tmp_path_factory.mktemp("original") / "run"
    frame = pd.DataFrame(X, columns=list("abcde"))
    tiny().fit(frame, out=folder)
    return folder


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(original, tmp_path / "run"))


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Without the checker of types, which only tests have and which takes no NumPy numbers for whole numbers."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the facts of a saved model as somebody would who knows of the digest."""
    file = folder / "model" / "model.json"
    facts = json.loads(file.read_text())
    change(facts)
    file.write_text(json.dumps(_folder.sealed(facts)))


def put(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda facts: facts.update(values)


# --- run folders -----------------------------------------------------------------------------------------------------


def test_a_run_folder_holds_what_it_should(run: Path) -> None:
    assert sorted(path.name for path in run.iterdir()) == ["checkpoint", "metrics.jsonl", "model"]
    assert sorted(path.name for path in (run / "model").iterdir()) == ["model.json", "model.safetensors"]
    assert all(isinstance(json.loads(line), dict) for line in (run / "metrics.jsonl").read_text().splitlines())


def test_nothing_is_written_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny().fit(X)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_exists_is_refused_and_left_as_it_is(run: Path) -> None:
    before = contents(run)
    with pytest.raises(
        OutputError, match=r"exists and is not empty. Choose another folder, or say overwrite.*or resume"
    ):
        tiny().fit(X, out=run)
    assert contents(run) == before


def test_a_folder_that_is_empty_or_not_there_is_made(tmp_path: Path) -> None:
    tiny().fit(X, out=tmp_path)
    tiny().fit(X, out=str(tmp_path / "some" / "where" / "new"))
    assert (tmp_path / "some" / "where" / "new" / "model" / "model.json").is_file()


def test_overwrite_replaces_the_run_and_nothing_else(run: Path) -> None:
    mine = ["notes.txt", "model/notes.txt", "checkpoint/backup.safetensors", "my data/a.csv", "tensorboard/mine.txt"]
    for name in mine:
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text("mine")
    (run / "report.html").write_text("an old report")
    (run / "model" / ".model.json.123.part").write_text("half a file")
    tiny(epochs=2, random_state=1).fit(X, out=run, overwrite=True)
    assert all((run / name).read_text() == "mine" for name in mine)
    assert not (run / "report.html").exists()
    assert not (run / "model" / ".model.json.123.part").exists()
    assert len(list((run / "checkpoint").glob("step-*"))) == 1
    assert nolabel.load(run).seed_ == 1
    assert len([line for line in (run / "metrics.jsonl").read_text().splitlines() if '"run"' in line]) == 1


@pytest.mark.parametrize("strangers", [["thesis.tex"], ["model/weights.bin"], ["checkpoint/a", "report.html"]])
def test_overwrite_does_not_touch_a_folder_that_is_no_run(strangers: list[str], tmp_path: Path) -> None:
    for name in strangers:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(OutputError, match=r"holds no run of nolabel \(.*\); it is not replaced"):
        tiny().fit(X, out=tmp_path, overwrite=True)
    assert contents(tmp_path) == before


def test_overwriting_nothing_is_starting(tmp_path: Path) -> None:
    tiny().fit(X, out=tmp_path / "new", overwrite=True)
    assert (tmp_path / "new" / "model" / "model.json").is_file()


def test_a_folder_is_not_cleared_before_the_data_are_known_to_be_good(run: Path) -> None:
    before = contents(run)
    for bad in (np.full((40, 5), np.nan), np.zeros((40, 5)), X[:1]):
        with pytest.raises(NolabelError):
            tiny().fit(bad, out=run, overwrite=True)
    with pytest.raises(ArgumentError):
        tiny(epochs=0).fit(X, out=run, overwrite=True)
    assert contents(run) == before


def test_a_file_in_the_way_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for options in ({}, {"overwrite": True}, {"resume": True}):
        with pytest.raises(OutputError, match=f"{tmp_path}/file is a file; out must be a folder"):
            tiny().fit(X, out=tmp_path / "file", **options)
    with pytest.raises(OutputError, match=f"cannot make the folder {tmp_path}/file/run: Not a directory"):
        tiny().fit(X, out=tmp_path / "file" / "run")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that nobody can write to: /proc")
def test_a_place_that_cannot_be_written_is_told_of() -> None:
    with pytest.raises(OutputError, match="cannot make the folder /proc/a-run: "):
        tiny().fit(X, out="/proc/a-run")
    with pytest.raises(OutputError, match="cannot write /proc/a-model/model.safetensors: "):
        tiny().fit(X).save("/proc/a-model")


def test_resume_and_overwrite_exclude_each_other_and_resume_needs_a_run(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="resume and overwrite exclude each other"):
        tiny().fit(X, out=run, resume=True, overwrite=True)
    for name in ("resume", "overwrite"):
        with pytest.raises(ArgumentError, match=f"{name}=True needs out=FOLDER"):
            tiny().fit(X, **{name: True})
    with pytest.raises(SavedModelError, match=f"there is no checkpoint in {tmp_path}/none/checkpoint to go on from"):
        tiny().fit(X, out=tmp_path / "none", resume=True)


def test_resume_with_other_arguments_or_data_is_refused_by_name(run: Path) -> None:
    before = contents(run)
    frame = pd.DataFrame(X, columns=list("abcde"))
    refusals: list[tuple[Any, Any, str]] = [
        (tiny(hidden=(3, 2)), frame, r"hidden was \[4, 2\], is \[3, 2\]\. Use"),
        (tiny(random_state=1), frame, "seed was 0, is 1"),
        (tiny(), frame + 1, "data was '.*', is '.*'"),
        (tiny(), frame[:30], "samples was 40, is 30"),
        (nolabel.DenoisingAutoencoder(random_state=0), frame, "method was 'Autoencoder', is 'DenoisingAutoencoder'"),
    ]
    for model, data, says in refusals:
        with pytest.raises(SavedModelError, match=f"holds another run.*{says}"):
            model.fit(data, out=run, resume=True)
        after = contents(run)
        assert {name: after[name] for name in before if name != "metrics.jsonl"} == {
            name: before[name] for name in before if name != "metrics.jsonl"
        }


def test_resume_without_a_seed_goes_on_with_the_old_one(tmp_path: Path) -> None:
    plan = {"holdout": 0.2}
    whole = tiny(random_state=None, epochs=1, plan=plan).fit(X, out=tmp_path / "run")
    seed = whole.seed_
    resumed = tiny(random_state=None, epochs=3, plan=plan).fit(X, out=tmp_path / "run", resume=True)
    straight = tiny(random_state=seed, epochs=3, plan=plan).fit(X)
    assert resumed.seed_ == seed
    assert np.array_equal(resumed.transform(X), straight.transform(X))
    assert nolabel.load(tmp_path / "run").seed_ == seed


def test_a_second_process_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    assert not _folder.is_writer()
    with _folder.prepared(tmp_path / "run", resume=False, overwrite=False) as folder:
        assert folder == tmp_path / "run"
    assert list(tmp_path.iterdir()) == []
    assert _folder.listeners(tmp_path, progress=True, tensorboard=False) == []


def test_tensorboard_needs_a_folder() -> None:
    with pytest.raises(ArgumentError, match="tensorboard=True needs out=FOLDER to write to"):
        tiny().fit(X, tensorboard=True)


@pytest.mark.parametrize("options", [{}, {"overwrite": True}, {"resume": True}], ids=str)
def test_a_folder_in_use_is_refused_and_left_as_it_is(options: dict[str, bool], run: Path) -> None:
    frame = pd.DataFrame(X, columns=list("abcde"))
    errors: list[BaseException] = []

    def other() -> None:
        try:
            tiny(epochs=2).fit(frame, out=run, **options)
        except BaseException as error:
            errors.append(error)

    with lock.held(run):
        before = contents(run)
        thread = threading.Thread(target=other)  # whoever holds a folder may use it, so somebody else must try
        thread.start()
        thread.join()
        assert contents(run) == before
    assert isinstance(errors[0], OutputError)
    assert f"{run} is in use by another run (process {os.getpid()} on" in str(errors[0])


def test_of_two_that_begin_at_once_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both find the folder empty; the second comes to it when the first has long been done."""
    check = _folder.check

    def first_is_quicker(out: Any, **how: bool) -> None:
        check(out, **how)
        monkeypatch.setattr(_folder, "check", check)
        tiny().fit(X, out=tmp_path / "run")

    monkeypatch.setattr(_folder, "check", first_is_quicker)
    with pytest.raises(OutputError, match="exists and is not empty"):
        tiny(random_state=1).fit(X, out=tmp_path / "run")
    assert nolabel.load(tmp_path / "run").seed_ == 0


def test_arguments_that_prove_wrong_late_leave_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="plan.device"):
        tiny(plan={"device": "cuda:99"}).fit(X, out=tmp_path / "some" / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
@pytest.mark.parametrize("after", [0, 2])
def test_what_was_learned_before_a_late_error_is_kept(
    after: int, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    epoch = engine._Run._epoch

    def failing(run: engine._Run, number: int) -> None:
        if number == after:
            raise error
        epoch(run, number)

    model, shorter = tiny(epochs=5), tiny(epochs=2).fit(X)
    monkeypatch.setattr(engine._Run, "_epoch", failing)
    with pytest.raises(error):
        model.fit(X)
    if after == 0:
        assert not hasattr(model, "learner_")
        return
    assert len(model.history_) == 2
    assert not model.learner_.training
    np.testing.assert_array_equal(model.transform(X), shorter.transform(X))
    with pytest.raises(error):
        model.fit(X[:, :3])
    assert model.n_features_in_ == 3  # the second fit has learned, too


@pytest.mark.parametrize("empty", ["", " ", 3, None])
def test_an_empty_path_is_not_the_current_folder(empty: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = tiny().fit(X)
    attempts = [lambda: model.save(empty), lambda: nolabel.load(empty)]
    attempts += [lambda: model.fit(X, out=empty)] if empty is not None else []
    for attempt in attempts:
        with pytest.raises(ArgumentError, match="must name a folder"):
            attempt()
    assert list(tmp_path.iterdir()) == []


def test_the_seed_is_read_without_the_tensors(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nolabel.training.checkpoint.read", None)
    newest = next((run / "checkpoint").iterdir())
    assert _folder.saved_seed(run) == 0
    newest.rename(newest.with_name("step-0000000001.safetensors"))
    newest.write_bytes(b"no checkpoint")
    assert _folder.saved_seed(run) == 0
    assert _folder.saved_seed(run / "none") is None


def test_a_fingerprint_tells_data_apart() -> None:
    data = nolabel.open(X)
    prints = {
        _folder.fingerprint(data),
        _folder.fingerprint(nolabel.open(X[:39])),
        _folder.fingerprint(nolabel.open(X + 1)),
        _folder.fingerprint(nolabel.open(X[::-1].copy())),
        _folder.fingerprint(data, torch.zeros(40, dtype=torch.int64)),
        _folder.fingerprint(data, torch.ones(40, dtype=torch.int64)),
    }
    assert len(prints) == 6
    assert _folder.fingerprint(data) == _folder.fingerprint(nolabel.open(X))


# --- saved models ----------------------------------------------------------------------------------------------------


def test_what_is_loaded_is_what_was_saved(run: Path) -> None:
    frame = pd.DataFrame(X, columns=list("abcde"))
    expected = tiny().fit(frame)
    for place in (run, str(run), run / "model"):
        model = nolabel.load(place)
        assert np.array_equal(model.transform(frame), expected.transform(frame))
        assert model.get_params() == expected.get_params()
        assert list(model.feature_names_in_) == list("abcde")
        assert model.seed_ == 0
        assert [record["loss"] for record in model.history_] == [record["loss"] for record in expected.history_]
        assert model.health_ == expected.health_
        assert not model.learner_.training


@pytest.mark.usefixtures("unchecked")
def test_every_kind_of_argument_comes_back(tmp_path: Path) -> None:
    plan = nolabel.Plan(clip=1.0, device="cpu")
    model = tiny(latent=np.int64(2), hidden=[4], learning_rate=np.float64(0.01), plan=plan).fit(X)
    model.save(tmp_path)
    loaded = nolabel.load(tmp_path)
    assert loaded.latent == 2
    assert loaded.learning_rate == 0.01
    assert np.array_equal(loaded.transform(X), model.transform(X))
    again = loaded.fit(X)  # its arguments are good enough to fit with
    assert np.array_equal(again.transform(X), model.transform(X))


def test_loading_leaves_global_generators_alone(run: Path) -> None:
    before = torch.get_rng_state()
    nolabel.load(run)
    assert torch.equal(torch.get_rng_state(), before)


def test_nothing_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        SavedModelError, match=rf"{tmp_path} holds no model of nolabel \(there is no model.json in it\)"
    ):
        nolabel.load(tmp_path)
    with pytest.raises(SavedModelError, match="none holds no model of nolabel"):
        nolabel.load(tmp_path / "none")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SavedModelError, match="file holds no model of nolabel"):
        nolabel.load(tmp_path / "file")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "3",
        '"text"',
        "{}",
        '{"format": "one"}',
        '{"format": 1}',
        '{"format": Infinity}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:20] or "empty",
)
def test_facts_that_are_no_facts_are_damage(text: str, run: Path) -> None:
    (run / "model" / "model.json").write_text(text)
    with pytest.raises(SavedModelError, match=r"model\.json is damaged: "):
        nolabel.load(run)


def test_bytes_that_are_no_text_are_damage(run: Path) -> None:
    (run / "model" / "model.json").write_bytes(b"\xff\xfe\x00 not utf-8 \x80")
    with pytest.raises(SavedModelError, match=r"model\.json is damaged: UnicodeDecodeError"):
        nolabel.load(run)


@pytest.mark.parametrize(
    "name", ["method", "arguments", "seed", "spec", "n_features", "history", "health", "sha256", "versions"]
)
@pytest.mark.parametrize("value", [None, 1e400, "nonsense", [["a"]], {"b": {}}], ids=repr)
def test_any_fact_may_be_missing_or_nonsense(name: str, value: Any, run: Path) -> None:
    edit(run, put(**{name: value}))
    harmless = (name == "history" and isinstance(value, str | list | dict)) or (name == "health" and value in ("", []))
    try:
        nolabel.load(run)
    except SavedModelError:
        pass
    else:
        assert harmless
    edit(run, lambda facts: facts.pop(name))
    with pytest.raises(SavedModelError, match="is damaged"):
        nolabel.load(run)


def test_every_single_flipped_byte_of_the_facts_is_survived(run: Path) -> None:
    """Loaded all the same (a digit more or less), or refused in our words: never an error of somebody else."""
    file = run / "model" / "model.json"
    content = file.read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.choice(len(content), 60, replace=False):
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        file.write_bytes(damaged)
        try:
            nolabel.load(run)
        except SavedModelError:
            pass


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts["spec"].update(name="other"),
        lambda facts: facts["arguments"].update(learning_rate=0.5),
        lambda facts: facts["history"][0].update(loss=0.0),
        lambda facts: facts.pop("digest"),
        lambda facts: facts.update(digest="0" * 64),
        lambda facts: facts.update(more=1),
    ],
)
def test_facts_that_were_edited_are_refused(change: Callable[[dict[str, Any]], None], run: Path) -> None:
    file = run / "model" / "model.json"
    facts = json.loads(file.read_text())
    change(facts)
    file.write_text(json.dumps(facts))
    with pytest.raises(SavedModelError, match=r"model\.json is damaged: it was changed after it was saved"):
        nolabel.load(run)


def test_other_white_space_is_no_change(run: Path) -> None:
    file = run / "model" / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()), indent=7, sort_keys=True))
    nolabel.load(run)


def test_the_first_format_is_still_read(run: Path) -> None:
    file = run / "model" / "model.json"
    facts = json.loads(file.read_text())
    del facts["digest"]
    file.write_text(json.dumps({**facts, "format": 1}))
    assert nolabel.load(run).seed_ == 0


def test_names_that_are_no_text_are_saved(tmp_path: Path) -> None:
    """Linux lets a file or folder have any name, and classes are named after folders."""
    y = np.where(np.arange(40) % 2, "a\udcff", "ü")
    nolabel.SupervisedAutoencoder(hidden=(4, 2), epochs=1).fit(X, y).save(tmp_path)
    assert sorted(nolabel.load(tmp_path).classes_) == ["a\udcff", "ü"]


def test_a_newer_format_says_what_to_do(run: Path) -> None:
    edit(run, put(format=_folder.FORMAT + 1, versions={"nolabel": "9.9.9"}))
    with pytest.raises(
        SavedModelError,
        match=rf"was written by nolabel 9\.9\.9 in format {_folder.FORMAT + 1}; this is nolabel {nolabel.__version__}.*Upgrade with: pip install -U nolabel",
    ):
        nolabel.load(run)


def test_an_unknown_method_and_unknown_arguments_are_named(run: Path) -> None:
    edit(run, put(method="Autoencodder"))
    with pytest.raises(SavedModelError, match=r"there is no method 'Autoencodder'; did you mean 'autoencoder'\?"):
        nolabel.load(run)
    edit(run, put(method="Autoencoder"))
    edit(run, lambda facts: facts["arguments"].update(latent_width=3, temperature=1.0))
    with pytest.raises(SavedModelError, match="gives Autoencoder arguments it has not: latent_width, temperature"):
        nolabel.load(run)


@pytest.mark.parametrize("method", ["os.system", "../autoencoder", "_base", "nolabel.methods._folder", "__init__", ""])
def test_only_methods_of_this_package_are_looked_up(method: str, run: Path) -> None:
    edit(run, put(method=method))
    with pytest.raises(SavedModelError, match="there is no method"):
        nolabel.load(run)


def truncated(content: bytes) -> bytes:
    return content[:-7]


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    return content[:-9] + bytes([content[-9] ^ 64]) + content[-8:]


def huge_header(content: bytes) -> bytes:
    return b"\xff" * 7 + b"\x7f" + content[8:]


@pytest.mark.parametrize("damage", [truncated, half, flipped, huge_header, lambda _: b""])
@pytest.mark.parametrize("digest_too", [False, True])
def test_damaged_weights_are_refused(damage: Callable[[bytes], bytes], digest_too: bool, run: Path) -> None:
    """By their digest; and if somebody has made that match, by what safetensors makes of them."""
    import hashlib

    file = run / "model" / "model.safetensors"
    content = damage(file.read_bytes())
    file.write_bytes(content)
    if digest_too:
        edit(run, put(sha256=hashlib.sha256(content).hexdigest()))
    if digest_too and damage is flipped:
        nolabel.load(run)  # another weight is still a weight
        return
    with pytest.raises(SavedModelError, match=r"model\.safetensors is damaged: "):
        nolabel.load(run)


def test_weights_of_another_shape_or_name_are_refused(run: Path) -> None:
    import hashlib

    file = run / "model" / "model.safetensors"
    weights = load_file(file)
    name = next(iter(weights))
    for other in (
        {**weights, name: torch.zeros(7, 7)},
        {key: value for key, value in weights.items() if key != name},
        {**weights, "extra": torch.zeros(1)},
    ):
        save_file(other, file)
        edit(run, put(sha256=hashlib.sha256(file.read_bytes()).hexdigest()))
        with pytest.raises(SavedModelError, match="is damaged: its arguments ask for other weights"):
            nolabel.load(run)


def test_missing_weights_are_told(run: Path) -> None:
    (run / "model" / "model.safetensors").unlink()
    with pytest.raises(SavedModelError, match=r"cannot read .*model\.safetensors: No such file"):
        nolabel.load(run)


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.place),)


@pytest.mark.parametrize("how", ["pickle", "torch.save", "torch.save, old format", "numpy"])
@pytest.mark.parametrize("where", ["model/model.safetensors", "model/model.json", "checkpoint"])
def test_a_pickle_is_never_run(how: str, where: str, run: Path, tmp_path: Path) -> None:
    import hashlib

    place = tmp_path / "it went off"
    file = next((run / "checkpoint").iterdir()) if where == "checkpoint" else run / where
    if how == "pickle":
        file.write_bytes(pickle.dumps(Bomb(place)))
        pickle.loads(file.read_bytes())  # the bomb is a good one
        place.rmdir()
    elif how == "numpy":
        with file.open("wb") as handle:
            np.save(handle, np.array([Bomb(place)], dtype=object), allow_pickle=True)
    else:
        torch.save({"weights": Bomb(place)}, file, _use_new_zipfile_serialization=how == "torch.save")
    if where == "model/model.safetensors":
        edit(run, put(sha256=hashlib.sha256(file.read_bytes()).hexdigest()))
    with pytest.raises(SavedModelError):
        if where == "checkpoint":
            tiny().fit(pd.DataFrame(X, columns=list("abcde")), out=run, resume=True)
        else:
            nolabel.load(run)
    assert not place.exists()


def test_code_in_the_facts_is_text(run: Path, tmp_path: Path) -> None:
    place = tmp_path / "it went off"
    code = f"__import__('os').mkdir({str(place)!r})"
    for name in ("activation", "loss", "net", "hidden", "plan", "random_state"):
        edit(run, lambda facts, name=name: facts["arguments"].update({name: code}))  # type: ignore[misc]
        try:
            nolabel.load(run)
        except SavedModelError:
            pass
        assert not place.exists()


def test_saving_again_replaces_and_clears_what_a_kill_has_left(tmp_path: Path) -> None:
    model = tiny().fit(X)
    model.save(tmp_path)
    (tmp_path / ".model.safetensors.4711.part").write_bytes(b"half")
    tiny(random_state=3).fit(X).save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]
    assert nolabel.load(tmp_path).seed_ == 3


@pytest.mark.parametrize("moment", range(5))
def test_a_model_is_whole_at_every_moment_of_its_replacement(
    moment: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before or after each of the two files is written, there is the old model or the new one, and both can be
    replaced again.
    """
    old, new = tiny().fit(X), tiny(random_state=3).fit(X)
    old.save(tmp_path)
    passed = 0

    def killed(path: Path, content: bytes, write: Callable[..., None] = _folder.write_whole) -> None:
        nonlocal passed
        for part in (lambda: None, lambda: write(path, content)):
            part()
            if passed == moment:
                raise KeyboardInterrupt
            passed += 1

    with monkeypatch.context() as patch:
        patch.setattr(_folder, "write_whole", killed)
        if moment < 4:
            with pytest.raises(KeyboardInterrupt):
                new.save(tmp_path)
        else:
            new.save(tmp_path)
    found = nolabel.load(tmp_path)
    expected = new if moment >= 3 else old
    assert found.seed_ == expected.seed_
    np.testing.assert_array_equal(found.transform(X), expected.transform(X))
    with monkeypatch.context() as patch:
        patch.setattr(_folder, "write_whole", lambda path, content: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            tiny(random_state=4).fit(X).save(tmp_path)
    assert nolabel.load(tmp_path).seed_ == expected.seed_
    tiny(random_state=5).fit(X).save(tmp_path)
    assert nolabel.load(tmp_path).seed_ == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]


def test_a_model_is_not_written_among_other_things(tmp_path: Path) -> None:
    model = tiny().fit(X)
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(OutputError, match=rf"{tmp_path} holds something that is no model \(thesis.tex\)"):
        model.save(tmp_path)
    with pytest.raises(OutputError, match="thesis.tex is a file; name a folder for the model"):
        model.save(tmp_path / "thesis.tex")
    assert contents(tmp_path) == {"thesis.tex": b"mine"}


def test_arguments_changed_after_fit_are_refused_where_they_would_lie(tmp_path: Path) -> None:
    model = tiny().fit(X).set_params(hidden=(3, 2), epochs=7)
    for attempt in (lambda: model.save(tmp_path / "model"), lambda: model.partial_fit(X), model.untrained):
        with pytest.raises(
            ArgumentError,
            match=r"changed after Autoencoder was fitted: hidden was \[4, 2\], is \[3, 2\]. Put them back",
        ):
            attempt()
    assert list(tmp_path.iterdir()) == []
    model.set_params(hidden=[4, 2], learning_rate=0.5).save(tmp_path / "model")
    loaded = nolabel.load(tmp_path / "model")
    assert loaded.epochs == 7
    loaded.set_params(learning_rate=0.01).partial_fit(X)  # the first part: from now on it stands
    loaded.partial_fit(X)
    with pytest.raises(ArgumentError, match=r"learning_rate was 0\.01, is 0\.02"):
        loaded.set_params(learning_rate=0.02).partial_fit(X)
    loaded.set_params(hidden=(3, 2)).fit(X).save(tmp_path / "model")
    assert nolabel.load(tmp_path / "model").hidden == (3, 2)


def test_a_model_that_was_not_fitted_is_not_saved(tmp_path: Path) -> None:
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        tiny().save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_saved_model_is_json_and_safetensors_and_nothing_else(run: Path) -> None:
    facts = json.loads((run / "model" / "model.json").read_text())
    assert facts["format"] == _folder.FORMAT
    assert set(facts["versions"]) == {"nolabel", "torch", "numpy", "python"}
    weights = safetensors.torch.load((run / "model" / "model.safetensors").read_bytes())
    assert weights.keys() == nolabel.load(run).learner_.state_dict().keys()


# --- objects that JSON cannot hold -----------------------------------------------------------------------------------


class MyNet(torch.nn.Module):
    """A backbone of a user's."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(5, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x).relu()  # type: ignore[no-any-return]


def shaken(x: torch.Tensor) -> torch.Tensor:
    """Views of a user's."""
    return x + 0.1 * torch.randn(x.shape)


def contrasting(**changes: Any) -> Any:
    given = {"projection": (4, 2), "epochs": 1, "batch_size": 16, "random_state": 0, **changes}
    return nolabel.SimCLR(**given).fit(X)


@pytest.fixture(scope="module")
def of_objects(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    model = contrasting(backbone=MyNet(), views=shaken)
    return model, model.save(tmp_path_factory.mktemp("objects") / "model")


def arguments_in(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "model.json").read_text())["arguments"]  # type: ignore[no-any-return]


def test_objects_are_kept_by_name_and_loaded_when_given(of_objects: tuple[Any, Path]) -> None:
    model, folder = of_objects
    assert arguments_in(folder)["backbone"] == {"object": "MyNet"}
    assert arguments_in(folder)["views"] == {"object": "shaken"}
    given = MyNet()
    loaded = nolabel.load(folder, backbone=given, views=shaken)
    assert loaded.backbone is given
    assert np.array_equal(loaded.transform(X), model.transform(X))
    assert np.array_equal(loaded.make_views(X)[0], model.make_views(X)[0])
    loaded.partial_fit(X)


def test_a_backbone_that_is_not_given_is_named_with_its_class(of_objects: tuple[Any, Path]) -> None:
    folder = of_objects[1]
    fix = rf"was made with backbone=MyNet, an object .* cannot hold.*nolabel\.load\('{folder}', backbone=MyNet\(\.\.\.\)\)"
    for given in ({}, {"views": shaken}):
        with pytest.raises(SavedModelError, match=fix):
            nolabel.load(folder, **given)


def test_without_its_views_a_model_does_all_but_train(of_objects: tuple[Any, Path], tmp_path: Path) -> None:
    model, folder = of_objects
    loaded = nolabel.load(folder, backbone=MyNet())
    assert np.array_equal(loaded.transform(X), model.transform(X))
    assert loaded.untrained().transform(X).shape == (40, 4)
    loaded.save(tmp_path / "again")
    assert arguments_in(tmp_path / "again") == arguments_in(folder)
    for attempt in (loaded.fit, loaded.partial_fit, loaded.make_views):
        with pytest.raises(
            ArgumentError, match=r"views=shaken is an object.*load\(path, views=shaken\) or with set_params"
        ):
            attempt(X)
    loaded.set_params(views=shaken).fit(X)


def test_of_two_views_one_may_be_an_object(tmp_path: Path) -> None:
    contrasting(views=({"noise": 0.2}, shaken)).save(tmp_path)
    assert arguments_in(tmp_path)["views"] == [{"noise": 0.2}, {"object": "shaken"}]
    loaded = nolabel.load(tmp_path)
    assert loaded.views[0] == {"noise": 0.2}
    with pytest.raises(ArgumentError, match="views=shaken is an object"):
        loaded.fit(X)


@pytest.mark.usefixtures("unchecked")
def test_numbers_of_numpy_within_views_are_saved_as_numbers(tmp_path: Path) -> None:
    model = contrasting(views=TableViews(corrupt=np.float32(0.25)))
    model.save(tmp_path)
    assert arguments_in(tmp_path)["views"]["corrupt"] == 0.25
    assert np.array_equal(nolabel.load(tmp_path).transform(X), model.transform(X))


def test_what_no_object_is_waited_for_is_refused(of_objects: tuple[Any, Path], run: Path) -> None:
    with pytest.raises(ArgumentError, match=r"epochs is no object.*waits for: backbone, views.*set_params"):
        nolabel.load(of_objects[1], backbone=MyNet(), epochs=3)
    with pytest.raises(ArgumentError, match=r"bakbone is no object.*did you mean 'backbone'\?"):
        nolabel.load(of_objects[1], bakbone=MyNet())
    with pytest.raises(ArgumentError, match=r"hidden is no object.*waits for: none"):
        nolabel.load(run, hidden=(4, 2))


def test_another_object_than_the_saved_one_is_told(of_objects: tuple[Any, Path]) -> None:
    folder = of_objects[1]
    with pytest.raises(ArgumentError, match=r"backbone must be made as for the model.*other weights.*layer\.weight"):
        nolabel.load(folder, backbone=MyNet(3))
    with pytest.raises(ArgumentError, match="backbone Conv2d does not take samples of shape"):
        nolabel.load(folder, backbone=torch.nn.Conv2d(1, 2, 3))
    with pytest.raises(ArgumentError, match="backbone must be one of"):
        nolabel.load(folder, backbone=3)


def test_a_generator_is_no_object_to_wait_for(tmp_path: Path) -> None:
    model = tiny(random_state=np.random.RandomState(3)).fit(X)
    model.save(tmp_path)
    assert arguments_in(tmp_path)["random_state"] is None
    assert nolabel.load(tmp_path).seed_ == model.seed_


def test_the_command_line_says_the_same(of_objects: tuple[Any, Path]) -> None:
    from nolabel.cli.opening import open_run

    with pytest.raises(SavedModelError) as told:
        nolabel.load(of_objects[1])
    with pytest.raises(SavedModelError) as said:
        open_run(str(of_objects[1]))
    assert str(said.value) == str(told.value)
