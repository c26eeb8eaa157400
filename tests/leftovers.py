"""What is left in a server's folder, while the server may be deleting it."""

from __future__ import annotations

import os
from pathlib import Path


def leftovers(data: Path) -> list[str]:
    """Files and folders of uploads, jobs and bodies on their way, below the server's folder.

    Folders that go while they are read are passed over; `Path.rglob` raises FileNotFoundError.
    """
    return sorted(
        os.path.relpath(Path(folder, name), data)
        for kind in ("uploads", "jobs", "drafts")
        for folder, folders, files in os.walk(data / kind)
        for name in (*folders, *files)
    )
