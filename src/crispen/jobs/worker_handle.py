"""The pool's view of one worker process."""

from __future__ import annotations

import contextlib
import time
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess


class WorkerHandle:
    """A worker process and our end of its pipe.

    Args:
        process: The process.
        pipe: Messages to and from it.
    """

    def __init__(self, process: SpawnProcess, pipe: Connection) -> None:
        self.process = process
        self.pipe = pipe
        self.name = ""
        self.began = self.heard = time.monotonic()
        self.used = False
        self.trouble = ""
        self._idle = False
        self._wanted = False

    def say(self, word: str) -> None:
        """Send it a message; a dead worker ignores it."""
        with contextlib.suppress(OSError):
            self.pipe.send(word)

    def wake(self) -> None:
        """Wake it now or before it next sleeps; at most one message is in flight.

        A busy worker does not read, and writing into a full pipe blocks.
        """
        if self._idle:
            self._idle = False
            self.say("wake")
        else:
            self._wanted = True

    def rests(self) -> None:
        """It found nothing to do."""
        self._idle = True
        if self._wanted:
            self._wanted = False
            self.wake()
