"""A lossy WebP file's own compression: the quantisers in its frame's header.

Source: J. Bankoski et al., "VP8 data format and decoding guide", RFC 6386, sections 7 and 9; the
container is Google's "WebP container specification". libwebp's map from quality
to quantiser is in its ``src/enc/quant_enc.c`` (``QualityToCompression``).
"""

from __future__ import annotations

from collections.abc import Iterator

_START = b"\x9d\x01\x2a"
_LARGEST = 127
_SEGMENTS = 4


def read_quality(data: bytes) -> float | None:
    """The quality from 0 to 100 at which libwebp quantises this coarsely.

    Args:
        data: The file, or its beginning.

    Returns:
        None if it is not WebP, is lossless or an animation, or is truncated too early.
    """
    frame = next((body for name, body in _chunks(data) if name == b"VP8 "), b"")
    if len(frame) < 12 or frame[0] & 1 or frame[3:6] != _START:
        return None
    return _quality(_quantiser(_Bits(frame[10:])))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _quantiser(bits: _Bits) -> float:
    """The mean index of the segments, from 0 to 127."""
    bits.number(2)  # colour space, clamping
    absolute, changes = False, [0] * _SEGMENTS
    if bits.number(1):  # segments
        has_map, has_values = bits.number(1), bits.number(1)
        if has_values:
            absolute = bool(bits.number(1))
            changes = [bits.signed(7) if bits.number(1) else 0 for _ in range(_SEGMENTS)]
            for _ in range(_SEGMENTS):  # strength of the loop filter
                if bits.number(1):
                    bits.signed(6)
        if has_map:
            for _ in range(3):
                if bits.number(1):
                    bits.number(8)
    else:
        changes = [0]
    bits.number(1 + 6 + 3)  # loop filter
    if bits.number(1) and bits.number(1):  # changes of the filter
        for _ in range(8):
            if bits.number(1):
                bits.signed(6)
    bits.number(2)  # partitions
    base = bits.number(7)
    indices = [change if absolute else base + change for change in changes]
    return sum(min(max(index, 0), _LARGEST) for index in indices) / len(indices)


def _quality(quantiser: float) -> float:
    linear = (1 - quantiser / _LARGEST) ** 3
    return 100 * (1.5 * linear if linear <= 0.5 else (linear + 1) / 2)


class _Bits:
    """The boolean decoder of VP8, at even odds (RFC 6386, section 7).

    Args:
        data: The coded numbers; bytes missing at the end count as zeros.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 2
        self._value = int.from_bytes(data[:2].ljust(2, b"\0"), "big")
        self._range = 255
        self._shifted = 0

    def _bit(self) -> int:
        split = 1 + ((self._range - 1) >> 1)
        bit = self._value >= split << 8
        if bit:
            self._range -= split
            self._value -= split << 8
        else:
            self._range = split
        while self._range < 128:
            self._value <<= 1
            self._range <<= 1
            self._shifted += 1
            if self._shifted == 8:
                self._shifted = 0
                self._value |= self._data[self._at] if self._at < len(self._data) else 0
                self._at += 1
        return int(bit)

    def number(self, bits: int) -> int:
        """A number of that many bits, highest bit first."""
        value = 0
        for _ in range(bits):
            value = 2 * value + self._bit()
        return value

    def signed(self, bits: int) -> int:
        """A magnitude, then its sign."""
        value = self.number(bits)
        return -value if self._bit() else value
