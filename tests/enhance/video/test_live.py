"""A clip that is played while it is made: what its player gets, with and without enough time."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from crispen.enhance.request import ask
from crispen.enhance.video import live as module
from crispen.enhance.video.frame_flow import FrameFlow, enhancer_of
from crispen.enhance.video.live import LIVE, Counts, Live, LiveClip, open_live
from crispen.enhance.video.pacing import Pacing, Way
from crispen.errors import UsageError

from .clips import MODEL, QUARTER_TURN, make_clip, picture

RATE = 25
STEP = 512  # in 1/12800 s


def stands() -> float:
    """A clock that stands, so that there is always time."""
    return 0.0


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[LiveClip]:
    request, at_hand = ask(MODEL, **LIVE, **options)
    with open_live(path, request, at_hand, device="cpu", threads=1) as clip:
        yield clip


def played(clip: LiveClip, start: Fraction | None = None) -> tuple[bytes, Counts]:
    live = clip.play(start, clock=stands)
    return b"".join(live.pieces()), live.counts


def shown(data: bytes) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(data)) as file:
        return [*file.decode(video=0)]


def shown_at(data: bytes) -> list[Fraction]:
    return [Fraction(f.pts or 0) * f.time_base for f in shown(data)]


def luma(frame: av.VideoFrame) -> np.ndarray:
    return np.frombuffer(frame.planes[0], np.uint8).reshape(frame.height, -1)[:, : frame.width]


def onset(data: bytes | Path) -> float:
    """The second at which sound begins."""
    with av.open(io.BytesIO(data) if isinstance(data, bytes) else str(data)) as file:
        for frame in file.decode(audio=0):
            levels = np.abs(frame.to_ndarray().astype(float)).reshape(-1)
            loud = np.flatnonzero(levels > levels.max() / 2) if levels.max() > 0.01 else ()
            if len(loud):
                return float(frame.time or 0) + loud[0] / frame.sample_rate
    raise AssertionError("silent")


def boxes(data: bytes) -> list[str]:
    """Names of the boxes of an MP4 file (ISO/IEC 14496-12)."""
    names, at = [], 0
    while at < len(data):
        names.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4], "big")
    return names


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return make_clip(path, range(0, 60 * STEP, STEP), audio=[("aac", 0, 2.4)])


def test_every_frame_at_its_time_and_the_sound_as_it_was(clip: Path) -> None:
    with opened(clip) as live:
        assert live.size == (96, 64)
        assert live.length == 2.4
        data, counts = played(live)
    assert counts == Counts(enhanced=60)
    assert shown_at(data) == [Fraction(n, RATE) for n in range(60)]
    assert {(f.width, f.height, f.format.name) for f in shown(data)} == {(96, 64, "yuv420p")}
    # All but what an encoder's lead-in is: before 0, and never heard.
    with av.open(str(clip)) as source, av.open(io.BytesIO(data)) as result:
        before = [(p.pts, bytes(p)) for p in source.demux(audio=0) if p.size and p.pts >= 0]
        after = [(p.pts, bytes(p)) for p in result.demux(audio=0) if p.size]
    assert after == before


def test_it_can_be_played_from_its_first_bytes_and_has_a_key_frame_in_each_second(
    clip: Path,
) -> None:
    with opened(clip) as live:
        data, _ = played(live)
    names = boxes(data)
    assert names[:2] == ["ftyp", "moov"]
    assert names.count("moof") == names.count("mdat") == 10  # of a quarter second
    assert [f.pts * f.time_base for f in shown(data) if f.key_frame] == [0, 1, 2]
    with av.open(io.BytesIO(data)) as file:
        packets = [p for p in file.demux(video=0) if p.size]
    assert all(p.pts == p.dts for p in packets)  # no B-frames


def test_from_the_middle(clip: Path) -> None:
    with opened(clip) as live:
        whole, _ = played(live)
        data, counts = played(live, Fraction(117, 100))
    assert counts == Counts(enhanced=30)  # the first of them at 1.2 s
    assert shown_at(data) == [Fraction(n, RATE) for n in range(30)]
    assert np.abs(luma(shown(data)[0]).astype(int) - luma(shown(whole)[30])).mean() < 2


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mkv", "ac3"), (".mkv", "libopus"), (".mp4", "aac")]
)
@pytest.mark.parametrize("start", [None, Fraction(3)])
def test_sound_stays_in_step(
    tmp_path: Path, suffix: str, codec: str, start: Fraction | None
) -> None:
    stamps = range(0, 100 * STEP, STEP)
    path = make_clip(tmp_path / f"a{suffix}", stamps, audio=[(codec, 3.5, 0.5)])
    with opened(path) as live:
        data, _ = played(live, start)
    with av.open(io.BytesIO(data)) as file:
        name = file.streams.audio[0].codec_context.name
    assert name == {"ac3": "aac", "libopus": "opus"}.get(codec, codec)
    # A packet of sound lasts up to 32 ms, and the first one of a codec fades in.
    assert onset(data) == pytest.approx(onset(path) - float(start or 0), abs=0.04)


def test_sound_in_a_codec_that_needs_a_header_is_converted(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.ts", audio=[("aac", 0, 0.5)])
    with opened(path) as live:
        data, counts = played(live)
    assert counts == Counts(enhanced=12)
    assert shown_at(data)[0] <= Fraction(1, 10)
    assert onset(data) < 0.1


def test_turned_and_silent_clips(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mov", matrix=QUARTER_TURN)
    with opened(path) as live:
        assert live.size == (64, 96)
        data, _ = played(live)
    with av.open(io.BytesIO(data)) as file:
        assert not file.streams.audio
    assert abs(shown(data)[0].rotation) == 90


def test_a_position_without_frames_and_options_that_do_not_fit(clip: Path) -> None:
    with opened(clip) as live, pytest.raises(UsageError, match=r"ends at 2\.400 s"):
        played(live, Fraction(50))
    with pytest.raises(UsageError, match="--fps"), opened(clip, fps="10"):
        pass


class Bicubic(Pacing):
    """There is never time."""

    def way(self, time: float) -> Way:
        return "bicubic"


def test_bicubic_frames_are_those_of_an_enhancer_without_networks(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", options={"qp": "0"})
    with opened(path, crf=0) as clip:  # without loss
        work = clip._work()
        live = Live(work, None, 1 << 28, Bicubic(stands))
        data = b"".join(live.pieces())
        alone = enhancer_of(work, 1 << 28, bicubic=True)
        wanted = [luma(alone(frame)).copy() for frame in FrameFlow(work).selected()]
    assert live.counts == Counts(bicubic=12)
    for frame, other in zip(shown(data), wanted, strict=True):
        assert np.array_equal(luma(frame), other)


class Machine:
    """A slow machine: its clock moves as frames are made, and only then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, network_s: float, bicubic_s: float):
        self.now = 0.0
        self.made: list[tuple[str, float | None]] = []
        self.live: Live | None = None
        self._costs = {False: network_s, True: bicubic_s}
        monkeypatch.setattr(module, "enhancer_of", self.enhancer_of)

    def clock(self) -> float:
        return self.now

    def enhancer_of(self, work: Any, memory_bytes: int, *, bicubic: bool = False) -> Any:
        inner = enhancer_of(work, memory_bytes, bicubic=True)

        class Slow:
            interrupt = inner.interrupt

            def __call__(this, frame: av.VideoFrame) -> av.VideoFrame:  # noqa: N805
                out = inner(frame)
                self.now += self._costs[bicubic]
                assert self.live is not None
                lead = self.live.pacing.lead(float((frame.pts or 0) * frame.time_base))
                self.made.append(("bicubic" if bicubic else "network", lead))
                return out

        return Slow()

    def play(self, clip: LiveClip) -> bytes:
        self.live = clip.play(clock=self.clock)
        return b"".join(self.live.pieces())


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "clip.mp4"
    return make_clip(path, range(0, 400 * STEP, STEP), size=(16, 16))


