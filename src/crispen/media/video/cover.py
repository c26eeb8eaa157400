"""Keeps a cover in Matroska, which has covers as attached files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.media.video.container import open_input
from crispen.media.video.tags import stream_tags

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream

# By FFmpeg's names of their codecs: suffix and media type.
_KINDS = {
    "mjpeg": ("jpg", "image/jpeg"),
    "png": ("png", "image/png"),
    "bmp": ("bmp", "image/bmp"),
    "gif": ("gif", "image/gif"),
    "webp": ("webp", "image/webp"),
    "tiff": ("tif", "image/tiff"),
}


class Cover:
    """Attaches a cover to the result; like `Copied`, but it has no packets.

    Args:
        out: The result.
        source: The stream with the cover.
        strip: Leave titles and dates out.

    Attributes:
        stream: The result's.
        lost: Always 0.

    Raises:
        ValueError: No picture that Matroska files have as a cover.
    """

    def __init__(self, out: OutputContainer, source: Stream, *, strip: bool) -> None:
        self.lost = 0
        kind = _KINDS.get(source.name or "")
        content = _content(source)
        if kind is None or not content:
            raise ValueError("no cover that Matroska can hold")
        suffix, mime = kind
        # Players find the cover by this name.
        name = source.metadata.get("filename", f"cover.{suffix}")
        self.stream: Any = out.add_attachment(name, mime, content)
        tags = stream_tags(source, strip=strip)
        self.stream.metadata.update({k: v for k, v in tags.items() if k == "title"})

    def feed(self, packet: Packet[Any] | None) -> Iterator[Packet[Any]]:
        """Nothing."""
        return iter(())


def _content(source: Stream) -> bytes:
    """The picture's file."""
    with open_input(Path(source.container.name)) as again:
        packets = again.demux(again.streams[source.index])
        return next((bytes(packet) for packet in packets if packet.size), b"")
