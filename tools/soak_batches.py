"""Command line batches under kills, stops and a full disk, for `tools/soak.py`."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

_MODEL = "espcn-x2"
_TROUBLES = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, "full disk")
_TIMES = 6
_PATIENCE_S = 300


class Batches:
    """The same batch repeatedly, each time disturbed before it may finish.

    Args:
        folder: For what is never disturbed: inputs, and results of an undisturbed run.
        disk: Folder for results; soon full.
        chance: Decides what happens when.
        count: Counts what happened and what was lost.
    """

    def __init__(
        self, folder: Path, disk: Path, chance: random.Random, count: Counter[str]
    ) -> None:
        self._inputs, self._right = folder / "in", folder / "right"
        self._disk, self._chance, self._count = disk, chance, count
        self._expected: dict[str, str] = {}
        self._sources: dict[str, str] = {}

    def prepare(self) -> None:
        """Makes the inputs, and runs the batch once undisturbed."""
        make_inputs(self._inputs)
        self._sources = hashes(self._inputs)
        code = self._start(self._right).wait(_PATIENCE_S)
        self._expected = hashes(self._right)
        if code or len(self._expected) != len(self._sources):
            raise RuntimeError(f"the batch fails without trouble ({code}), so there is no measure")

    def round(self) -> None:
        """One batch, from start to finish."""
        out = self._disk / "out"
        for _ in range(self._chance.randint(1, _TIMES)):
            self._disturbed(out, self._chance.choice(_TROUBLES))
            self._check(out, finished=False)
        process = self._start(out)
        told, _ = process.communicate(timeout=_PATIENCE_S)
        if process.returncode:
            self._lost(f"a batch that could not be finished ({told.decode()[-300:]})")
        self._check(out, finished=True)
        self._tidy(out)
        shutil.rmtree(out)

    def close(self) -> None:
        """Stops everything."""

    def _start(self, out: Path) -> subprocess.Popen[bytes]:
        command = ["enhance", str(self._inputs), "-o", f"{out}/", "-r", "--model", _MODEL]
        return subprocess.Popen(
            [sys.executable, "-m", "crispen", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def _disturbed(self, out: Path, trouble: signal.Signals | str) -> None:
        self._count[str(getattr(trouble, "name", trouble))] += 1
        with self._filled() if trouble == "full disk" else contextlib.nullcontext():
            process = self._start(out)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=self._chance.uniform(0.2, 6))
            if process.poll() is None:
                # The run meets a full disk in time or not at all.
                how = trouble if isinstance(trouble, signal.Signals) else signal.SIGKILL
                process.send_signal(how)
                process.communicate(timeout=_PATIENCE_S)

    @contextlib.contextmanager
    def _filled(self) -> Iterator[None]:
        """The disk with little or no room."""
        ballast = self._disk / "ballast"
        room = self._chance.choice((0, 4_096, 60_000, 400_000))
        free = shutil.disk_usage(self._disk).free
        if free > 1 << 30:  # no separate disk
            yield
            return
        try:
            with contextlib.suppress(OSError):
                ballast.write_bytes(bytes(max(0, free - room)))
            yield
        finally:
            ballast.unlink(missing_ok=True)

    def _check(self, out: Path, *, finished: bool) -> None:
        """Files under their final name are always complete; in the end all are present."""
        found = hashes(out)
        for name, content in found.items():
            if self._expected.get(name) != content:
                self._lost(f"{name} is not what an undisturbed run makes")
        for name in self._expected if finished else ():
            if name not in found:
                self._lost(f"{name} is missing")
        if hashes(self._inputs) != self._sources:
            self._lost("an input was changed")

    def _tidy(self, out: Path) -> None:
        """A later run removes leftovers of dead runs once they are old enough."""
        parts = [p for p in out.rglob(".*.part")]
        for part in parts:
            os.utime(part, (time.time() - 600,) * 2)
        self._start(out).communicate(timeout=_PATIENCE_S)
        extra = self._inputs / "extra.png"
        # A run that writes nothing examines no folder, so one more picture is added.
        shutil.copy(self._inputs / "a0.png", extra)
        self._start(out).communicate(timeout=_PATIENCE_S)
        extra.unlink()
        left = [p.name for p in out.glob(".*.part")]
        if left:
            self._lost(f"half-written files stay: {left}")

    def _lost(self, what: str) -> None:
        print(f"batches: {what}", flush=True)
        self._count["LOST"] += 1


def hashes(folder: Path) -> dict[str, str]:
    """The content of each file that is not hidden: its bytes, or the frames of a video.

    Matroska gives each file a unique number.
    """
    return {
        str(path.relative_to(folder)): _hash(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    }


def _hash(path: Path) -> str:
    if path.suffix not in (".mp4", ".mkv"):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    import av

    digest, frames = hashlib.sha256(), 0
    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            digest.update(f"{frame.pts} ".encode() + frame.to_ndarray().tobytes())
            frames += 1
    return f"{frames} frames, {digest.hexdigest()}"


def make_inputs(folder: Path) -> None:
    """Pictures of several formats, and two videos."""
    import av
    import numpy as np

    from crispen.media.image import Image, write_image

    (folder / "below").mkdir(parents=True, exist_ok=True)
    random_number = np.random.default_rng(0)
    for i, suffix in enumerate(("png", "jpg", "tif", "webp", "png", "jpg")):
        side = 160 + 90 * i
        y, x = np.mgrid[:side, : side + 40]
        waves = 128 + 90 * np.sin(np.dstack([x / 9, y / 7, (x + y) / (5 + i)]))
        noisy = waves + random_number.normal(0, 6, waves.shape)
        place = folder / ("below" if i % 2 else ".") / f"a{i}.{suffix}"
        write_image(Image(np.clip(noisy, 0, 255).astype(np.uint8)), place, overwrite=True)
    for name, frames in (("clip.mp4", 90), ("below/long.mkv", 300)):
        with av.open(str(folder / name), "w") as out:
            stream = out.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            for i in range(frames):
                y, x = np.mgrid[:64, :96]
                grey = (128 + 90 * np.sin((x + 3 * i) / 9) * np.cos(y / 8)).astype(np.uint8)
                frame = av.VideoFrame.from_ndarray(np.dstack([grey] * 3), format="rgb24")
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
