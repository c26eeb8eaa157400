"""Rows that are still being computed, as a picture that libvips can already save.

libvips pulls pixels; Crispen pushes them. Between the two is a custom source that pretends to
be an uncompressed TIFF: its header is written at once, and each strip is passed on when its rows
arrive. TIFF because its strips are plain samples, read in order, in one call each: the detour costs
two copies in memory and no encoding at all. (libvips has no ``rawload`` from a source:
https://github.com/libvips/libvips/issues/4794.)
"""

from __future__ import annotations

import struct
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from crispen.media.picture.header import Header, Pixels
from crispen.media.picture.vips import vips

_STRIP_BYTES = 1 << 20
_WAITING_BYTES = 48 << 20
_CHECK_EVERY_S = 0.1

_SHORT, _LONG, _LONG8 = 3, 4, 16
_CODES = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}


def tiff_header(width: int, height: int, channels: int, bits: int) -> bytes:
    """All of an uncompressed little-endian BigTIFF that precedes its pixels.

    Source: TIFF 6.0; BigTIFF as in libtiff, http://bigtiff.org
    """
    row = width * channels * bits // 8
    rows = max(1, min(height, _STRIP_BYTES // row))
    strips = -(-height // rows)
    counts = [row * min(rows, height - i * rows) for i in range(strips)]
    tags: list[tuple[int, int, list[int]]] = [
        (256, _LONG, [width]),
        (257, _LONG, [height]),
        (258, _SHORT, [bits] * channels),
        (259, _SHORT, [1]),  # no compression
        (262, _SHORT, [2 if channels > 2 else 1]),  # RGB, or grey with 0 as black
        (273, _LONG8, [0] * strips),  # where the strips are: filled in below
        (277, _SHORT, [channels]),
        (278, _LONG, [rows]),
        (279, _LONG8, counts),
        (284, _SHORT, [1]),  # samples of a pixel side by side
        *([(338, _SHORT, [2])] if channels in (2, 4) else []),  # the last one is alpha
        (339, _SHORT, [1] * channels),  # unsigned
    ]
    directory = 16
    values_at = directory + 8 + 20 * len(tags) + 8
    sizes = [len(v) * struct.calcsize(_CODES[kind]) for _, kind, v in tags]
    pixels_at = values_at + sum(size for size in sizes if size > 8)
    offsets = [pixels_at + i * rows * row for i in range(strips)]
    entries, values = b"", b""
    for tag, kind, numbers in tags:
        packed = struct.pack(
            f"<{len(numbers)}{_CODES[kind]}", *(offsets if tag == 273 else numbers)
        )
        where = (
            packed.ljust(8, b"\0")
            if len(packed) <= 8
            else struct.pack("<Q", values_at + len(values))
        )
        entries += struct.pack("<HHQ", tag, kind, len(numbers)) + where
        values += packed if len(packed) > 8 else b""
    start = struct.pack("<2sHHHQQ", b"II", 43, 8, 0, directory, len(tags))
    return start + entries + bytes(8) + values


class Feed:
    """A bounded queue of rows, read by libvips' threads as one long file.

    Args:
        header: The whole picture's.
        check: Called while `put` waits, about ten times a second; may raise.
    """

    def __init__(self, header: Header, check: Callable[[], None] | None = None) -> None:
        self._check = check
        bits = 16 if header.dtype == "uint16" else 8
        rows = header.height * header.frames
        self._head = tiff_header(header.width, rows, header.channels, bits)
        self._length = len(self._head) + header.width * rows * header.channels * bits // 8
        self._position = 0
        self._given = len(self._head)
        self._waiting: deque[memoryview] = deque()
        self._waiting_bytes = 0
        self._closed = False
        self._source: Any = None
        self._change = threading.Condition()

    def put(self, rows: Pixels) -> bool:
        """Queues `rows`; waits while the queue is full. False once nothing reads any more."""
        # The caller may use its buffer for the next band.
        data = memoryview(rows.tobytes())
        with self._change:
            while not self._closed and self._waiting_bytes >= _WAITING_BYTES:
                if self._check is not None:
                    self._check()
                self._change.wait(_CHECK_EVERY_S)
            if self._closed:
                return False
            self._waiting.append(data)
            self._waiting_bytes += len(data)
            self._change.notify_all()
            return True

    def close(self) -> None:
        """Wakes both sides; rows that have not been read yet are dropped."""
        with self._change:
            self._closed = True
            self._waiting.clear()
            self._change.notify_all()

    def release(self) -> None:
        """Releases libvips once nothing reads any more: source and feed hold each other."""
        self._source = None

    def image(self) -> Any:
        """The libvips picture that these rows become."""
        source = vips().SourceCustom()
        source.on_read(self._read)
        source.on_seek(self._seek)
        # libvips calls back through this object, and keeps no reference to it.
        self._source = source
        return vips().Operation.call(
            "tiffload_source", source, access="sequential", fail_on="truncated"
        )

    def _read(self, size: int) -> bytes | memoryview:
        if self._position < len(self._head):
            part: bytes | memoryview = self._head[self._position : self._position + size]
        elif self._position != self._given:
            return b""  # only the next rows exist
        else:
            with self._change:
                self._change.wait_for(lambda: self._closed or self._waiting)
                if not self._waiting:
                    return b""
                first = self._waiting.popleft()
                part = first[:size]
                if len(first) > size:
                    self._waiting.appendleft(first[size:])
                self._waiting_bytes -= len(part)
                self._given += len(part)
                self._change.notify_all()
        self._position += len(part)
        return part

    def _seek(self, offset: int, whence: int) -> int:
        origin = (0, self._position, self._length)[whence]
        self._position = origin + offset
        return self._position
