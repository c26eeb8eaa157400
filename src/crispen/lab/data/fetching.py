"""Fetches public sets once, with a checksum, into the user's cache."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``$CRISPEN_DATA``, or the platform's cache folder; it may not exist yet."""
    chosen = os.environ.get("CRISPEN_DATA")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("crispen", appauthor=False)) / "data"