def test_where_networks_are_too_slow_some_frames_are_bicubic_and_none_is_late(
    long_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch, network_s=0.08, bicubic_s=0.005)  # 12.5 and 200 frames a second
    with opened(long_clip) as clip:
        data = machine.play(clip)
    assert machine.live is not None
    counts = machine.live.counts
    assert counts.dropped == 0
    assert counts.enhanced + counts.bicubic == len(shown(data)) == 400
    ways = [way for way, _ in machine.made]
    turns = [b for a, b in pairwise(ways) if a != b]
    assert ways[:20] == ["network"] * 20
    assert turns[:3] == ["bicubic", "network", "bicubic"]
    assert len(turns) < 30  # it does not change with every frame
    # 0.04 s are played in a frame's time: x 0.08 + (1 - x) 0.005 = 0.04 for x = 0.47.
    assert 0.3 < counts.enhanced / 400 < 0.6
    assert min(lead for _, lead in machine.made if lead is not None) > 0.25


def test_where_even_bicubic_is_too_slow_frames_are_left_out(
    long_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch, network_s=0.5, bicubic_s=0.1)  # 10 frames of 25 a second
    with opened(long_clip) as clip:
        data = machine.play(clip)
    assert machine.live is not None
    counts = machine.live.counts
    assert counts.enhanced + counts.bicubic + counts.dropped == 400
    assert 200 < counts.dropped < 300
    times = shown_at(data)
    assert len(times) == 400 - counts.dropped
    assert {t * RATE for t in times} <= set(range(400))
    assert max(b - a for a, b in pairwise(times)) <= Fraction(13, RATE)


def test_work_waits_far_ahead_of_the_player_and_ends_when_it_is_stopped(long_clip: Path) -> None:
    with opened(long_clip) as clip:
        live = clip.play(clock=stands)
        thread = threading.Thread(target=lambda: [*live.pieces()])
        thread.start()
        deadline = time.monotonic() + 60
        while live.counts.enhanced < 100 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        assert live.counts.enhanced == 101  # 4 s of a clip of 16
        live.pacing.report(1.0, playing=False)
        while live.counts.enhanced < 126 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        assert live.counts.enhanced == 126
        live.stop()
        thread.join(10)
        assert not thread.is_alive()


def test_nothing_goes_on_after_it_is_closed(long_clip: Path) -> None:
    with opened(long_clip) as clip:
        pieces = clip.play().pieces()
        assert next(pieces)
        pieces.close()
        assert not [t for t in threading.enumerate() if t.name == "crispen-prefetch"]


def test_an_animated_picture(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.gif"), "w") as out:
        stream: Any = out.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "rgb8"
        for number in range(5):
            frame = picture(48, 32, number).reformat(format="rgb8")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    with opened(tmp_path / "a.gif") as live:
        data, counts = played(live)
    assert counts == Counts(enhanced=5)
    assert shown_at(data) == [Fraction(n, 10) for n in range(5)]


def test_the_share_that_was_enhanced() -> None:
    assert Counts().share is None
    assert (Counts(1, 2, 0) + Counts(2, 0, 1)).share == 0.5
