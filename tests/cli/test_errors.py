"""Bad input: exit code 2, one message that names the thing and the fix, no traceback, nothing lost."""

import io
import json
import os
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nolabel.cli import main, running
from nolabel.errors import DataError

FIT = ["fit", "autoencoder"]


def _png() -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)).save(content, "png")
    return content.getvalue()


@pytest.fixture
def refused(call, tmp_path: Path):
    """Run a command that must be refused; its message."""

    def run(*words: object) -> str:
        said = call(*words)
        assert said.code == 2, said
        assert said.err.startswith("error: ")
        assert "Traceback" not in said.err
        assert said.out == ""
        return said.err

    return run


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fitt"], "there is no command 'fitt'; did you mean 'fit'? See nolabel --help"),
        (["fit", "autoencodr", "digits"], "there is no method 'autoencodr'; did you mean 'autoencoder'?"),
        ([*FIT, "digits", "--latnt", "3"], "has no flag --latnt; did you mean '--latent'?"),
        (
            [*FIT, "digits"],
            "nolabel fit autoencoder needs --out, as in nolabel fit autoencoder digits --out runs/digits",
        ),
        ([*FIT, "--out", "x"], "needs SOURCE"),
        ([*FIT, "digits", "--out", "x", "--net", "cnv"], "--net must be one of 'auto', 'mlp', 'conv'; got 'cnv'"),
        ([*FIT, "digits", "--out", "x", "--epochs", "ten"], "--epochs must be a whole number, or none; got 'ten'"),
        ([*FIT, "digits", "--out", "x", "--epochs", "0"], "error: --epochs must be a whole number of at least 1"),
        (
            [*FIT, "digits", "--out", "x", "--holdout", "2"],
            "error: --holdout must be a number at least 0 and at most 0.9",
        ),
        (
            [*FIT, "digits", "--out", "x", "--patience", "3"],
            "error: --patience 3 needs a held-out part to watch; set --holdout too, e.g. --holdout 0.1",
        ),
        ([*FIT, "digits", "--out", ""], "--out must be a path; got ''"),
        ([*FIT, "digits", "-o", " "], "--out must be a path; got ' '"),
        ([*FIT, "", "--out", "x"], "SOURCE is empty"),
        (["embed", "", "digits", "-o", "x.csv"], "RUN is empty"),
        (["embed", ".", "digits", "-o", ""], "--out must be a path"),
        ([*FIT, "digits", "--out", "x", "--hidden", "8,,4"], "--hidden must be whole numbers separated by commas"),
        ([*FIT, "digits", "--out", "x", "--processes", "1000"], "--processes 1000: this machine has"),
        ([*FIT, "digits", "--out", "x", "--processes", "0"], "--processes must be at least 1; got 0"),
        ([*FIT, "digts", "--out", "x"], "no such file or folder: 'digts'; did you mean 'digits'?"),
        ([*FIT, "mnist:tst", "--out", "x"], "split of 'mnist' must be one of 'train', 'test'"),
        ([*FIT, "digits", "--out", "x", "--size", "big"], "--size must be pixels, as 64, or height and width"),
        ([*FIT, "wine", "--out", "x", "--size", "8"], "size and channels are for images; wine is a table"),
        (["embed", ".", "digits", "-o", "x.csv", "--overwrite=1"], "--overwrite takes no value; got '1'"),
        ([*FIT, "digits", "--out", "x", "--hidden", "8,-4"], "error: --hidden must hold whole numbers of at least 1"),
        (["embed", "none", "digits", "-o", "x.csv"], "there is no folder none; RUN is the folder that"),
        (["embed", ".", "digits", "-o", "x.csv"], "holds no model of nolabel"),
        (["embed", ".", "digits", "-o", "x.cvs"], "did you mean '.csv'?"),
        (["embed", ".", "digits"], "nolabel embed needs --out, as in -o codes.parquet"),
    ],
)
def test_words_that_cannot_be_meant(refused, tmp_path, monkeypatch, words: list[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refused(*words)
    assert not list(tmp_path.iterdir())


# --- data ------------------------------------------------------------------------------------------------------------


def test_an_empty_folder(refused, tmp_path: Path) -> None:
    (tmp_path / "nothing here").mkdir()
    assert "no images in" in refused(*FIT, tmp_path / "nothing here", "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_broken_images_are_named_or_left_out(call, refused, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number:02d}.png").write_bytes(_png() if number % 7 else b"no picture")
    pixels = np.random.default_rng(1).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    for number in range(20):
        if number % 7:
            Image.fromarray(pixels[number]).save(folder / f"{number:02d}.png")
    words = [*FIT, folder, "--out", tmp_path / "run", "--epochs", 1, "--hidden", "8,2", "--no-report"]
    message = refused(*words)
    for name in ("00.png", "07.png", "14.png", "--on-error skip"):
        assert name in message
    said = call(*words, "--on-error", "skip")
    assert said.code == 0
    assert "left out, because they cannot be read (3):" in said.err
    assert "07.png" in said.err


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((20, 4), np.nan), "NaN"),
        (np.where(np.eye(20, 4) > 0, np.inf, 1.0), "infinit"),
        (np.full((20, 8, 8), np.nan, dtype=np.float32), "NaN"),
        (np.ones((20, 4)), "constant"),
        (np.zeros((20, 8, 8), dtype=np.uint8), "constant"),
        (np.arange(4.0)[None], "at least 2"),
        (np.zeros((20, 8, 8), dtype=np.int64), "dtype int64"),
        (np.zeros((20, 8, 8, 5), dtype=np.uint8), "1 or 3 channels"),
        (np.zeros((0, 4)), "0"),
    ],
    ids=[
        "nan table",
        "infinite",
        "nan images",
        "constant table",
        "constant images",
        "one",
        "dtype",
        "channels",
        "empty",
    ],
)
def test_arrays_from_which_nothing_can_be_learned(refused, tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "data.npy", array)
    assert message in refused(*FIT, tmp_path / "data.npy", "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_other_data_than_the_model_knows(refused, image_run: Path, table_run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "wide.npy", np.random.default_rng(0).integers(0, 255, (9, 8, 12), dtype=np.uint8))
    np.save(tmp_path / "flat.npy", np.random.default_rng(0).normal(size=(9, 4)))
    (tmp_path / "less.csv").write_text("height,width\n1,2\n3,4\n")
    out = tmp_path / "codes.csv"
    assert "8 x 12" in refused("embed", image_run, tmp_path / "wide.npy", "-o", out)
    assert "fitted to images" in refused("embed", image_run, tmp_path / "flat.npy", "-o", out)
    assert "'depth'" in refused("embed", table_run, tmp_path / "less.csv", "-o", out)
    assert "fitted to a table" in refused("embed", table_run, tmp_path / "wide.npy", "-o", out)
    assert not out.exists()


def test_labels_of_the_wrong_length(refused, tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 255, (9, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", x=x, y=np.zeros(8, dtype=int))
    assert "8" in refused(*FIT, tmp_path / "data.npz", "--out", tmp_path / "run")


def test_an_archive_that_leads_out(refused, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../escaped.png", _png())
    assert "../escaped.png" in refused(*FIT, tmp_path / "evil.zip", "--out", tmp_path / "run")
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        member = tarfile.TarInfo("/etc/escaped.png")
        member.size = len(_png())
        tar.addfile(member, io.BytesIO(_png()))
    assert "/etc/escaped.png" in refused(*FIT, tmp_path / "evil.tar", "--out", tmp_path / "run")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.tar", "evil.zip"]


def test_a_decompression_bomb(refused, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.png", bytes(100 * 2**20))
    refused(*FIT, tmp_path / "bomb.zip", "--out", tmp_path / "run")


def test_a_feature_is_no_label(call, refused, table: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = [*FIT, table, "--hidden", "4,2", "--epochs", 1, "--no-report"]
    assert call(*words, "--out", run).code == 0
    message = refused("evaluate", run, table, "--labels", "kind")
    assert "--labels kind: the model was fitted to that column as a feature" in message


@pytest.mark.parametrize("known", ["cat", "cat,"])
def test_labels_of_one_class_teach_nothing(refused, tmp_path: Path, known: str) -> None:
    lines = [f"{number},{number * 7 % 5},{'cat' if number % 2 or ',' not in known else ''}" for number in range(20)]
    (tmp_path / "data.csv").write_text("a,b,kind\n" + "\n".join(lines))
    words = ["fit", "supervised-autoencoder", tmp_path / "data.csv", "--labels", "kind", "--out", tmp_path / "run"]
    assert "every known label is 'cat'" in refused(*words)
    assert not (tmp_path / "run").exists()


# --- saved models ----------------------------------------------------------------------------------------------------


@pytest.fixture
def copied(image_run: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "copy" / "model"
    folder.mkdir(parents=True)
    for file in (image_run / "model").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def _changed(folder: Path, **facts: object) -> None:
    file = folder / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **facts}))


def test_a_damaged_model(refused, copied: Path, images: Path, tmp_path: Path) -> None:
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    assert "is damaged" in refused("embed", copied.parent, images, "-o", tmp_path / "x.csv")
    (copied / "model.json").write_text("{")
    assert "is damaged" in refused("embed", copied.parent, images, "-o", tmp_path / "x.csv")


def test_a_model_of_a_newer_version(refused, copied: Path, images: Path, tmp_path: Path) -> None:
    _changed(copied, format=99)
    assert "pip install -U nolabel" in refused("embed", copied.parent, images, "-o", tmp_path / "x.csv")


@pytest.mark.parametrize("method", ["os.system", "Nothing", "_base", "../evil"])
def test_a_model_of_a_stranger(refused, copied: Path, images: Path, tmp_path: Path, method: str) -> None:
    _changed(copied, method=method)
    refused("embed", copied.parent, images, "-o", tmp_path / "x.csv")


def test_a_run_that_was_not_finished(refused, images: Path, tmp_path: Path) -> None:
    (tmp_path / "run" / "checkpoint").mkdir(parents=True)
    (tmp_path / "run" / "command.json").write_text('{"command": "nolabel fit vae x --out run"}')
    message = refused("embed", tmp_path / "run", images, "-o", tmp_path / "x.csv")
    assert "was not finished; go on with it:\n  nolabel fit vae x --out run --resume" in message


def test_a_resumption_that_goes_back_or_elsewhere(call, refused, images: Path, tmp_path: Path) -> None:
    words = [*FIT, images, "--out", tmp_path / "run", "--no-report", "--random-state", 0, "--hidden"]
    assert call(*words, "8,2", "--epochs", 2).code == 0
    message = refused(*words, "8,2", "--epochs", 1, "--resume")
    assert "has 2 epochs behind it, and --epochs 1 would go back" in message
    assert message.endswith("or start anew with --overwrite\n")
    message = refused(*words, "8,3", "--epochs", 3, "--resume")
    assert "hidden was [8, 2], is [8, 3]. Use the same arguments and data, or start anew with --overwrite" in message
    assert "latent" not in message
    said = call(*words, "8,2", "--epochs", 3, "--resume", "--learning-rate", 0.1)
    assert "warning     The run was gone on with under other settings: learning_rate was 0.001, is 0.1." in said.out


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_file_in_the_place_of_the_run(refused, images: Path, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("precious")
    assert "is a file; name a folder" in refused(*FIT, images, "--out", tmp_path / "run", "--overwrite")
    assert (tmp_path / "run").read_text() == "precious"


def test_a_folder_of_somebody_else_is_not_replaced(refused, images: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    assert "thesis.txt" in refused(*FIT, images, "--out", tmp_path, "--overwrite")
    assert (tmp_path / "thesis.txt").read_text() == "precious"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk(call, image_run: Path, images: Path, tmp_path: Path, monkeypatch) -> None:
    def full(self: Path, *args: object, **more: object) -> object:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "replace", full)
    said = call("embed", image_run, images, "-o", tmp_path / "x.csv")
    assert said.code == 2
    assert "cannot write" in said.err
    assert "No space left on device" in said.err
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_while_pictures_are_written(
    call, image_run: Path, images: Path, tmp_path: Path, monkeypatch
) -> None:
    from nolabel.cli import picture_folder

    write, done = picture_folder.write_png, []

    def until_full(path: Path, picture: np.ndarray) -> None:
        if len(done) == 5:
            raise OSError(28, "No space left on device", str(path))
        done.append(path)
        write(path, picture)

    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "00007.png").write_text("mine")
    (tmp_path / "old" / "00001.png").write_text("mine")
    monkeypatch.setattr(picture_folder, "write_png", until_full)
    assert call("reconstruct", image_run, images, "--out", tmp_path / "new").code == 2
    assert len(done) == 5
    done.clear()
    assert call("reconstruct", image_run, images, "--out", tmp_path / "old", "--overwrite").code == 2
    assert sorted(path.name for path in (tmp_path / "old").iterdir()) == ["00001.png", "00007.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old"]


def test_a_folder_in_use(launch, outcome, refused, images: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = [*FIT, images, "--hidden", "8,2", "--no-report", "--out", run]
    process = launch(*words, "--epochs", 100_000, cwd=tmp_path)
    while process.poll() is None and not (run / "metrics.jsonl").exists():
        time.sleep(0.02)
    (run / "checkpoint").mkdir(exist_ok=True)
    for more in ("--overwrite", "--resume"):
        assert f"{run} is in use by another run (process {process.pid} on " in refused(*words, more)
    process.kill()
    assert outcome(process).code == -9
    assert (run / ".lock").exists()  # nobody holds it
    assert main([*map(str, words), "--epochs", "1", "--overwrite"]) == 0
    assert sorted(path.name for path in run.iterdir()) == ["checkpoint", "command.json", "metrics.jsonl", "model"]


# --- how errors are said ---------------------------------------------------------------------------------------------


def _raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run(words: list[str]) -> int:
        raise error

    monkeypatch.setattr(running, "_dispatch", run)


def test_debug_shows_the_traceback_wherever_it_stands(call, monkeypatch) -> None:
    _raising(monkeypatch, DataError("it is empty"))
    assert "Traceback" not in call("fit").err
    for words in (["--debug", "fit"], ["fit", "--debug"], ["fit", "x", "--debug", "y"]):
        said = call(*words)
        assert said.code == 2
        assert "Traceback" in said.err
        assert said.err.endswith("error: it is empty\n")
    assert "Traceback" not in call("fit", "--", "--debug").err


def test_a_defect_of_ours_asks_for_a_report(call, monkeypatch) -> None:
    _raising(monkeypatch, ZeroDivisionError("division by zero"))
    said = call("fit")
    assert said.code == 1
    assert said.err.startswith("error: ZeroDivisionError: division by zero\n")
    assert "please report it" in said.err
    assert "--debug" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (PermissionError(13, "Permission denied", "secret.csv"), 2, "Permission denied: secret.csv"),
        (MemoryError("Unable to allocate 9 TiB"), 2, "--batch-size"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 2, "--batch-size"),
        (RuntimeError("CUDA out of memory. Tried to allocate 9 TiB"), 2, "--batch-size"),
        (KeyboardInterrupt(), 130, "stopped by SIGINT"),
        (BrokenPipeError(32, "Broken pipe"), 141, ""),
        (SystemExit("there is no room"), 1, "error: there is no room\n"),
        (SystemExit(3), 3, ""),
        (SystemExit(), 0, ""),
    ],
)
def test_other_ends(call, monkeypatch, error: BaseException, code: int, words: str) -> None:
    monkeypatch.setattr(os, "dup2", lambda *of: None)  # pytest's own stdout is not to be closed
    _raising(monkeypatch, error)
    said = call("fit")
    assert said.code == code
    assert words in said.err
    assert "Traceback" not in said.err


def test_only_one_process_of_several_says_the_error(call, monkeypatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    said = call("fitt")
    assert (said.code, said.err) == (2, "")


def test_out_of_memory_for_real(tmp_path: Path) -> None:
    """PyTorch may have 48 GB only if the process may."""
    code = "import resource; resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30,) * 2); from nolabel.cli import main; "
    words = [*FIT, "digits", "--out", str(tmp_path / "run"), "--hidden", "400000,30000", "--epochs", "1"]
    env = {**os.environ, "PYTHONPATH": str(Path(running.__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", f"{code} raise SystemExit(main({words!r}))"], env=env, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: out of memory (")
    assert "defect" not in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("closed", "code"), [(">&-", 2), ("2>&-", 2), (">&- 2>&-", 2), ("<&- >&- 2>&-", 2)])
def test_closed_streams(closed: str, code: int, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(running.__file__).parents[2])}
    command = f'"{sys.executable}" -m nolabel fitt {closed}; echo $? > code'
    done = subprocess.run(["sh", "-c", command], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert (tmp_path / "code").read_text() == f"{code}\n"
    assert "Traceback" not in done.stderr


def test_nobody_hears_the_error(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(running.__file__).parents[2])}
    process = subprocess.Popen([sys.executable, "-m", "nolabel", "fitt"], env=env, stderr=subprocess.PIPE)
    process.stderr.close()
    assert process.wait(60) == 141


def test_what_is_written_does_not_go_where_a_closed_stream_was(image_run: Path, images: Path, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(running.__file__).parents[2])}
    command = f'"{sys.executable}" -m nolabel embed "{image_run}" "{images}" -o codes.csv <&- >&- 2>&-'
    assert subprocess.run(["sh", "-c", command], env=env, cwd=tmp_path).returncode == 0
    lines = (tmp_path / "codes.csv").read_text().splitlines()
    assert (lines[0], len(lines)) == ("id,z0,z1,z2", 41)


@pytest.mark.filterwarnings("default")
def test_a_warning_is_said_without_a_line_of_code(call, tmp_path: Path) -> None:
    words = ["simclr", "digits", "--views", "hue=0.3", "--backbone", "mlp", "--epochs", "1", "--batch-size", "256"]
    said = call("fit", *words, "--no-report", "--out", tmp_path / "run")
    assert said.code == 0
    assert "warning: views: hue need three channels" in said.err
    assert "UserWarning" not in said.err
    assert ".py:" not in said.err
