"""Streams are chosen by number, kind and language."""

from __future__ import annotations

import pytest

from crispen.errors import UsageError
from crispen.media.video.header import StreamInfo
from crispen.media.video.selection import Selection

STREAMS = (
    StreamInfo(0, "video", "h264"),
    StreamInfo(1, "audio", "aac", "eng"),
    StreamInfo(2, "audio", "aac", "fra"),
    StreamInfo(3, "subtitle", "subrip"),
    StreamInfo(4, "attached picture", "png"),
)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("all", [0, 1, 2, 3, 4]),
        ("video", [0]),
        ("0,2", [0, 2]),
        ("audio", [1, 2]),
        ("audio:fra,subtitle", [2, 3]),
        ("subtitle:und", [3]),
        ("subtitle:eng", []),
        ("cover,01", [1, 4]),
    ],
)
def test_what_is_taken(text: str, taken: list[int]) -> None:
    chosen = Selection.of(text)
    chosen.check("a.mkv", STREAMS)
    assert [info.index for info in STREAMS if chosen.takes(info)] == taken


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(UsageError, match=r"a\.mkv: it has no stream 7; it has video stream #0"):
        Selection.of("audio,7").check("a.mkv", STREAMS)
    missing = Selection.of("audio:deu,audio:eng,data").notes(STREAMS)
    assert missing == ["no stream is audio:deu", "no stream is data"]
