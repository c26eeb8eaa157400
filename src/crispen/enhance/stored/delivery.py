"""Uploads results to their stores, several in parallel, while the next files are processed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crispen.enhance.outcome import Outcome
from crispen.enhance.stored.record import StoredRecord, refused
from crispen.errors import Cancelled, CrispenError
from crispen.progress import Progress
from crispen.stores.store import Store

# Limits of a batch of results, for which one file of notes is written: the first one reached.
_MOST_FILES = 32
_MOST_BYTES = 128 << 20
_MOST_S = 2.0
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A destination of results.

    Attributes:
        store: The folder.
        record: How the results in it were made.
    """

    store: Store
    record: StoredRecord


@dataclass(frozen=True, slots=True)
class Ready:
    """A result that is ready for upload.

    Attributes:
        outcome: Its outcome if the upload succeeds.
        place: Destination.
        name: Name in the destination's folder.
        path: Local path.
        note: How it was made, for the record; None if the user named the file.
        done: Called after the upload.
    """

    outcome: Outcome
    place: Place
    name: str
    path: Path
    note: dict[str, Any] | None
    done: Callable[[], None]


class Delivery:
    """Uploads results in the background; use it in a ``with`` block.

    Args:
        progress: Can cancel.
        overwrite: Replace existing files.
    """

    def __init__(self, progress: Progress, *, overwrite: bool) -> None:
        self._overwrite = overwrite
        self._progress = progress
        self._waiting: list[Ready] = []
        self._bytes = 0
        self._since = 0.0
        self._turns = ThreadPoolExecutor(1, "crispen-delivery")
        self._uploads = ThreadPoolExecutor(_AT_ONCE, "crispen-upload")
        self._sending: Future[list[Outcome]] | None = None

    def add(self, ready: Ready) -> Iterator[Outcome]:
        """Queues a result; yields the outcomes of earlier ones whose upload has ended."""
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(ready)
        self._bytes += ready.path.stat().st_size
        yield from self.told()
        if (
            len(self._waiting) >= _MOST_FILES
            or self._bytes >= _MOST_BYTES
            or time.monotonic() - self._since >= _MOST_S
        ):
            yield from self._flush()

    def told(self) -> Iterator[Outcome]:
        """Outcomes of uploads that ended since the last call."""
        if self._sending is not None and self._sending.done():
            yield from self._sent()

    def finish(self) -> Iterator[Outcome]:
        """Uploads the remaining results and yields their outcomes."""
        yield from self._flush()
        yield from self._sent()

    def __enter__(self) -> Delivery:
        return self

    def __exit__(self, *_: object) -> None:
        self._uploads.shutdown(cancel_futures=True)
        self._turns.shutdown(cancel_futures=True)

    def _flush(self) -> Iterator[Outcome]:
        yield from self._sent()  # limits the queue to two batches
        if self._waiting:
            batch, self._waiting, self._bytes = self._waiting, [], 0
            self._sending = self._turns.submit(self._send, batch)

    def _sent(self) -> Iterator[Outcome]:
        if self._sending is not None:
            sending, self._sending = self._sending, None
            yield from sending.result()

    def _send(self, batch: Sequence[Ready]) -> list[Outcome]:
        began = time.monotonic()
        told = {}
        for place in {id(ready.place): ready.place for ready in batch}.values():
            notes = [r.note for r in batch if r.place is place and r.note is not None]
            try:
                if notes:
                    place.record.write(notes)
            except Cancelled:
                raise
            except CrispenError as error:
                told[id(place)] = (refused(error),)
        outcomes = list(self._uploads.map(self._one, batch))
        share = (time.monotonic() - began) / len(batch)
        return [
            replace(
                outcome,
                seconds=outcome.seconds + share,
                notes=(*outcome.notes, *told.get(id(ready.place), ())),
            )
            for ready, outcome in zip(batch, outcomes, strict=True)
        ]

    def _one(self, ready: Ready) -> Outcome:
        try:
            ready.place.store.put(
                ready.path, ready.name, overwrite=self._overwrite, progress=self._progress
            )
        except Cancelled:
            raise
        except CrispenError as error:
            done = ready.outcome
            failure = Outcome.failure(done.source, done.target, str(error), error.exit_code)
            return replace(failure, seconds=done.seconds)
        ready.done()
        return ready.outcome
