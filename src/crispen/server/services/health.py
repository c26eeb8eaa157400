"""Whether the server works, and its gauges."""

from __future__ import annotations

import time
from collections.abc import Mapping

from crispen import __version__
from crispen.jobs.pool import Pool
from crispen.jobs.states import Status
from crispen.jobs.supervisor import Supervisor
from crispen.server.api_errors import ApiError
from crispen.server.schemas import Health
from crispen.server.services.data_folder import DataFolder
from crispen.server.services.events import JobEvents


class HealthCheck:
    """The state of one server, without waiting for anything.

    Args:
        supervisor: Its background loops.
        pool: Its workers.
        events: Counts its jobs.
        folder: Its files.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        pool: Pool,
        events: JobEvents,
        folder: DataFolder,
    ) -> None:
        self._supervisor = supervisor
        self._pool = pool
        self._events = events
        self._folder = folder

    def check(self) -> Health:
        """That it works.

        Raises:
            ApiError: It does not.
        """
        troubles = self._troubles()
        alive, fewest = self._pool.alive, self._pool.fewest
        if alive < fewest:
            troubles["workers"] = f"{alive} of {fewest} are alive"
        if troubles:
            # Anybody may ask, so the reasons (with host names and paths) are only in the log.
            raise ApiError(
                503,
                "degraded",
                f"degraded: {', '.join(sorted(troubles))}; the server keeps trying, "
                "and its log says why",
                {"Retry-After": "5"},
            )
        counts = self._events.counts
        return Health(
            status="ok",
            version=__version__,
            workers=alive,
            queued=counts[Status.QUEUED],
            running=counts[Status.RUNNING],
        )

    def gauges(self) -> Mapping[str, tuple[str, float]]:
        """Descriptions and values for Prometheus, by name."""
        gauges = {
            f"jobs_{status.value}": (f"Jobs that are {status.value} now.", float(count))
            for status, count in self._events.counts.items()
        }
        return gauges | {
            "troubles": (
                "Background loops and workers in a degraded state.",
                float(len(self._troubles())),
            ),
            "workers": ("Workers that can take jobs.", float(self._pool.alive)),
            "stored_bytes": ("Bytes of uploads and jobs.", float(self._folder.used_bytes())),
            "free_bytes": ("Free bytes on the disk.", float(self._folder.free_bytes())),
            "time_seconds": ("Time of this request, in seconds since 1970.", time.time()),
        }

    def _troubles(self) -> dict[str, str]:
        return self._supervisor.troubles | self._pool.troubles
