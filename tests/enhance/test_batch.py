import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as PilImage

from crispen.enhance.batch import Options, enhance_all, exit_code
from crispen.enhance.record import NAME
from crispen.enhance.request import Request
from crispen.errors import Cancelled, ModelError, UsageError
from crispen.progress import Progress

from .batches import FAST, asking, crispen, size, statuses
from .video.clips import make_clip


def test_one_bad_file_never_stops_the_rest(folder):
    (folder / "a.png").write_bytes(b"no picture")
    seen = []
    outcomes = enhance_all(["gone.png", "."], None, FAST, report=seen.append)
    assert statuses(outcomes) == {"gone.png": "failed", "a.png": "failed", "b.png": "done"}
    assert seen == outcomes
    assert size("b.x2.png") == (60, 40)
    assert not (folder / "a.x2.png").exists()
    assert (folder / "a.png").read_bytes() == b"no picture"
    assert exit_code(outcomes) == 1


def test_a_fault_of_ours_costs_one_file(folder, monkeypatch):
    from crispen.enhance.enhancer import Enhancer

    real = Enhancer.enhance_file

    def faulty(self, source, *rest, **more):
        if source.name == "a.png":
            raise ZeroDivisionError("oops")
        return real(self, source, *rest, **more)

    monkeypatch.setattr(Enhancer, "enhance_file", faulty)
    first, second = enhance_all(["a.png", "b.png"], None, FAST)
    assert first.error == "a.png: unexpected ZeroDivisionError: oops"
    assert second.status == "done"


def test_workers_end_when_an_outcome_cannot_be_told(folder):
    """At once, not when Python collects them: on a cluster they hold its actors."""
    ended = []

    def workers(jobs, batch):
        try:
            yield from map(batch.one, jobs)
        finally:
            ended.append(True)

    def report(outcome):
        raise RuntimeError(outcome.status)

    with pytest.raises(RuntimeError, match="done") as caught:
        enhance_all(["."], None, FAST, report=report, workers=workers)
    assert ended, caught  # whose frames hold the generator


def test_a_batch_resumes(folder):
    first = enhance_all(["."], None, FAST)
    made = (folder / "a.x2.png").stat().st_mtime_ns
    assert set(statuses(first).values()) == {"done"}
    (folder / "b.x2.png").unlink()
    assert statuses(enhance_all(["."], None, FAST)) == {"a.png": "skipped", "b.png": "done"}
    assert (folder / "a.x2.png").stat().st_mtime_ns == made


def test_a_result_of_another_source_needs_overwrite(folder):
    enhance_all(["a.png"], "out", FAST)
    shutil.copy("b.png", "a.png")
    (outcome,) = enhance_all(["a.png"], "out", FAST)
    assert outcome.error.startswith(
        f"{os.path.join('out', 'a.png')}: exists already, made from another file or version of "
        "a.png; add --overwrite"
    )
    again = replace(FAST, overwrite=True, resume=True)
    assert statuses(enhance_all(["a.png"], "out", again)) == {"a.png": "done"}
    assert statuses(enhance_all(["a.png"], "out", again)) == {"a.png": "skipped"}


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"scale": 3}, "size"),
        ({"models": ("photo",)}, "models"),
        ({"models": None, "tasks": ("denoise", "upscale"), "strength": 0.5}, "models, strength"),
        ({"quality": 50}, "quality"),
        ({"strip_metadata": True}, "metadata"),
    ],
    ids=str,
)
def test_a_result_of_other_settings_is_not_taken_for_finished(folder, other, told):
    """Nor is it lost: without --overwrite it stays as it is, and counts when asked for again."""
    enhance_all(["sub/c.jpg"], "out/", FAST)
    made = (folder / "out/c.jpg").read_bytes()
    (outcome,) = enhance_all(["sub/c.jpg"], "out", asking(FAST, **other))
    assert outcome.status == "failed"
    assert f"exists already, made with other settings ({told}); add --over" in outcome.error
    assert (folder / "out/c.jpg").read_bytes() == made
    assert statuses(enhance_all(["sub/c.jpg"], "out", FAST)) == {"sub/c.jpg": "skipped"}
    anew = asking(replace(FAST, overwrite=True, resume=True), **other)
    assert statuses(enhance_all(["sub/c.jpg"], "out", anew)) == {"sub/c.jpg": "done"}
    assert statuses(enhance_all(["sub/c.jpg"], "out", anew)) == {"sub/c.jpg": "skipped"}


