"""Reads a file from the middle, if its times do not depend on what comes before."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

# Files that can be read from a key frame: their times do not depend on earlier packets.
_INDEXED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
_LEAD_S = 2


def seek_before(container: InputContainer, stream: Stream, begin: Fraction) -> bool:
    """Go to packets that are needed for the second `begin`; False if reading from there is unsafe.

    Args:
        container: Not read from yet.
        stream: The stream to read.
        begin: On the stream's own clock.
    """
    import av

    target = (begin - _LEAD_S) / (stream.time_base or Fraction(1, 1000))
    if container.format.name not in _INDEXED or target <= (stream.start_time or 0):
        return False
    try:
        container.seek(int(target), stream=stream)
    except av.FFmpegError:
        return False
    return True
