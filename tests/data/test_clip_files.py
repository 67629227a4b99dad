"""Clips in files: animated GIFs and folders of frames, of one length or not, whole or broken."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nolabel.data.clip_files import in_order
from nolabel.data.source import open as open_source
from nolabel.data.source import restore
from nolabel.errors import ArgumentError, BrokenFilesError, DataError
from nolabel.types import to_network

GREY = np.random.default_rng(0).integers(0, 256, (4, 5, 8, 9), dtype=np.uint8)  # (N, T, H, W)
COLOUR = np.random.default_rng(1).integers(0, 256, (4, 5, 8, 9, 3), dtype=np.uint8)  # less than 256 colours a frame


def write_gif(path: Path, clip: np.ndarray, time: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = [Image.fromarray(frame) for frame in clip]
    shown[0].save(path, save_all=True, append_images=shown[1:], duration=time, loop=0)


def write_frames(folder: Path, clip: np.ndarray, first: int = 8) -> None:
    """frame_8, frame_9, frame_10, ...: by letters they stand in another order."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(clip, first):
        Image.fromarray(frame).save(folder / f"frame_{number}.png")


def gifs(folder: Path, clips: np.ndarray) -> Path:
    for number, clip in enumerate(clips):
        write_gif(folder / f"clip{number}.gif", clip)
    return folder


def frames(folder: Path, clips: np.ndarray) -> Path:
    for number, clip in enumerate(clips):
        write_frames(folder / f"clip{number}", clip)
    return folder


@pytest.mark.parametrize("write", [gifs, frames], ids=["gifs", "frames"])
@pytest.mark.parametrize("clips", [GREY, COLOUR], ids=["grey", "colour"])
def test_what_was_written_is_read(tmp_path: Path, write: Callable[..., Path], clips: np.ndarray) -> None:
    data = open_source(write(tmp_path / "clips", clips), modality="video")
    assert data.spec.modality == "video"
    np.testing.assert_array_equal(restore(data.spec, to_network(data.store)), clips)
    ending = ".gif" if write is gifs else ""
    assert data.ids == [f"clip{number}{ending}" for number in range(4)]
    assert (data.labels, data.name, data.skipped) == (None, "clips", ())


def test_pictures_that_last_count_as_often_as_they_last(tmp_path: Path) -> None:
    still = GREY.copy()
    still[1, 2] = still[1, 1]
    still[2, 1:] = still[2, :1]
    still[3, 1::2] = still[3, :-1:2]  # every picture twice: its own shortest time is not that of the others
    folder = gifs(tmp_path / "clips", still)
    with Image.open(folder / "clip3.gif") as kept:
        assert kept.n_frames == 3, "Pillow keeps what changes"
    data = open_source(folder, modality="video")
    np.testing.assert_array_equal(data.store.numpy()[:, 0], still)
    assert data.spec.recipe["step"] == 100
    alone = open_source([folder / "clip3.gif"], spec=data.spec)
    np.testing.assert_array_equal(alone.store.numpy()[0, 0], still[3])


def test_gifs_of_several_speeds_have_each_its_own(tmp_path: Path) -> None:
    write_gif(tmp_path / "clips" / "a.gif", GREY[0], 70)
    write_gif(tmp_path / "clips" / "b.gif", GREY[1], 100)
    data = open_source(tmp_path / "clips", modality="video")
    np.testing.assert_array_equal(data.store.numpy()[:, 0], GREY[:2])
    assert "step" not in data.spec.recipe


def test_folders_name_classes(tmp_path: Path) -> None:
    for number, clip in enumerate(GREY):
        write_frames(tmp_path / "clips" / ("walk" if number % 2 else "run") / f"clip{number}", clip)
    data = open_source(tmp_path / "clips", modality="video")
    assert data.classes == ("run", "walk")
    assert dict(zip(data.ids, data.labels.tolist())) == {
        "run/clip0": 0,
        "run/clip2": 0,
        "walk/clip1": 1,
        "walk/clip3": 1,
    }
    gifs(tmp_path / "more" / "one", GREY[:2])
    gifs(tmp_path / "more" / "two", GREY[2:])
    assert open_source(tmp_path / "more", modality="video").labels.tolist() == [0, 0, 1, 1]
    train = open_source(tmp_path / "more", modality="video", split="two")
    np.testing.assert_array_equal(train.store.numpy()[:, 0], GREY[2:])


