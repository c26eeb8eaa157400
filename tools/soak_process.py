"""A server process, started, stopped and killed, for `tools/soak.py`."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
from pathlib import Path


class ServerProcess:
    """Base of both soak servers; a subclass starts its own and counts losses.

    Args:
        chance: Decides which worker is killed.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._server: subprocess.Popen[bytes] | None = None

    def _start(self) -> None:
        raise NotImplementedError

    def _lost(self, what: str) -> None:
        raise NotImplementedError

    def _restart(self) -> None:
        assert self._server is not None
        if self._server.poll() is not None:
            self._start()

    def _kill_server(self) -> None:
        assert self._server is not None
        self._server.kill()
        self._server.wait()

    def _kill_all(self) -> None:
        """Kills it as a power cut would."""
        assert self._server is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._server.pid, signal.SIGKILL)
        self._server.wait()

    def _stop_server(self) -> None:
        assert self._server is not None
        self._server.terminate()
        try:
            self._server.wait(60)
        except subprocess.TimeoutExpired:
            self._lost("a server that does not stop")
            self._kill_all()

    def _kill_worker(self) -> None:
        assert self._server is not None
        children = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children")
        with contextlib.suppress(OSError):
            found = children.read_text().split()
            if found:
                os.kill(int(self._chance.choice(found)), signal.SIGKILL)
