"""Where Crispen keeps what belongs to the user: by the system's own conventions.

Few commands need them, so that platformdirs is imported late.
"""

from __future__ import annotations

from pathlib import Path


def data_folder(*parts: str) -> Path:
    """Below the folder for what must stay, such as models.

    Args:
        parts: Names of folders and, at the end, of a file; nothing is created.
    """
    import platformdirs

    return Path(platformdirs.user_data_dir("crispen", appauthor=False), *parts)


def cache_folder(*parts: str) -> Path:
    """Below the folder for what can be fetched or made again.

    Args:
        parts: As for `data_folder`.
    """
    import platformdirs

    return Path(platformdirs.user_cache_dir("crispen", appauthor=False), *parts)
