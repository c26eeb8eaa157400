"""Interruptions, and going on after them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from crispen.enhance.api import enhance_video
from crispen.enhance.video.segments import Parts
from crispen.errors import (
    Cancelled,
    OutputError,
)
from crispen.progress import Event, Progress

from .clips import MODEL, make_clip, names, payload, times


def parts_of(target: Path, source: Path) -> Path:
    """The folder of unfinished work."""
    return Parts(target, source, {}, resume=True).folder


def stop_after(count: int) -> Progress:
    """A progress that cancels itself."""

    def listen(event: Event) -> None:
        if event.done >= count:
            progress.cancel()

    progress = Progress(listen)
    return progress


def test_a_killed_run_goes_on_to_the_same_file(tmp_path: Path) -> None:
    stamps = [512 * n + (n % 3) * 7 for n in range(60)]
    source = make_clip(tmp_path / "a.mp4", stamps, audio=[("aac", 0.0, 1.0)])
    enhance_video(source, tmp_path / "whole.mp4", 2, model=MODEL, segment_s=0.4)
    code = (
        "import sys, time\n"
        "from crispen.enhance.api import enhance_video\n"
        "from crispen.progress import Progress\n"
        "slow = Progress(lambda event: time.sleep(0.05))\n"
        f"options = dict(model={MODEL!r}, segment_s=0.4, progress=slow)\n"
        "enhance_video(sys.argv[1], sys.argv[2], 2, **options)\n"
    )
    target = tmp_path / "b.mp4"
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(source), str(target)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    third = parts_of(target, source) / "seg-00003.seg"
    deadline = time.monotonic() + 60
    while not third.exists() and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert third.exists()
    assert not target.exists()
    report = enhance_video(source, target, 2, model=MODEL, segment_s=0.4)
    assert 30 <= report.resumed_frames < 60
    assert report.frames == 60
    assert times(target) == times(source)
    assert payload(target, "video") == payload(tmp_path / "whole.mp4", "video")
    assert payload(target, "audio") == payload(source, "audio")
    assert names(tmp_path) == ["a.mp4", "b.mp4", "whole.mp4"]


def test_cancel_leaves_segments_that_a_changed_setting_ignores(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 512 * 40, 512))
    target = tmp_path / "b.mp4"
    with pytest.raises(Cancelled, match="same command again"):
        enhance_video(source, target, 1, segment_s=0.4, progress=stop_after(25))
    folder = parts_of(target, source)
    assert names(tmp_path) == [folder.name, "a.mp4"]
    assert names(folder) == ["job.json", "seg-00001.seg", "seg-00002.seg"]
    assert enhance_video(source, target, 1, segment_s=0.4, crf=30).resumed_frames == 0
    target.unlink()
    with pytest.raises(Cancelled):
        enhance_video(source, target, 1, segment_s=0.4, progress=stop_after(25))
    # A damaged segment is made again, with all after it.
    first = folder / "seg-00002.seg"
    first.write_bytes(first.read_bytes()[:200])
    assert enhance_video(source, target, 1, segment_s=0.4).resumed_frames == 10
    assert times(target) == times(source)
    assert names(tmp_path) == ["a.mp4", "b.mp4"]


def test_another_container_goes_on_with_the_same_pictures(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 512 * 40, 512), audio=[("aac", 0.0, 0.5)])
    with pytest.raises(Cancelled):
        enhance_video(source, tmp_path / "b.mp4", 1, segment_s=0.4, progress=stop_after(25))
    report = enhance_video(source, tmp_path / "b.mkv", 1, segment_s=0.4, audio="none")
    assert report.resumed_frames == 20
    assert names(tmp_path) == ["a.mp4", "b.mkv"]
    assert [len(t) for t in (times(tmp_path / "b.mkv"), payload(tmp_path / "b.mkv", "audio"))] == [
        40,
        0,
    ]


def test_without_resume_nothing_is_left(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", range(0, 512 * 40, 512))
    with pytest.raises(Cancelled):
        enhance_video(
            source, tmp_path / "b.mp4", 1, segment_s=0.4, resume=False, progress=stop_after(25)
        )
    assert names(tmp_path) == ["a.mp4"]


def test_an_interrupted_join_is_all_that_is_left_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import crispen.media.video.muxing as mux

    source = make_clip(tmp_path / "a.mp4", range(0, 512 * 12, 512))

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(mux, "join", interrupt)
        with pytest.raises(Cancelled):
            enhance_video(source, tmp_path / "b.mp4", 1, segment_s=0.2)
    report = enhance_video(source, tmp_path / "b.mp4", 1, segment_s=0.2)
    assert report.resumed_frames == report.frames == 12
    assert times(tmp_path / "b.mp4") == times(source)


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    from crispen.enhance.video.segments import Parts

    with (
        Parts(tmp_path / "b.mp4", tmp_path / "a.mp4", {}, resume=True),
        pytest.raises(OutputError, match="another run"),
        Parts(tmp_path / "b.mp4", tmp_path / "a.mp4", {}, resume=True),
    ):
        pass


def test_the_command_says_that_it_went_on(tmp_path: Path) -> None:
    from crispen.enhance.batch import Options, enhance_all
    from crispen.enhance.request import Request

    source = make_clip(tmp_path / "a.mp4", range(0, 512 * 300, 512))
    target = tmp_path / "b.mp4"
    options = Options(Request(models=(MODEL,)))
    with pytest.raises(Cancelled):
        enhance_all([str(source)], str(target), options, stop_after(290))
    (done,) = enhance_all([str(source)], str(target), options)
    assert done.frames == 300
    assert any("continued an interrupted run" in note for note in done.notes)


def test_nobody_gets_in_before_the_last_run_has_tidied_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "source.mp4", tmp_path / "a.mp4"
    remove = shutil.rmtree
    refused = []

    def removing(folder: Path, **more: Any) -> None:
        with pytest.raises(OutputError, match="another run is making this file"):
            Parts(target, source, {}, resume=True).__enter__()
        refused.append(folder)
        remove(folder, **more)

    monkeypatch.setattr("crispen.enhance.video.segments.shutil.rmtree", removing)
    with Parts(target, source, {}, resume=True) as parts:
        pass
    assert refused == [parts.folder]
    assert list(tmp_path.iterdir()) == []