def test_clips_of_several_lengths(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    for number, length in enumerate((5, 3, 5, 4)):
        write_frames(folder / f"clip{number}", GREY[number, :length])
    with pytest.raises(DataError) as found:
        open_source(folder, modality="video")
    said = str(found.value)
    assert "the clips of clips differ in length" in said
    assert "  3 frames: clip1\n  4 frames: clip3\n  5 frames: clip0 and 1 more\n" in said
    assert "frames=3, which all of them have" in said
    data = open_source(folder, modality="video", frames=3)
    np.testing.assert_array_equal(data.store.numpy()[:, 0], GREY[:, :3])
    with pytest.raises(BrokenFilesError, match=r"1 of 4 clips cannot be used:\n  clip1: it has 3 frames, not 4\n"):
        open_source(folder, modality="video", frames=4)
    left = open_source(folder, modality="video", frames=4, on_error="skip", labels=list("abcd"))
    assert left.ids == ["clip0", "clip2", "clip3"]
    assert [(one.where, one.why) for one in left.skipped] == [("clip1", "it has 3 frames, not 4")]
    assert left.labels.tolist() == [0, 2, 3]
    with pytest.raises(BrokenFilesError, match="4 of 4 clips cannot be used"):
        open_source(folder, modality="video", frames=6, on_error="skip")


def test_a_spec_says_how_many_frames(tmp_path: Path) -> None:
    spec = open_source(GREY[:, :3], modality="video").spec
    data = open_source(frames(tmp_path / "clips", COLOUR), spec=spec)
    assert data.store.shape == (4, 1, 3, 8, 9), "grey, and of three frames, as the spec has it"
    with pytest.raises(ArgumentError, match="frames=4, but the model was fitted to clips of 3 frames"):
        open_source(tmp_path / "clips", spec=spec, frames=4)
    short = frames(tmp_path / "short", GREY[:2, :2])
    with pytest.raises(BrokenFilesError, match="clip0: it has 2 frames, not 3"):
        open_source(short, spec=spec)


@pytest.mark.parametrize("way", ["folder", "gif"])
def test_a_sequence_is_cut_into_clips(tmp_path: Path, way: str) -> None:
    long = np.concatenate(GREY)[:19]
    write_frames(tmp_path / "long", long, first=1)
    write_gif(tmp_path / "long.gif", long)
    source = tmp_path / ("long" if way == "folder" else "long.gif")
    with pytest.raises(DataError, match="is one sequence of 19 frames: say into how long clips to cut it, as frames=9"):
        open_source(source, modality="video")
    data = open_source(source, modality="video", frames=5)
    np.testing.assert_array_equal(data.store.numpy()[:, 0], long[:15].reshape(3, 5, 8, 9))
    wanted = ["frame_1.png", "frame_6.png", "frame_11.png"]
    assert data.ids == (wanted if way == "folder" else [f"{source} frame {number}" for number in (1, 6, 11)])
    np.testing.assert_array_equal(open_source(source, spec=data.spec).store, data.store)
    with pytest.raises(DataError, match="has 19 frames, fewer than one clip of frames=20"):
        open_source(source, modality="video", frames=20)


def test_a_list_of_gifs_and_folders(tmp_path: Path) -> None:
    write_gif(tmp_path / "a.gif", GREY[0])
    write_frames(tmp_path / "b", GREY[1])
    paths = [tmp_path / "b", str(tmp_path / "a.gif")]
    data = open_source(paths, modality="video", labels=["x", "y"])
    np.testing.assert_array_equal(data.store.numpy()[:, 0], GREY[[1, 0]])
    assert data.ids == [str(path) for path in paths]
    assert data.labels.tolist() == [0, 1]
    Image.fromarray(GREY[0, 0]).save(tmp_path / "still.png")
    for wrong, words in (
        (tmp_path / "still.png", "is no clip"),
        (tmp_path / "none", "no such file or folder"),
        (tmp_path, "is no folder of frames: it holds"),
    ):
        with pytest.raises(DataError, match=words):
            open_source([wrong], modality="video")


def test_files_that_are_broken(tmp_path: Path) -> None:
    folder = gifs(tmp_path / "clips", GREY)
    (folder / "clip1.gif").write_bytes(b"GIF89a, or so it says")
    (folder / "clip2.gif").write_bytes(b"")
    with pytest.raises(BrokenFilesError, match="2 of 4 clips cannot be used") as found:
        open_source(folder, modality="video")
    assert [problem.where for problem in found.value.problems] == ["clip1.gif", "clip2.gif"]
    data = open_source(folder, modality="video", on_error="skip")
    np.testing.assert_array_equal(data.store.numpy()[:, 0], GREY[[0, 3]])


def test_a_broken_frame_takes_its_clip_with_it(tmp_path: Path) -> None:
    folder = frames(tmp_path / "clips", GREY)
    (folder / "clip2" / "frame_9.png").write_bytes(b"no picture")
    with pytest.raises(BrokenFilesError, match="clip2/frame_9.png: not an image"):
        open_source(folder, modality="video")
    data = open_source(folder, modality="video", on_error="skip", labels=[3, 2, 1, 0])
    np.testing.assert_array_equal(data.store.numpy()[:, 0], GREY[[0, 1, 3]])
    assert data.ids == ["clip0", "clip1", "clip3"]
    assert data.labels.tolist() == [3, 2, 0]
    assert data.skipped[0].where == "clip2/frame_9.png"
    for clip in (0, 1, 3):
        (folder / f"clip{clip}" / "frame_8.png").write_bytes(b"")
    with pytest.raises(BrokenFilesError):
        open_source(folder, modality="video", on_error="skip")


def test_frames_are_resized_as_images_are_and_cached(tmp_path: Path, own_cache: Path) -> None:
    folder = frames(tmp_path / "clips", COLOUR)
    data = open_source(folder, modality="video", size=4, channels=1)
    assert data.store.shape == (4, 1, 5, 4, 4)
    entries = {path.name: (path / "pixels").stat().st_mtime_ns for path in own_cache.iterdir()}
    again = open_source(folder, modality="video", size=4, channels=1)
    assert np.array_equal(again.store, data.store)
    assert {path.name: (path / "pixels").stat().st_mtime_ns for path in own_cache.iterdir()} == entries
    assert open_source(folder, modality="video", size=4, channels=1, frames=3).store.shape == (4, 1, 3, 4, 4)
    on_disk = open_source(folder, modality="video", in_memory=False)
    assert not on_disk.in_memory
    np.testing.assert_array_equal(restore(on_disk.spec, next(on_disk.batches(4)).x), COLOUR)


def test_what_holds_no_clips(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no clips in '.*empty': it is empty. Expected empty/walk.gif, ..."):
        open_source(tmp_path / "empty", modality="video")
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "walk.mp4").write_bytes(b"0" * 100)
    with pytest.raises(DataError, match="decodes no video files .1 here.: write their frames with ffmpeg"):
        open_source(tmp_path / "videos", modality="video")
    for modality in ("auto", "video"):
        with pytest.raises(DataError, match=r"is a video file, .* ffmpeg -i walk.mp4 frames/%05d.png, and open"):
            open_source(tmp_path / "videos" / "walk.mp4", modality=modality)
    folder = gifs(tmp_path / "clips", GREY)
    Image.fromarray(GREY[0, 0]).save(folder / "cover.png")
    with pytest.raises(DataError, match="beside them images that belong to none: cover.png"):
        open_source(folder, modality="video")
    with pytest.raises(DataError, match="is one image; .* or say modality='video' to cut it into clips"):
        open_source(folder / "clip0.gif")


def test_numbers_in_names_count() -> None:
    names = ["frame_10.png", "frame_9.png", "a.png", "frame_010.png", "b/2/1.png", "b/10/1.png"]
    assert sorted(names, key=in_order) == ["a.png", "b/2/1.png", "b/10/1.png", *names[1::-1], "frame_010.png"]


@pytest.mark.parametrize("frames", [2, 3])
def test_a_sequence_too_short_for_two_clips_that_move(tmp_path: Path, frames: int) -> None:
    write_frames(tmp_path / "long", GREY[0, :frames])
    with pytest.raises(DataError, match=f"one sequence of {frames} frames, too few to cut into clips that move: give"):
        open_source(tmp_path / "long", modality="video")


def test_clips_of_one_frame_are_to_be_removed(tmp_path: Path) -> None:
    folder = gifs(tmp_path / "clips", GREY[:3])
    write_gif(folder / "still.gif", GREY[3, :1])
    with pytest.raises(DataError, match=r"1 frame: still.gif\n .*\nRemove still.gif, .* frames=5 and on_error='skip'$"):
        open_source(folder, modality="video")
    assert len(open_source(folder, modality="video", frames=5, on_error="skip")) == 3


def test_animated_pictures_taken_for_stills_are_remarked_on(tmp_path: Path, own_cache: Path) -> None:
    folder = gifs(tmp_path / "pictures", GREY[:3])
    write_gif(folder / "still.gif", GREY[3, :1])
    for _ in range(2):  # decoded, and out of the cache
        data = open_source(folder)
        assert [note.partition(";")[0] for note in data.notes] == [
            "3 of 4 pictures are animated: their first frame is taken"
        ]
    assert not open_source(folder, spec=data.spec).notes, "that was said when the model was fitted"