def test_what_changes_no_pixel_makes_nothing_anew(folder):
    enhance_all(["a.png"], "out/", FAST)
    other = replace(FAST, tile_px=64, memory_bytes=100 << 20, threads=2)
    assert statuses(enhance_all(["a.png"], "out/", other)) == {"a.png": "skipped"}


def test_a_result_that_is_not_ours_needs_overwrite(folder):
    (folder / "out").mkdir()
    shutil.copy("b.png", "out/a.png")
    (outcome,) = enhance_all(["a.png"], "out", FAST)
    assert "exists already, and nothing says how it was made; add --overwrite" in outcome.error
    enhance_all(["a.png"], "out", replace(FAST, overwrite=True))
    shutil.copy("b.png", "out/a.png")
    (outcome,) = enhance_all(["a.png"], "out", FAST)
    assert "exists already, and was changed since it was made" in outcome.error
    assert (folder / "out/a.png").read_bytes() == (folder / "b.png").read_bytes()


def test_a_batch_goes_on_where_its_results_were_moved_to(folder):
    enhance_all(["a.png"], "out", FAST)
    shutil.copytree("out", "moved", copy_function=shutil.copy)  # with new times
    assert statuses(enhance_all(["a.png", "b.png"], "moved", FAST)) == {
        "a.png": "skipped",
        "b.png": "done",
    }


@pytest.mark.parametrize("damage", [b"", b"{", b'{"name": "a.png"}', b"[1]\n\xff", b"null"])
def test_a_damaged_record_promises_nothing_and_is_gone_on_with(folder, damage):
    enhance_all(["a.png"], "out", FAST)
    (folder / "out" / NAME).write_bytes(damage)
    (outcome,) = enhance_all(["a.png"], "out", FAST)
    assert "nothing says how it was made" in outcome.error
    enhance_all(["b.png"], "out", FAST)
    assert statuses(enhance_all(["b.png"], "out", FAST)) == {"b.png": "skipped"}


def test_a_record_that_cannot_be_written_costs_no_result(folder):
    (folder / "out" / NAME).mkdir(parents=True)
    (outcome,) = enhance_all(["a.png"], "out", FAST)
    assert outcome.status == "done"
    assert "a next run will not skip this file" in outcome.notes[0]


def test_videos_go_by_their_own_settings(folder):
    make_clip(folder / "clip.mp4", range(0, 512 * 3, 512))
    enhance_all(["clip.mp4"], "out", FAST)
    both = enhance_all(["clip.mp4", "a.png"], "out", asking(FAST, quality=9))
    assert statuses(both) == {"clip.mp4": "skipped", "a.png": "done"}
    (outcome,) = enhance_all(["clip.mp4"], "out", asking(FAST, crf=40, codec="hevc"))
    assert "made with other settings (codec, crf)" in outcome.error


@pytest.mark.parametrize(
    ("wanted", "source", "told"),
    [
        ({"crf": 20.0}, "a.png", "--crf is for videos, and the input is a picture"),
        ({"codec": "av1"}, "a.png", "--codec is for videos"),
        ({"preset": "slow"}, "a.png", "--preset is for videos"),
        ({"start": "1"}, "a.png", "--start is for videos"),
        ({"fps": "30"}, "a.png", "--fps is for videos"),
        ({"crop": "8:8:0:0"}, "a.png", "--crop is for videos"),
        ({"models": None, "denoise": 0.5}, "clip.mp4", "--denoise is for pictures"),
        ({"models": None, "dejpeg": 0.5}, "clip.mp4", "--dejpeg is for pictures"),
        ({"models": None, "deblur": 0.5}, "clip.mp4", "--deblur is for pictures"),
        ({"quality": 50}, "clip.mp4", "--quality is for pictures.*give --crf"),
    ],
    ids=str,
)
def test_options_that_concern_no_input_are_refused(folder, wanted, source, told):
    make_clip(folder / "clip.mp4", range(0, 512 * 3, 512))
    with pytest.raises(UsageError, match=told):
        enhance_all([source], "out", asking(FAST, **wanted))
    if wanted != {"models": None, "denoise": 0.5}:
        return
    # With files of both kinds each takes what concerns it.
    both = enhance_all(["a.png", "clip.mp4"], "out", asking(FAST, **wanted))
    assert {*statuses(both).values()} == {"done"}


