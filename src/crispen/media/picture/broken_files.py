"""Distinguishes damaged pictures from unusual ones."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from crispen.errors import InputError
from crispen.media.picture import jpeg_segments
from crispen.media.picture.header import Pixels

_RESTART = re.compile(r"found marker 0x(\w\w) instead of RST(\d)")
_HARMLESS = ("unknown JFIF", "SOS parameters", "Adobe color", "progression sequence")
# Kinds of JPEG that it does not decode, but libvips may.
_OTHER_KINDS = ("tj", "recision", "process", "rithmetic", "color conversion")


class Damaged(InputError):
    """A picture that is damaged.

    Attributes:
        why: In what way, in a few words.
    """

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found out about a file.

    Attributes:
        damage: Damage to its pixels, in the decoder's words; empty if there is none.
        notes: What is unusual, though all pixels are there.
    """

    damage: str = ""
    notes: tuple[str, ...] = ()


def examine_jpeg(data: bytes) -> Examined:
    """What libjpeg says about a JPEG, after reading all of its entropy-coded data.

    libjpeg reports only its first warning. So what is unusual but harmless is corrected first, in a
    copy: any warning is then about the pixels.
    """
    clean, unusual = jpeg_segments.tidy(data)
    said = _libjpeg(clean)
    restart = _RESTART.search(said)
    # libjpeg drops a restart marker that is neither one of the next two nor of the last two.
    if restart and (int(restart[1], 16) - 0xD0 - int(restart[2])) % 8 in (3, 4, 5):
        unusual, said = [*unusual, "a restart marker has a wrong number"], ""
    elif any(words in said for words in _HARMLESS):
        unusual, said = [*unusual, said[0].lower() + said[1:]], ""
    if "premature end" in said and jpeg_segments.NO_END in unusual:
        said = "premature end of JPEG image"
    notes = tuple(f"its JPEG is unusual, and complete: {what}" for what in unusual)
    return Examined(said, notes if not said else ())


def _libjpeg(data: bytes) -> str:
    """The warning from decoding `data`; empty if there is none, or decoding cannot start."""
    import simplejpeg

    try:
        *_, space, _ = simplejpeg.decode_jpeg_header(data)
        simplejpeg.decode_jpeg(
            data,
            "CMYK" if space in ("CMYK", "YCCK") else "GRAY",
            fastdct=True,
            fastupsample=True,
            min_factor=8,  # an eighth of each side: all is read, little is computed
        )
    except ValueError as error:
        said = str(error)
        return "" if any(words in said for words in _OTHER_KINDS) else said
    return ""


class FlatEnd:
    """Counts the rows of one colour at a picture's end: what decoders make of missing data.

    Attributes:
        rows: How many of the rows added.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._last: bytes = b""

    def add(self, band: Pixels) -> None:
        """The next rows."""
        last = band[-1]
        flat = (band == last[:1]).all(axis=(1, 2))
        different = np.flatnonzero(~flat)
        below = len(band) - 1 - int(different[-1]) if len(different) else len(band)
        colour = last[:1].tobytes()
        joined = below == len(band) and colour == self._last
        self.rows = self.rows + below if joined else below
        self._last = colour
