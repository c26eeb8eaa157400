"""Errors and notes in words for the users of the page and the API.

The lower packages write for the command line: their advice names options, which do not exist here.
"""

from __future__ import annotations

import errno
import os
import re

_LIMIT = re.compile(r"; if you trust the file, raise it with --max-pixels .*$")
_DAMAGED = re.compile(r", or read what is left of it with --keep-damaged$")
_AS_IS = re.compile(r"; --as-is only enlarges$")
_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]+)")

_FULL = (errno.ENOSPC, errno.EDQUOT)


def disk_is_full(error: Exception) -> bool:
    """Whether an error says that there is no room left, in whatever way it was raised.

    >>> disk_is_full(OSError(errno.ENOSPC, "No space left on device"))
    True
    """
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    return any(os.strerror(code) in str(error) for code in _FULL)


def for_everyone(message: str) -> str:
    """The line of an error or a note without command-line options.

    >>> for_everyone("a shipped model is called 'photo-x2'; choose another --name")
    "a shipped model is called 'photo-x2'; choose another name"
    """
    line = " ".join(message.split())
    line = _LIMIT.sub(
        "; make it smaller, or ask the administrator of the server to raise max_pixels", line
    )
    line = _DAMAGED.sub("", line)
    line = _AS_IS.sub("", line)
    return _OPTION.sub(lambda match: match[1].replace("-", " "), line)
