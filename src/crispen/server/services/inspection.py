"""Says what files are, in a helper process, since they are not trusted."""

from __future__ import annotations

from pathlib import Path

from crispen.jobs.file_kinds import Bounds, examine
from crispen.jobs.glance import Found, glance
from crispen.jobs.job_facts import Source
from crispen.server.services.helper_processes import HelperProcesses


class Inspection:
    """Examines files that clients send.

    Args:
        helpers: Read the files.
        bounds: Largest files that are accepted.
    """

    def __init__(self, helpers: HelperProcesses, bounds: Bounds) -> None:
        self._helpers = helpers
        self._bounds = bounds

    async def examine(self, path: Path, name: str) -> Source:
        """What a file is.

        Raises:
            CrispenError: It is no picture or video that can be read, or it is too large.
        """
        return await self._helpers.quick(examine, path, name, self._bounds)

    async def look(self, path: Path, name: str, *, part: bool) -> Found:
        """What a file is and what is wrong with it.

        Args:
            path: The file.
            name: For messages.
            part: It is only the beginning of the file.

        Raises:
            CrispenError: As `examine`.
        """
        return await self._helpers.quick(glance, path, name, self._bounds, part=part)
