"""SMPTE timecodes (ST 12-1): the label of a frame some frames later."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

_CODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")
_DAY_H = 24


def advanced(code: str, frames: int, rate: Fraction) -> str:
    """The timecode `frames` later; one that cannot be parsed stays as it is.

    With drop-frame counting (a semicolon or a point before the frames) every minute except each
    tenth skips the first two labels, or four at 60 frames a second.

    Args:
        code: Such as ``01:00:00:00``.
        frames: How many later.
        rate: Frames per second.

    >>> advanced("00:00:59;29", 1, Fraction(30000, 1001))
    '00:01:00;02'
    """
    found = _CODE.fullmatch(code.strip())
    nominal = round(rate)
    if found is None or not nominal:
        return code
    hours, minutes, seconds, frame = (int(found[n]) for n in (1, 2, 3, 5))
    mark = found[4]
    dropped = nominal // 15 if mark != ":" and nominal % 30 == 0 else 0
    passed = 60 * hours + minutes
    count = (60 * passed + seconds) * nominal + frame - dropped * (passed - passed // 10) + frames
    ten = 600 * nominal - 9 * dropped
    count %= _DAY_H * 6 * ten
    tens, rest = divmod(count, ten)
    # The first of ten minutes has all its labels; in the others, skipped ones are added back.
    minute = 60 * nominal - dropped
    later = 0 if rest < 60 * nominal else 1 + (rest - 60 * nominal) // minute
    label = count + dropped * (9 * tens + later)
    whole, frame = divmod(label, nominal)
    minutes, seconds = divmod(whole, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{mark}{frame:02}"


def with_timecode(tags: Mapping[str, str], frames: int, rate: Fraction | None) -> dict[str, str]:
    """Tags of a part of a clip that begins that many frames later."""
    if not frames or not rate:
        return dict(tags)
    return {k: advanced(v, frames, rate) if k.lower() == "timecode" else v for k, v in tags.items()}
