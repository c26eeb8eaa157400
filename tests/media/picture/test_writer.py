"""Writing pictures: atomic, bounded, stopped on the way, refused, on full disks."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from crispen.errors import Cancelled, InputError, MissingInput, OutputError, UsageError
from crispen.media.image import (
    Header,
    Image,
    ImageWriter,
    read_image,
    write_image,
)
from crispen.media.picture.row_feed import Feed

from ..pictures import smooth


def test_what_does_not_fit_is_said_before_work(tmp_path: Path) -> None:
    cases = [
        ("a.webp", Header(16384, 2, 3), {}, "at most 16383"),
        ("a.jpg", Header(2, 65501, 3), {}, "at most 65500"),
        ("a.jpg", Header(2, 2, 3, frames=2), {}, "GIF, WebP, PNG or AVIF"),
        ("a.png", Header(2, 2, 3), {"quality": 0}, "from 1 to 100"),
        ("a.xyz", Header(2, 2, 3), {}, "'xyz' is not"),
        ("a", Header(2, 2, 3), {}, "no suffix"),
        ("a.bmp", Header(2, 2, 3), {}, "'bmp' is not a picture format that is written"),
        ("a.png", Header(0, 2, 3), {}, "at least 1x1"),
    ]
    for name, header, options, message in cases:
        with pytest.raises(UsageError, match=message):
            ImageWriter(tmp_path / name, header, **options)
    assert not list(tmp_path.iterdir())


def test_a_target_is_not_replaced_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"mine")
    path.chmod(0o640)
    image = Image(smooth(4, 4, 3))
    with pytest.raises(OutputError, match=r"--overwrite \(overwrite=True in Python\)"):
        image.save(path)
    assert path.read_bytes() == b"mine"
    image.save(path, overwrite=True)
    assert np.array_equal(cv2.imread(str(path))[..., ::-1], image.pixels)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def write_half(path: Path, then: type[BaseException] | None) -> None:
    with ImageWriter(path, Header(64, 64, 3)) as writer:
        writer.write(smooth(32, 64, 3))
        if then is not None:
            raise then


def write_while_another_does(path: Path) -> None:
    with ImageWriter(path, Header(4, 4, 3)) as writer:
        writer.write(smooth(4, 4, 3))
        path.write_bytes(b"mine")


def test_a_target_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with pytest.raises(OutputError, match="meanwhile"):
        write_while_another_does(path)
    assert path.read_bytes() == b"mine"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif", ".gif"])
def test_an_error_on_the_way_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / f"a{suffix}", KeyboardInterrupt)
    with pytest.raises(OutputError, match="only 32 of 64 rows"):
        write_half(tmp_path / f"a{suffix}", None)
    assert not list(tmp_path.iterdir())


def test_bands_that_do_not_fit_the_header(tmp_path: Path) -> None:
    for band in (smooth(4, 5, 3), smooth(4, 4, 4), smooth(5, 4, 3), smooth(4, 4, 3, "uint16")):
        with pytest.raises(UsageError), ImageWriter(tmp_path / "a.png", Header(4, 4, 3)) as writer:
            writer.write(band)
    assert not list(tmp_path.iterdir())


def test_folders_and_permissions(tmp_path: Path) -> None:
    image = Image(smooth(4, 4, 3))
    with pytest.raises(OutputError, match="a folder"):
        write_image(image, tmp_path, format="png")
    with pytest.raises(OutputError, match="no folder"):
        image.save(tmp_path / "none" / "a.png")
    with pytest.raises(OutputError, match="not a regular file"):
        write_image(image, "/dev/null", format="png", overwrite=True)
    with pytest.raises(InputError, match="a folder"):
        read_image(tmp_path)
    with pytest.raises(MissingInput, match="no such file"):
        read_image(tmp_path / "none.png")
    (tmp_path / "link.png").symlink_to("gone.png")
    with pytest.raises(MissingInput, match=r"a link to gone\.png, which does not exist"):
        read_image(tmp_path / "link.png")


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX users")
def test_without_permission(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("locked")
    Image(smooth(4, 4, 3)).save(folder / "a.png")
    (folder / "a.png").chmod(0)
    folder.chmod(0o555)
    # pytest keeps its folders, one of which each worker has, from other users.
    parents = [p for p in folder.parents if not p.stat().st_mode & 0o001]
    modes = [p.stat().st_mode for p in parents]
    was = os.geteuid()
    try:
        if was == 0:
            for parent in parents:
                parent.chmod(0o755)
            os.seteuid(65534)
        with pytest.raises(InputError, match="no permission to read"):
            read_image(folder / "a.png")
        with pytest.raises(OutputError, match=r"no permission|Permission denied"):
            Image(smooth(4, 4, 3)).save(folder / "b.png")
    finally:
        os.seteuid(was)
        folder.chmod(0o755)
        for parent, mode in zip(parents, modes, strict=True):
            parent.chmod(mode & 0o7777)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_a_full_disk(tmp_path: Path, suffix: str) -> None:
    """A limit on file size stands for a full disk; both fail in ``write``, while streaming."""
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, hard))
    try:
        with pytest.raises(OutputError, match=r"a\.\w+: cannot be written: .*free some space"):
            write_image(Image(noise), tmp_path / f"a{suffix}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_a_really_full_disk(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("may not mount a file system here")
    try:
        noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
        with pytest.raises(OutputError, match=os.strerror(errno.ENOSPC)):
            write_image(Image(noise), tmp_path / "a.png")
        assert not list(tmp_path.iterdir())
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_memory_stays_bounded(tmp_path: Path) -> None:
    """48 megapixels, 144 MB: written and read in bands in far less than that beyond the start."""
    code = """
import resource, sys
import numpy as np
from crispen.media.image import Header, ImageWriter, open_image
path = sys.argv[1]
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
band = np.arange(8000 * 50 * 3, dtype=np.uint32).reshape(50, 8000, 3).astype(np.uint8)
with ImageWriter(path + "/warm.png", Header(8000, 50, 3)) as writer:
    writer.write(band)
with open_image(path + "/warm.png") as reader:
    list(reader.bands(50))
start = peak()
with ImageWriter(path + "/a.png", Header(8000, 6000, 3)) as writer:
    for _ in range(120):
        writer.write(band)
with open_image(path + "/a.png") as reader:
    assert sum(len(b) for b in reader.bands(50)) == 6000
print(peak() - start)
"""
    env = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3] / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, env=env
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 110


def stop() -> None:
    raise Cancelled()


def write_and_be_stopped(path: Path, check: Callable[[], None]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1500, 1500, 3), np.uint8)
    with ImageWriter(path, Header(1500, 15000, 3), check=check) as writer:
        for _ in range(10):  # more than may wait
            writer.write(noise)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
def test_a_cancel_is_heard_while_the_encoder_works(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(Cancelled):
        write_and_be_stopped(tmp_path / f"a{suffix}", stop)
    assert not list(tmp_path.iterdir())
    encoders = [t for t in threading.enumerate() if t.name == "crispen-encode"]
    for encoder in encoders:
        encoder.join(20)  # a row of tiles may still be under work
        assert not encoder.is_alive()


def test_a_feed_that_is_closed_drops_what_waits() -> None:
    feed = Feed(Header(4, 4, 3))
    assert feed.put(smooth(2, 4, 3))
    feed.close()
    assert not feed.put(smooth(2, 4, 3))
    head = feed._read(1 << 20)
    assert head.startswith(b"II")
    assert feed._read(1 << 20) == b""
