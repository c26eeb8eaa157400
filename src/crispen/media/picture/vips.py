"""libvips, loaded on first use, and its errors in one line."""

from __future__ import annotations

import functools
import importlib
import logging
import os
import re
from typing import Any

DAMAGED = "the data in it is damaged"
ENDS_EARLY = "it ends in the middle"


class NotUnderstood(ValueError):
    """A complete file of a kind that Crispen does not read.

    Attributes:
        why: What kind it is.
        advice: What to do about it.
    """

    def __init__(self, why: str, advice: str) -> None:
        super().__init__(why)
        self.why = why
        self.advice = advice


@functools.cache
def vips() -> Any:
    """The ``pyvips`` module, set up for streaming."""
    # pyvips handles libvips' warnings only until Python exits; later ones would be printed.
    os.environ.setdefault("VIPS_WARNING", "0")  # any value hides them
    module: Any = importlib.import_module("pyvips")
    # Messages quote bytes of damaged files, and pyvips decodes them as UTF-8.
    module._to_string = module.error._to_string = functools.partial(_words, module.ffi)
    # The operation cache would keep finished pictures, and the files below them, alive.
    module.cache_set_max(0)
    # Messages such as "unknown TIFF tag" do not concern the user; real failures are raised.
    logging.getLogger("pyvips").setLevel(logging.ERROR)
    return module


def _words(ffi: Any, pointer: Any) -> str:
    """The text at `pointer`, whatever its encoding."""
    if pointer == ffi.NULL:
        return "NULL"
    found = ffi.string(pointer)
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)


def reason(error: Exception | str) -> str:
    r"""What libvips said, in one short line without its own function names.

    >>> reason("unable to fetch\n  VipsJpeg: premature end of JPEG image\n")
    'premature end of JPEG image'
    """
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines[1:] if line] or lines[:1] or [""]
    text = said[0]
    text = re.sub(r"^(VipsJpeg|vipspng|webp|heif|\w+_source|tiff2vips): *", "", text)
    if not text or text.startswith("unable to ") or text == "libpng read error":
        return DAMAGED
    if "bad seek to " in text:
        return ENDS_EARLY
    return text[:120]
