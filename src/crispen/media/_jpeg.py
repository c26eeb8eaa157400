"""What libjpeg says of a file it refuses, in words that say what to do."""

from __future__ import annotations

import re

from crispen.media._vips import DAMAGED, ENDS_EARLY

_DEPTH = re.compile(r"Unsupported JPEG data precision (\d+)")


def explain(said: str) -> tuple[str, str]:
    """What is wrong with the file, and what helps where a fresh copy would not.

    Args:
        said: One of libjpeg's hundred messages; all that are not listed here mean damage.

    >>> explain("Corrupt JPEG data: 1 extraneous bytes before marker 0xdb")
    ('the data in it is damaged', '')
    >>> explain("Unsupported JPEG data precision 12")[0]
    'it stores 12 bits a channel, and only 8 are read'
    """
    depth = _DEPTH.search(said)
    if depth is not None:
        why = f"it stores {depth[1]} bits a channel, and only 8 are read"
        return why, "save it as 16-bit TIFF or PNG with the program that made it"
    if "Unsupported JPEG process" in said or "arithmetic coding" in said:
        return "it is of a rare kind of JPEG", "save it as PNG with the program that made it"
    if "premature end" in said:
        return ENDS_EARLY, ""
    return DAMAGED, ""
