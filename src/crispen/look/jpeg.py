"""A JPEG file's own compression: quantisation tables and colour subsampling.

Read from the bytes before the first scan, so nothing is decoded.
"""

from __future__ import annotations

import numpy as np

# ITU-T T.81, table K.1, whose multiples nearly every encoder uses.
_LUMA = (
    *(16, 11, 10, 16, 24, 40, 51, 61),
    *(12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77),
    *(24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101),
    *(72, 92, 95, 98, 112, 100, 103, 99),
)
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_ALONE = {0x01, *range(0xD0, 0xD9)}
_SCAN, _TABLES = 0xDA, 0xDB
_SUBSAMPLING = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1"}


def read_tables(data: bytes) -> tuple[float, str] | None:
    """How coarsely a JPEG quantises, and its subsampling.

    Args:
        data: The file, or everything before the first scan.

    Returns:
        The step in per cent of libjpeg's tables (see `crispen.models.dials.jpeg_step`), and
        ``4:2:0`` and so on, or ``grey`` if there is one component. None if it is not a JPEG or has
        no luma table.
    """
    if data[:2] != b"\xff\xd8":
        return None
    tables: dict[int, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
    subsampling = ""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        kind = data[at + 1]
        if kind == 0xFF:
            at += 1
            continue
        if kind in _ALONE:
            at += 2
            continue
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + size]
        if kind == _SCAN:
            break
        if kind == _TABLES:
            tables |= _tables_in(body)
        elif kind in _FRAMES:
            subsampling = _subsampling(body)
        at += 2 + size
    if 0 not in tables:
        return None
    return _step(tables[0]), subsampling


def _tables_in(body: bytes) -> dict[int, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    found = {}
    at = 0
    while at < len(body):
        wide, number = body[at] >> 4, body[at] & 15
        length = 128 if wide else 64
        values = np.frombuffer(body[at + 1 : at + 1 + length], ">u2" if wide else "u1")
        if len(values) == 64:
            found[number] = values.astype(np.float64)
        at += 1 + length
    return found


def _subsampling(body: bytes) -> str:
    if len(body) < 9 or body[5] < 3:
        return "grey"
    across, down = body[7] >> 4, body[7] & 15
    return _SUBSAMPLING.get((across, down), f"{across}x{down}")


def _zigzag() -> list[int]:
    """The index in row order of each place of the zigzag."""
    places = sorted(
        ((r, c) for r in range(8) for c in range(8)),
        key=lambda p: (p[0] + p[1], p[0] if (p[0] + p[1]) % 2 else p[1]),
    )
    return [8 * r + c for r, c in places]


def _step(table: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Per cent of the standard table, over the most visible frequencies."""
    standard = np.array(_LUMA, np.float64)[_zigzag()]
    return float(100 * table[:28].sum() / standard[:28].sum())
