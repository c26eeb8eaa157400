"""Which running jobs have stopped giving a sign of life."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crispen.jobs.job import Job

# A round that took longer than this does not count as time spent watching.
_MOST_ROUND_S = 1.0
# Whether the database can be written is checked this often even when nothing happens.
_PROBE_S = 10.0


class SilenceWatch:
    """How long each running job's row has not changed, on the monotonic clock.

    A live worker changes the row of its job five times a second. Time in which the database
    could not be written does not count, since no worker could report then. Nor do jumps of the
    clock.

    Args:
        lease_s: How long is too long.
        probe: Writes to the database, or raises.
    """

    def __init__(self, lease_s: float, probe: Callable[[], None]) -> None:
        self._lease_s = lease_s
        self._probe = probe
        self._quiet: dict[tuple[str, str | None], tuple[float, float]] = {}
        self._looked = -_PROBE_S
        self._probed = -_PROBE_S

    def look(self, running: Sequence[Job], now: float) -> list[Job]:
        """Those that have been silent for the length of a lease.

        Raises:
            StoreError: The database cannot be written.
        """
        since = min(now - self._looked, _MOST_ROUND_S)
        self._looked = now
        old, quiet = self._quiet, {}
        for job in running:
            key = job.id, job.worker
            updated, quiet_s = old.get(key, (job.updated, -since))
            quiet[key] = (updated, quiet_s + since) if updated == job.updated else (job.updated, 0)
        if now - self._probed >= _PROBE_S or any(quiet_s for _, quiet_s in quiet.values()):
            self._probe()
            self._probed = now
        self._quiet = quiet
        return [job for job in running if quiet[job.id, job.worker][1] > self._lease_s]