def test_a_quality_that_means_nothing_is_told(folder):
    (png,) = enhance_all(["a.png"], None, asking(FAST, quality=50))
    (jpeg,) = enhance_all(["sub/c.jpg"], None, asking(FAST, quality=50))
    assert png.notes == ("PNG has no quality setting, so quality was left out",)
    assert jpeg.notes == ()


@pytest.mark.parametrize(
    "name", [b"caf\xe9.png", "a\u2028b.png".encode(), "a\x85b.png".encode(), b"a\nb.png"]
)
def test_a_batch_resumes_whatever_its_files_are_called(folder, capsys, name):
    shutil.copy("a.png", os.fsdecode(name))
    assert crispen(os.fsdecode(name), "--json") == 0
    assert json.loads(capsys.readouterr().out)["source"] == os.fsdecode(name)
    assert size(os.fsdecode(name[:-4] + b".x2.png")) == (60, 40)
    assert crispen(os.fsdecode(name)) == 0
    assert "skipped, finished already" in capsys.readouterr().out


def test_a_name_that_no_terminal_shows_is_printed(folder):
    """With a real stream, which encodes; capsys' does not."""
    shutil.copy("a.png", os.fsdecode(b"caf\xe9.png"))
    make_clip(folder / os.fsdecode(b"clip\xe9.mp4"), range(0, 512 * 3, 512))
    done = subprocess.run(
        [sys.executable, "-m", "crispen", "enhance", ".", "--model", "espcn-x2"],
        capture_output=True,
        check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    told = done.stdout.decode()
    assert "caf\\udce9.png → caf\\udce9.x2.png" in told
    assert "clip\\udce9.mp4 → clip\\udce9.x2.mp4" in told


def test_pipes(folder):
    """One with a name is read to its end; one that nobody writes to does not wait for ever."""
    os.mkfifo("pipe.png")
    data = (folder / "a.png").read_bytes()
    writer = threading.Thread(target=(folder / "pipe.png").write_bytes, args=(data,))
    writer.start()
    (outcome,) = enhance_all(["pipe.png"], None, FAST)
    writer.join()
    assert (outcome.status, size("pipe.x2.png")) == ("done", (60, 40))
    (folder / "new").touch()
    assert (folder / "pipe.x2.png").stat().st_mode == (folder / "new").stat().st_mode
    (outcome,) = enhance_all(["pipe.png"], "other.png", FAST)
    assert outcome.error == "pipe.png: a pipe that nothing writes to; start the writer first"
    os.mkfifo("pipe.mp4")
    (outcome,) = enhance_all(["pipe.mp4"], None, FAST)
    assert "a video must be a file" in outcome.error
    # In a folder they are left alone.
    assert "pipe.png" not in [o.source for o in enhance_all(["."], "out", FAST) if not o.kind]


def test_waiting_for_a_pipe_can_be_cancelled(folder):
    os.mkfifo("pipe.png")
    progress = Progress()
    threading.Timer(0.3, progress.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        enhance_all(["pipe.png"], None, FAST, progress)
    assert time.monotonic() - began < 2.5


def test_overwrite_makes_anew(folder):
    enhance_all(["a.png"], None, FAST)
    anew = replace(FAST, overwrite=True)
    assert statuses(enhance_all(["a.png"], None, anew)) == {"a.png": "done"}
    keep = replace(FAST, resume=False)
    assert statuses(enhance_all(["a.png"], None, keep)) == {"a.png": "failed"}


def test_a_pattern_can_be_repeated(folder, capsys):
    first = crispen("a.png", "b.png")
    after_that = sorted(str(p) for p in folder.glob("*.png"))
    assert (first, len(after_that)) == (0, 4)
    for inputs in (["*.png"], after_that):
        capsys.readouterr()
        assert crispen(*inputs) == 0
        assert capsys.readouterr().out.count("skipped, finished already") == 2
    assert sorted(str(p) for p in folder.glob("*.png")) == after_that


def test_pages_that_are_left_out_are_told(folder, capsys):
    source = folder / "many.tif"
    first, *rest = (PilImage.new("RGB", (24, 16), (40 * i, 0, 200)) for i in range(3))
    first.save(source, save_all=True, append_images=rest)
    note = "of its 3 pages the first was enhanced"
    assert crispen(source) == 0
    assert f"  note: {note}\n" in capsys.readouterr().out
    assert crispen(source, "--json", "--overwrite") == 0
    assert json.loads(capsys.readouterr().out)["notes"] == [note]


@pytest.mark.parametrize("suffix", [".png", ".avif", ".webp", ".gif"])
def test_animations_are_enhanced_whole(folder, suffix):
    source = folder / f"many{suffix}"
    first, *rest = (PilImage.new("RGB", (24, 16), (40 * i, 0, 200)) for i in range(3))
    first.save(source, save_all=True, append_images=rest)
    assert crispen(source) == 0
    with PilImage.open(folder / f"many.x2{suffix}") as result:
        assert (result.size, result.n_frames) == ((48, 32), 3)


def test_a_lossless_webp_stays_lossless(folder):
    PilImage.open("a.png").save("c.webp", lossless=True)
    assert crispen("c.webp") == 0
    assert crispen("c.webp", "-o", "c.png") == 0
    with PilImage.open("c.x2.webp") as webp, PilImage.open("c.png") as png:
        assert np.array_equal(np.asarray(webp), np.asarray(png))
    assert crispen("c.webp", "--overwrite", "--quality", "80") == 0
    with PilImage.open("c.x2.webp") as webp, PilImage.open("c.png") as png:
        assert not np.array_equal(np.asarray(webp), np.asarray(png))


def test_mirrored_tree(folder):
    recursive = asking(replace(FAST, recursive=True), format="webp")
    enhance_all([str(folder)], "out", recursive)
    made = sorted(
        str(p.relative_to(folder / "out")) for p in (folder / "out").rglob("*") if p.is_file()
    )
    sub = [os.path.join("sub", name) for name in (NAME, "c.webp")]
    assert made == [NAME, "a.webp", "b.webp", *sub]


def test_what_does_not_fit_is_told_before_any_work(folder):
    for inputs, output, options, kind in (
        (["a.png"], None, Options(Request(models=("foto-x2",))), ModelError),
        (["a.png"], None, Options(Request(format="mp4")), UsageError),
        (["a.png", "b.png"], "-", FAST, UsageError),
        (["a.png"], "a.png", FAST, UsageError),
    ):
        with pytest.raises(kind):
            enhance_all(inputs, output, options)
    assert sorted(p.name for p in folder.iterdir()) == ["a.png", "b.png", "sub"]


def test_cancel_keeps_finished_files(folder):
    progress = Progress()
    with pytest.raises(Cancelled):
        enhance_all(["."], None, FAST, progress, lambda outcome: progress.cancel())
    assert size("a.x2.png") == (60, 40)
    assert sorted(p.name for p in folder.iterdir()) == [NAME, "a.png", "a.x2.png", "b.png", "sub"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(folder):
    (folder / "sub").chmod(stat.S_IRUSR | stat.S_IXUSR)
    (outcome,) = enhance_all(["sub/c.jpg"], None, FAST)
    (folder / "sub").chmod(stat.S_IRWXU)
    assert outcome.status == "failed"
    assert "sub" in outcome.error


def test_a_folder_that_cannot_be_made(folder):
    (folder / "out").write_bytes(b"")
    outcomes = enhance_all(["a.png", "b.png"], "out/deeper", FAST)
    assert set(statuses(outcomes).values()) == {"failed"}
    assert "cannot be made" in outcomes[0].error


def test_a_folder_where_the_result_should_be(folder):
    (folder / "a.x2.png").mkdir()
    (outcome,) = enhance_all(["a.png"], None, FAST)
    assert "is a folder" in outcome.error
