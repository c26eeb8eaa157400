"""``crispen play`` as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx


class Player:
    """The process, as far as the line that says where it is."""

    def __init__(self, clip: Path, *options: str) -> None:
        words = ["play", str(clip), "--no-open", "--device", "cpu", "--threads", "1", *options]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "crispen", *words],
            env=os.environ | {"NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.summary = self._process.stdout.readline().strip()
        line = self._process.stdout.readline()
        assert "Ctrl-C" in line, (line, self._process.communicate())
        self.url = line.split()[2]
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def status(self, viewer: str) -> dict[str, object]:
        said: dict[str, object] = self.http.get("status", params={"viewer": viewer}).json()
        return said

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        """Its exit code, and what else it said."""
        self.http.close()
        if self._process.poll() is None:
            self._process.send_signal(number)
        out, err = self._process.communicate(timeout=60)
        return self._process.returncode, out, err
