"""No encoder makes this process a real-time one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ENCODE = """
import os, sys, time
import av
from contextlib import nullcontext
from crispen.media.video.codecs import named_codec
from crispen.media.video.scheduling import kept_scheduling

def policies():
    return {os.sched_getscheduler(int(thread)) for thread in os.listdir("/proc/self/task")}

with av.open(sys.argv[1], "w") as out:
    stream = out.add_stream(named_codec("av1").encoder, rate=25)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    before = len(os.listdir("/proc/self/task"))
    with kept_scheduling() if sys.argv[2] == "kept" else nullcontext():
        stream.codec_context.open(strict=False)
    assert len(os.listdir("/proc/self/task")) > before
    found = policies()
    for number in range(3):
        frame = av.VideoFrame(64, 64, "yuv420p")
        frame.pts = number
        out.mux(stream.encode(frame))
        time.sleep(0.2)
        found |= policies()
    out.mux(stream.encode(None))
found |= policies()
print(os.SCHED_FIFO in found)
# What is taken in the block comes back.
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
"""


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root's scheduling may be changed"
)
@pytest.mark.parametrize(("how", "real_time"), [("kept", False), ("plain", True)])
def test_svt_av1_changes_nothing(tmp_path: Path, how: str, real_time: bool) -> None:
    """Alone it does; once it no longer does, `kept_scheduling` can go."""
    done = subprocess.run(
        [sys.executable, "-c", ENCODE, str(tmp_path / "a.mkv"), how],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.split() == [str(real_time)]
