"""Batches on stores: an S3 server, an SFTP server, the web and archives, also where they break."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from crispen.cli.main import main
from crispen.enhance.outcome import Tally
from crispen.enhance.stored import delivery
from crispen.enhance.stored.batch import enhance_stored
from crispen.errors import OutputError
from crispen.stores import trying
from crispen.stores.remote import RemoteStore

from ...store_servers import proxy
from ..batches import FAST, asking

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    """Nothing is kept in the cache of whoever runs the tests, and waits are short."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(trying, "_FIRST_WAIT_S", 0.01)


def picture(seed: int, format: str = "PNG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), np.uint8)
    file = io.BytesIO()
    PilImage.fromarray(pixels).save(file, format)
    return file.getvalue()


def run(inputs, output=None, options=FAST):
    found = []
    enhance_stored(inputs, output, options, report=found.append)
    return found


def statuses(outcomes):
    return {outcome.source.rpartition("/")[2]: outcome.status for outcome in outcomes}


def test_memory_does_not_grow_with_the_names_of_a_store_or_a_folder():
    """Bytes for each name, as `benchmarks/listing.py` measures them with two numbers of names."""
    pytest.importorskip("s3fs")
    done = subprocess.run(
        [
            *(sys.executable, str(ROOT / "benchmarks" / "listing.py"), "--json", "--traced"),
            *("--names", "4200", "8200"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    grown = {one["case"]: one["bytes_a_name"] for one in found if one["names"] == 8200}
    # A name alone has 80 bytes.
    assert grown["S3, all done before"] < 60
    assert grown["local folder, all done before"] < 60


def keys(s3, prefix="out/"):
    found = s3.list_objects_v2(Bucket="pictures", Prefix=prefix).get("Contents", [])
    return [one["Key"] for one in found if "/.crispen/" not in one["Key"]]


def size_of(s3, key):
    data = s3.get_object(Bucket="pictures", Key=key)["Body"].read()
    with PilImage.open(io.BytesIO(data)) as image:
        return image.size


@pytest.fixture
def bucket(s3):
    """Three pictures and a text."""
    for seed, name in enumerate(("a.png", "b.jpg", "sub/c.jpg")):
        body = picture(seed, "PNG" if name.endswith("png") else "JPEG")
        s3.put_object(Bucket="pictures", Key=f"in/{name}", Body=body)
    s3.put_object(Bucket="pictures", Key="in/notes.txt", Body=b"text")
    return s3


def test_a_second_run_does_what_is_missing_only(bucket):
    options = replace(FAST, recursive=True)
    first = run(["s3://pictures/in/"], "s3://pictures/out/", options)
    assert statuses(first) == {
        "a.png": "done",
        "b.jpg": "done",
        "c.jpg": "done",
        "notes.txt": "unread",
    }
    assert keys(bucket) == ["out/a.png", "out/b.jpg", "out/sub/c.jpg"]
    assert size_of(bucket, "out/sub/c.jpg") == (60, 40)
    bucket.delete_object(Bucket="pictures", Key="out/b.jpg")
    bucket.put_object(Bucket="pictures", Key="in/d.png", Body=picture(7))
    second = run(["s3://pictures/in/"], "s3://pictures/out/", options)
    assert statuses(second) == {
        "a.png": "skipped",
        "b.jpg": "done",
        "c.jpg": "skipped",
        "d.png": "done",
        "notes.txt": "unread",
    }


def test_what_changed_is_told_and_made_again_when_asked(bucket):
    bucket.put_object(Bucket="pictures", Key="in/c.png", Body=picture(5))
    run(["s3://pictures/in/"], "s3://pictures/out/")
    bucket.put_object(Bucket="pictures", Key="in/a.png", Body=picture(99))
    bucket.put_object(Bucket="pictures", Key="out/b.jpg", Body=b"somebody's own")
    found = run(["s3://pictures/in/"], "s3://pictures/out/")
    errors = {one.source.rpartition("/")[2]: one.error for one in found}
    assert "made from another file or version of s3://pictures/in/a.png" in errors["a.png"]
    assert "and was changed since it was made" in errors["b.jpg"]
    assert bucket.get_object(Bucket="pictures", Key="out/b.jpg")["Body"].read() == b"somebody's own"
    other = asking(FAST, scale=3.0)
    assert (
        "made with other settings (size"
        in run(["s3://pictures/in/c.png"], "s3://pictures/out/", other)[0].error
    )
    again = replace(FAST, overwrite=True)
    found = run(["s3://pictures/in/"], "s3://pictures/out/", again)
    assert statuses(found)["a.png"] == statuses(found)["b.jpg"] == "done"


def test_results_beside_their_sources_are_no_inputs_of_the_next_run(bucket):
    assert statuses(run(["s3://pictures/in/"]))["a.png"] == "done"
    assert [key for key in keys(bucket, "in/") if ".x2." in key] == ["in/a.x2.png", "in/b.x2.jpg"]
    second = run(["s3://pictures/in/"])
    assert {name: s for name, s in statuses(second).items() if s != "unread"} == {
        "a.png": "skipped",
        "b.jpg": "skipped",
    }


def test_an_input_is_never_replaced(bucket):
    before = bucket.get_object(Bucket="pictures", Key="in/a.png")["Body"].read()
    again = replace(FAST, overwrite=True)
    for inputs, output in (
        (["s3://pictures/in/"], "s3://pictures/in/"),
        (["s3://pictures/in/a.png"], "s3://pictures/in/a.png"),
        (["s3://pictures/in/a.png"], "s3://pictures/in"),
    ):
        found = [one for one in run(inputs, output, again) if one.status != "unread"]
        assert {one.status for one in found} == {"failed"}
        assert all("would replace an input" in one.error for one in found)
    assert bucket.get_object(Bucket="pictures", Key="in/a.png")["Body"].read() == before


def test_a_result_with_a_name_of_its_own(bucket):
    (done,) = run(["s3://pictures/in/a.png"], "s3://pictures/out/large.jpg")
    assert (done.status, done.target) == ("done", "s3://pictures/out/large.jpg")
    (failed,) = run(["s3://pictures/in/a.png"], "s3://pictures/out/large.jpg")
    assert "exists already; add --overwrite" in failed.error
    (failed,) = run(["s3://pictures/in/sub"], "s3://pictures/out/one.jpg")
    assert "one file cannot take the results of a folder" in failed.error


def test_two_that_want_one_name(s3):
    for name in ("a.bmp", "a.png", "a.tga"):
        file = io.BytesIO()
        PilImage.new("RGB", (8, 8)).save(file, {"a.bmp": "BMP", "a.tga": "TGA"}.get(name, "PNG"))
        s3.put_object(Bucket="pictures", Key=f"in/{name}", Body=file.getvalue())
    for status in ("done", "skipped"):
        found = run(["s3://pictures/in/"], "s3://pictures/out/")
        assert {one.status for one in found} == {status}
        assert len({one.target for one in found}) == 3
    assert len(keys(s3)) == 3


def test_patterns(bucket):
    found = run(["s3://pictures/in/**/*.jpg"], "s3://pictures/out/")
    assert statuses(found) == {"b.jpg": "done", "c.jpg": "done"}
    (failed,) = run(["s3://pictures/in/*.gif"], "s3://pictures/out/")
    assert "no file matches" in failed.error


def test_from_the_web_to_a_folder_here(web, tmp_path):
    web.files |= {"/a.png": picture(1), "/photo": picture(2)}
    web.cuts += [100, 50, 80]
    out = str(tmp_path / "out")
    urls = [web.url("/a.png?sig=SECRET"), web.url("/photo")]
    first = run(urls, out)
    assert [one.status for one in first] == ["done", "done"]
    assert sorted(os.listdir(out)) == [".crispen", "a.png", "photo.png"]
    assert [one.status for one in run(urls, out)] == ["skipped", "skipped"]
    texts = [p.read_text() for p in (tmp_path / "out/.crispen").iterdir()]
    assert texts
    assert "SECRET" not in str(first) + "".join(texts)
    (failed,) = run([web.url("/a.png")])
    assert "its result needs another one; give -o" in failed.error


def test_from_here_to_another_machine(sftp, tmp_path):
    port, folder = sftp
    here = tmp_path / "photos"
    (here / "sub").mkdir(parents=True)
    (here / "a.png").write_bytes(picture(1))
    (here / "sub/b.png").write_bytes(picture(2))
    options = replace(FAST, recursive=True)
    target = f"sftp://me@127.0.0.1:{port}/large/"
    assert {one.status for one in run([str(here)], target, options)} == {"done"}
    made = [p for p in folder.rglob("*") if p.is_file() and ".crispen" not in p.parts]
    assert sorted(str(p.relative_to(folder)) for p in made) == ["large/a.png", "large/sub/b.png"]
    assert {one.status for one in run([str(here)], target, options)} == {"skipped"}


def test_an_archive_whose_names_lead_elsewhere(tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("in/a.png", picture(1))
        archive.writestr("../evil.png", picture(2))
    options = replace(FAST, recursive=True)
    found = run([f"zip://{tmp_path}/photos.zip"], str(tmp_path / "out"), options)
    assert statuses(found) == {"a.png": "done"}
    assert not (tmp_path / "evil.png").exists()
    assert (tmp_path / "out/in/a.png").exists()


def test_a_broken_way_loses_nothing(bucket, monkeypatch):
    with proxy(int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2])) as way:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{way.port}")
        way.cuts += [300, 900, 0, 2000, 150, 500, 0, 700]
        found = run(["s3://pictures/in/"], "s3://pictures/out/")
    assert {name: s for name, s in statuses(found).items() if s != "unread"} == {
        "a.png": "done",
        "b.jpg": "done",
    }
    assert size_of(bucket, "out/a.png") == size_of(bucket, "out/b.jpg") == (60, 40)


def test_a_bucket_that_is_not_there_is_told_before_any_work(bucket):
    with pytest.raises(
        OutputError, match="s3://nobodys/out/: its bucket does not exist; create it"
    ):
        run(["s3://pictures/in/"], "s3://nobodys/out/")
    (failed,) = run(["s3://nobodys/in/"], "s3://pictures/out/")
    assert failed.error == "s3://nobodys/in/: no such file or folder; check the address"


def test_one_result_that_cannot_be_written_costs_no_other(bucket, monkeypatch):
    put = RemoteStore.put

    def full(self, path, name, **how):
        if name == "a.png":
            raise OutputError("s3://pictures/out/a.png: cannot be written: full")
        put(self, path, name, **how)

    monkeypatch.setattr(RemoteStore, "put", full)
    found = statuses(run(["s3://pictures/in/"], "s3://pictures/out/"))
    assert (found["a.png"], found["b.jpg"]) == ("failed", "done")
    monkeypatch.setattr(RemoteStore, "put", put)
    found = statuses(run(["s3://pictures/in/"], "s3://pictures/out/"))
    assert (found["a.png"], found["b.jpg"]) == ("done", "skipped")


def test_a_record_that_cannot_be_written_is_told(bucket, monkeypatch):
    put = RemoteStore.put

    def full(self, path, name, **how):
        if name.startswith(".crispen/"):
            raise OutputError("s3://pictures/out/.crispen: cannot be written: full")
        put(self, path, name, **how)

    monkeypatch.setattr(RemoteStore, "put", full)
    found = [one for one in run(["s3://pictures/in/"], "s3://pictures/out/") if one.notes]
    assert statuses(found) == {"a.png": "done", "b.jpg": "done"}
    assert "so the next run will not skip this file" in found[0].notes[-1]


def test_a_killed_run_is_continued(bucket, tmp_path):
    for seed in range(12):
        bucket.put_object(Bucket="pictures", Key=f"many/{seed:02}.png", Body=picture(seed))
    command = [sys.executable, "-m", "crispen", "enhance", "-m", "photo-fast", "--threads", "1"]
    command += ["s3://pictures/many/", "-o", "s3://pictures/out/", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    for _ in range(2):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        until = time.monotonic() + 60
        count = len(keys(bucket))
        while len(keys(bucket)) == count and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert {one["status"] for one in told} <= {"done", "skipped"}
    assert any(one["status"] == "skipped" for one in told)
    assert keys(bucket) == [f"out/{seed:02}.png" for seed in range(12)]
    assert all(size_of(bucket, key) == (60, 40) for key in keys(bucket))


@pytest.fixture
def clip(tmp_path):
    import av

    path = tmp_path / "clip.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = Fraction(1, 25)
        random = np.random.default_rng(1)
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(random.integers(0, 256, (48, 64, 3), np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_a_video_that_could_not_be_delivered_is_not_made_again(bucket, clip, monkeypatch):
    bucket.upload_file(str(clip), "pictures", "in/clip.mp4")
    monkeypatch.setattr(delivery.Delivery, "_one", _refused)
    (failed,) = run(["s3://pictures/in/clip.mp4"], "s3://pictures/out/")
    assert failed.status == "failed"
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(clip.parent / "cache"))
    for name, value in _environment(bucket).items():
        monkeypatch.setenv(name, value)
    (done,) = run(["s3://pictures/in/clip.mp4"], "s3://pictures/out/")
    assert done.status == "done", done.error
    assert done.notes == ("made by an earlier run, which could not upload it",)
    bucket.download_file("pictures", "out/clip.mp4", str(clip.with_name("back.mp4")))
    import av

    with av.open(clip.with_name("back.mp4")) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (128, 96)
    assert not list((clip.parent / "cache").rglob("*.mp4"))


def _refused(self, ready):
    return replace(ready.outcome, status="failed", error="gone", exit_code=1)


def _environment(client):
    from ...store_servers import s3_environment

    return s3_environment(int(client.meta.endpoint_url.rpartition(":")[2]))


def test_the_command(bucket, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["enhance", "-m", "photo-fast", "s3://pictures/in/", "-o", "s3://pictures/out/"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "s3://pictures/in/a.png → s3://pictures/out/a.png  30x20 → 60x40  photo-fast-x2" in told
    assert "1 file skipped: 1 TXT" in told
    for option in ("--watch", "--cluster"):
        with pytest.raises(SystemExit) as ended:
            main(["enhance", "s3://pictures/in/", option])
        assert ended.value.code == 2
        assert f"{option} takes files of this machine" in capsys.readouterr().err


def test_millions_of_outcomes_are_counted_not_kept(bucket):
    tally = Tally()
    assert enhance_stored(["s3://pictures/in/"], "s3://pictures/o/", FAST, report=tally.add) is None
    assert tally.exit_code == 0
    assert tally.unread == {"TXT": 1}
