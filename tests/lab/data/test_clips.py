"""Frames of clips: cuts, exact frames, and shots that stay whole."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from crispen.cli.main import main
from crispen.errors import InputError, MissingInput
from crispen.lab.data import VideoTable, open_batches
from crispen.lab.data.clips import clip_material, shots_in
from crispen.media.video.container import Damage, read_frames

SIDE, RATE = (96, 128), 25


def scene(seed: int) -> np.ndarray:
    """Blocks of colour, which no other seed has."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3))
    return small.repeat(16, 0).repeat(16, 1).astype(np.uint8)


def clip(path: Path, *scenes: int, length: int = 20) -> Path:
    """Scenes that move by a pixel a frame, `length` frames each, with B-frames."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"crf": "10", "g": "50"})
        stream.height, stream.width = SIDE
        stream.pix_fmt = "yuv420p"
        for seed in scenes:
            for number in range(length):
                pixels = np.roll(scene(seed), number, axis=1)
                out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        out.mux(stream.encode())
    return path


def test_a_shot_ends_at_a_cut(tmp_path: Path) -> None:
    shots = shots_in(clip(tmp_path / "a.mp4", 1, 2, 3))
    assert [len(shot.times) for shot in shots] == [20, 20, 20]
    assert [shot.times[0] for shot in shots] == [Fraction(n * 20, RATE) for n in range(3)]


def test_frames_are_those_of_the_clip(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", 1, 2)
    shown = [f.to_ndarray(format="rgb24") for f in read_frames(path, Damage())]
    material = clip_material(VideoTable(path=str(path), color="rgb", frames=4), None)
    # The middle of each quarter of 20 frames, in both shots.
    wanted = [2, 7, 12, 17, 22, 27, 32, 37]
    assert list(material.target.names) == [f"a.mp4 at {n / RATE:.3f} s" for n in wanted]
    for index, number in enumerate(wanted):
        np.testing.assert_array_equal(material.target.read(index), shown[number])


@pytest.mark.parametrize("memory", ["all", "stream"])
def test_shots_stay_whole(tmp_path: Path, memory: str) -> None:
    clip(tmp_path / "a.mp4", 1, 2, 3)
    clip(tmp_path / "b.mp4", 4)
    (tmp_path / "notes.txt").write_text("no clip")
    table = VideoTable(
        path=str(tmp_path), frames=5, patch=16, batch=4, valid_share=0.25, memory=memory
    )
    batches = open_batches(table, seed=0)
    try:
        train, valid = (set(batches.split[part]) for part in ("train", "valid"))
        assert batches.batch(0, 16).target.shape == (4, 1, 16, 16)
        assert batches.fixed(2, 16).target.shape == (2, 1, 16, 16)
    finally:
        batches.close()
    material = clip_material(table, None)
    assert material.groups is not None
    of = dict(zip(material.target.names, material.groups, strict=True))
    assert len(train) == 15
    assert len(valid) == 5
    assert {of[name] for name in train}.isdisjoint({of[name] for name in valid})


def test_of_one_shot_the_end_is_held_out(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", 1)
    batches = open_batches(VideoTable(path=str(path), frames=0, patch=16, valid_share=0.1), seed=0)
    batches.close()
    assert batches.split["valid"] == ["a.mp4 at 0.720 s", "a.mp4 at 0.760 s"]
    assert len(batches.split["train"]) == 18


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such file or folder; give a clip"):
        clip_material(VideoTable(path=str(tmp_path / "none.mp4")), None)
    with pytest.raises(InputError, match="no clips in it; put MP4"):
        clip_material(VideoTable(path=str(tmp_path)), None)
    (tmp_path / "bad.mp4").write_bytes(b"no clip at all")
    with pytest.raises(InputError, match=r"1 picture\(s\) cannot be read"):
        clip_material(VideoTable(path=str(tmp_path)), None)
    clip(tmp_path / "good.mp4", 1)
    material = clip_material(VideoTable(path=str(tmp_path), skip_unreadable=True, frames=2), None)
    assert len(material.target.names) == 2


def test_a_network_learns_from_a_clip(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", 1, 2)
    words = ["train", "espcn-x2", "--data", str(path), "-o", str(tmp_path / "run"), "--no-export"]
    changes = (
        "train.steps=2",
        "train.warmup=1",
        "data.patch=8",
        "data.batch=2",
        "data.valid_share=0.5",
    )
    with pytest.raises(SystemExit, match=r"^0$"):
        main([*words, *(w for c in changes for w in ("--set", c))])
    assert 'kind = "video"' in (tmp_path / "run/recipe.toml").read_text()
