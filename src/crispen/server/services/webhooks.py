"""Tells other servers that jobs have ended.

Messages wait in the database, so that a restart loses none; a receiver that does not answer is
tried again ever later. It may get a message twice, always under the same id.
"""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime

from crispen.errors import CrispenError, UsageError
from crispen.jobs.job import Job
from crispen.jobs.webhook_store import Message, WebhookStore
from crispen.server.services.database_threads import DatabaseThreads
from crispen.server.services.webhook_sending import TIMEOUT_S, NotTaken, check_url, send

log = logging.getLogger("crispen.server")

# Seconds before each further try; a message that nobody takes for a day is given up.
WAITS_S = (5.0, 30.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 36_000.0)
_LEASE_S = 4 * TIMEOUT_S


class Webhooks:
    """Checks who may be told, and tells them.

    Args:
        store: Where messages wait.
        database: Threads to ask it in.
        key: What messages are signed with; None where nobody is told.
        hosts: Who may be told.
        private: Whether addresses of the local network may.
    """

    def __init__(
        self,
        store: WebhookStore,
        database: DatabaseThreads,
        *,
        key: bytes | None,
        hosts: tuple[str, ...],
        private: bool,
    ) -> None:
        self._store = store
        self._database = database
        self._key = key
        self._hosts = hosts
        self._private = private

    @property
    def on(self) -> bool:
        """Whether anybody may be told."""
        return self._key is not None and bool(self._hosts)

    def check(self, url: str | None) -> None:
        """Refuse an address that may not be told.

        Raises:
            UsageError: It may not.
        """
        if url is None:
            return
        if not self.on:
            raise UsageError("webhook: this server tells nobody; its webhook_hosts are not set")
        check_url(url, self._hosts)

    def add(self, job: str, url: str | None) -> None:
        """Tell an address that was checked when a job ends."""
        if url is not None:
            self._store.add(job, url)

    async def round(self) -> None:
        """Tell what is due."""
        await self._database.run(self._store.collect, body_of)
        messages = await self._database.run(self._store.claim, _LEASE_S)
        await asyncio.gather(*map(self._tell, messages))

    async def _tell(self, message: Message) -> None:
        assert self._key is not None
        try:
            await asyncio.to_thread(
                send,
                message.url,
                message.id,
                message.body.encode(),
                self._key,
                hosts=self._hosts,
                private=self._private,
            )
        except NotTaken as error:
            tries = message.tries
            wait_s = WAITS_S[tries] if tries < len(WAITS_S) else None
            level = logging.INFO if wait_s is not None else logging.WARNING
            after = f"again in {wait_s:.0f} s" if wait_s is not None else "given up"
            log.log(level, "webhook of job %s: %s; %s", message.job, error, after)
            await self._database.run(self._store.failed, message, str(error), wait_s)
        except CrispenError as error:  # the settings allow it no longer
            log.warning("webhook of job %s: %s", message.job, error)
            await self._database.run(self._store.failed, message, str(error), None)
        else:
            await self._database.run(self._store.sent, message)


def body_of(job: Job) -> str:
    """What is told of a job that has ended."""
    assert job.finished is not None
    about = {
        "type": f"job.{job.status.value}",
        "timestamp": datetime.fromtimestamp(job.finished, UTC).isoformat(),
        "data": {
            "id": job.id,
            "name": job.name,
            "status": job.status.value,
            "error": job.error,
            "result": None if job.result is None else job.result.model_dump(mode="json"),
        },
    }
    return json.dumps(about)
