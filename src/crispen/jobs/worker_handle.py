"""The pool's view of one worker, wherever it runs."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from multiprocessing.connection import Connection


class WorkerHandle(ABC):
    """A worker and our end of the pipe on which its messages arrive.

    Args:
        pipe: The messages, each a word and a value; end of file once the worker has ended.

    Attributes:
        name: Name under which it holds jobs; empty until it has said it.
        heard: Time of its last message, on the monotonic clock.
        began: Time at which it was started, on the same clock.
        used: Whether it has had a job.
        trouble: What it reports to be wrong, if anything is.
    """

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self.name = ""
        self.began = self.heard = time.monotonic()
        self.used = False
        self.trouble = ""
        self._idle = False
        self._wanted = False

    @property
    @abstractmethod
    def pid(self) -> int | None:
        """Number of its process on its machine; None before it has one."""

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether it has not ended; it may still be starting."""

    @property
    @abstractmethod
    def ready(self) -> bool:
        """Whether it is alive and can take jobs."""

    @property
    @abstractmethod
    def fate(self) -> str:
        """How it ended, such as ``was ended by SIGTERM``; for the log and for its job's error."""

    @property
    def label(self) -> str:
        """What the log calls it."""
        return str(self.pid)

    @abstractmethod
    def say(self, word: str) -> None:
        """Send it a message; a dead worker ignores it."""

    @abstractmethod
    def kill(self) -> None:
        """End it, whatever it is doing."""

    @abstractmethod
    def join(self, timeout_s: float | None = None) -> None:
        """Wait until it has ended, or for `timeout_s` seconds."""

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
