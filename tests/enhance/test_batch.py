import io
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

from crispen.cli.enhance import parse_memory, summary
from crispen.cli.main import main
from crispen.enhance.batch import Options, Outcome, enhance_all, exit_code
from crispen.enhance.record import NAME
from crispen.enhance.request import Request
from crispen.errors import Cancelled, ModelError, UsageError
from crispen.progress import Progress

from .video.clips import make_clip

FAST = Options(Request(models=("photo-fast",)), threads=1)


def asking(options, **wanted):
    """The same with other wishes."""
    return replace(options, request=options.request.model_copy(update=wanted))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    for name in ("a.png", "b.png", "sub/c.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        PilImage.fromarray(random.integers(0, 256, (20, 30, 3), np.uint8)).save(path)
        os.utime(path, (1_000_000, 1_000_000))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def crispen(*arguments):
    """The command's exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["enhance", "--model", "photo-fast", "--threads", "1", *map(str, arguments)])
    return ended.value.code


def size(path):
    with PilImage.open(path) as picture:
        return picture.size


def statuses(outcomes):
    return {outcome.source: outcome.status for outcome in outcomes}


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


def test_exit_codes():
    done = Outcome("a", "b", "done")
    usage = Outcome("a", "b", "failed", exit_code=2)
    broken = Outcome("a", "b", "failed", exit_code=1)
    assert exit_code([]) == 0
    assert exit_code([done, Outcome("a", "b", "skipped")]) == 0
    assert exit_code([done, usage]) == 1
    assert exit_code([usage]) == 2
    assert exit_code([usage, broken]) == 1


def test_command(folder, capsys):
    assert crispen("a.png", "--scale", "1.5") == 0
    assert capsys.readouterr().out.startswith("a.png → a.x1.5.png  30x20 → 45x30  ")
    assert size("a.x1.5.png") == (45, 30)
    assert crispen("a.png", "--size", "100x100", "--fit", "-o", "fit.png") == 0
    assert size("fit.png") == (100, 67)
    capsys.readouterr()
    assert crispen("a.png", "--scale", "1.5") == 0
    assert capsys.readouterr().out == "a.png → a.x1.5.png  skipped, finished already\n"


def test_command_as_json(folder, capsys):
    assert crispen("a.png", "gone.png", "--json") == 1
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    by_source = {entry["source"]: entry for entry in told}
    assert by_source["a.png"]["target_size"] == [60, 40]
    assert by_source["gone.png"]["status"] == "failed"
    assert "no such file" in by_source["gone.png"]["error"]


@pytest.mark.parametrize(
    "wrong",
    [
        ("--scale", "2", "--width", "9"),
        ("--size", "big"),
        ("--memory", "lots"),
        ("--memory", "1k"),
        ("--tile", "0"),
        ("--tile", "9", "--size", "3000x3000"),
        ("--quality", "101"),
        ("--format", "docx"),
        ("--fit",),
        ("--model", "photo"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(folder, capsys, wrong):
    assert crispen("a.png", *wrong) == 2
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    assert len(told.err.strip().splitlines()) == 1
    assert sorted(p.name for p in folder.iterdir()) == ["a.png", "b.png", "sub"]


def test_standard_input_to_standard_output(folder, monkeypatch, capsysbinary):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((folder / "a.png").read_bytes())))
    assert crispen("-") == 0
    told = capsysbinary.readouterr()
    with PilImage.open(io.BytesIO(told.out)) as picture:
        assert (picture.format, picture.size) == ("PNG", (60, 40))
    assert b"30x20" in told.err


def test_memory():
    assert parse_memory("500M") == 500 << 20
    assert parse_memory("2 GiB") == 2 << 30
    assert parse_memory("1.5gb") == 3 << 29
    assert parse_memory("123456") == 123_456


def test_summary():
    done = Outcome("d/photo.jpg", "d/photo.x2.jpg", "done", (4, 3), (8, 6), 1, 5.12)
    assert summary(done) == "d/photo.jpg → photo.x2.jpg  4x3 → 8x6  5.1 s"
    failed = Outcome("photo.jpg", "", "failed", error="the disk is full")
    assert summary(failed) == "failed: photo.jpg: the disk is full"


def test_every_odd_file_in_one_batch(shared_data, tmp_path):
    """Valid ones come out at twice their size; broken ones fail alone, and nothing is left over."""
    odd = shared_data / "odd"
    inside = tmp_path / "in"
    for kind in ("valid", "broken", "unsupported"):
        # 144 megapixels within the limit: enlarged rightly, in a minute that a test need not spend.
        skip = shutil.ignore_patterns("bomb_12000x12000_grey.png")
        shutil.copytree(odd / kind, inside / kind, copy_function=shutil.copy, ignore=skip)
    before = {p: p.read_bytes() for p in inside.rglob("*") if p.is_file()}
    options = asking(replace(FAST, recursive=True), scale=2)
    outcomes = enhance_all([str(inside)], str(tmp_path / "out"), options)
    assert len(outcomes) == len(before)
    assert {p: p.read_bytes() for p in before} == before
    by_name = {os.path.relpath(o.source, inside): o for o in outcomes}
    failed = [name for name, o in by_name.items() if o.status == "failed"]
    assert [name for name in failed if name.startswith("valid")] == []
    for name, outcome in by_name.items():
        if outcome.status == "failed":
            assert outcome.error
            assert "\n" not in outcome.error
            assert "unexpected" not in outcome.error, name
        else:
            assert outcome.source_size is not None
            assert outcome.target_size == tuple(2 * side for side in outcome.source_size)
    made = {p for p in (tmp_path / "out").rglob("*") if p.is_file() and p.name != NAME}
    assert len(made) == sum(o.status == "done" for o in outcomes)
    assert {"bomb_30000x30000_1bit.png", "text.png", "zero_bytes.jpg", "truncated.jpg"} <= {
        os.path.basename(name) for name in failed
    }
