"""No encoder makes this process a real-time one."""

from __future__ import annotations

import os
from pathlib import Path

import av
import pytest

from crispen.media.video.codecs import named_codec
from crispen.media.video.scheduling import kept_scheduling

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setscheduler"), reason="no scheduling policies here"
)


def _policies() -> set[int]:
    return {os.sched_getscheduler(int(one.name)) for one in Path("/proc/self/task").iterdir()}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root's may be changed")
def test_svt_av1_leaves_every_thread_as_it_was(tmp_path: Path) -> None:
    """It makes the calling thread real-time, for good, and with it all that is started later."""
    before = os.sched_getscheduler(0)
    assert before == os.SCHED_OTHER
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream = out.add_stream(named_codec("av1").encoder, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        threads = len(list(Path("/proc/self/task").iterdir()))
        with kept_scheduling():
            stream.codec_context.open(strict=False)
            assert os.SCHED_FIFO in _policies(), "SVT-AV1 no longer does it: kept_scheduling can go"
        assert len(list(Path("/proc/self/task").iterdir())) > threads
        assert _policies() == {before}
        out.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        out.mux(stream.encode(None))
    assert _policies() == {before}
