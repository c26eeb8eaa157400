"""Webhooks: messages to other servers when jobs end.

Messages wait in the database, so that a restart loses none. Failed deliveries are retried with
growing delays. A receiver may get a message more than once, always under the same id.
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
from crispen.server.services.webhook_sending import TIMEOUT_S, NotDelivered, check_url, send

log = logging.getLogger("crispen.server")

# Seconds before each retry; a message that was not delivered within a day is dropped.
WAITS_S = (5.0, 30.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 36_000.0)
_LEASE_S = 4 * TIMEOUT_S


class Webhooks:
    """Checks the addresses of webhooks, and delivers their messages.

    Args:
        store: Holds messages until they are delivered.
        database: Threads that query it.
        key: Signs messages; None if webhooks are off.
        hosts: The allowed host names; none turns webhooks off.
        private: Whether this machine and the local network are allowed.
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
        """Whether webhooks are on."""
        return self._key is not None and bool(self._hosts)

    def check(self, url: str | None) -> None:
        """Refuse an address that is not allowed.

        Raises:
            UsageError: It is not allowed, or webhooks are off.
        """
        if url is None:
            return
        if not self.on:
            raise UsageError(
                "webhook: this server sends no webhooks; ask its operator to set webhook_hosts"
            )
        check_url(url, self._hosts)

    def add(self, job: str, url: str | None) -> None:
        """Notify a checked address when a job ends."""
        if url is not None:
            self._store.add(job, url)

    async def round(self) -> None:
        """Deliver the messages that are due."""
        await self._database.run(self._store.collect, body_of)
        messages = await self._database.run(self._store.claim, _LEASE_S)
        await asyncio.gather(*map(self._deliver, messages))

    async def _deliver(self, message: Message) -> None:
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
        except NotDelivered as error:
            tries = message.tries
            wait_s = WAITS_S[tries] if tries < len(WAITS_S) else None
            level = logging.INFO if wait_s is not None else logging.WARNING
            after = f"again in {wait_s:.0f} s" if wait_s is not None else "dropped"
            log.log(level, "webhook of job %s: %s; %s", message.job, error, after)
            await self._database.run(self._store.failed, message, str(error), wait_s)
        except CrispenError as error:  # no longer allowed by the settings
            log.warning("webhook of job %s: %s", message.job, error)
            await self._database.run(self._store.failed, message, str(error), None)
        else:
            await self._database.run(self._store.sent, message)


def body_of(job: Job) -> str:
    """The body of the message about a job that has ended."""
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
