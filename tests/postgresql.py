"""A PostgreSQL of the tests' own, where Debian's server or another one is installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


def _programs() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``, which Debian keeps off the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.insert(0, Path(on_path).parent)
    return next((f for f in folders if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)


class Cluster:
    """A server in a folder, reached over the loopback interface."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._data = folder / "data"
        # It refuses to run as root; Debian's package brings a user for it.
        self._user: list[str] = []
        if os.geteuid() == 0:
            self._user = ["runuser", "-u", "postgres", "--"]
            shutil.chown(folder, "postgres")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._run("initdb", "--auth=trust", "--username=crispen", "--no-sync", "-D", self._data)
        self._options = f"-p {self.port} -h 127.0.0.1 -k '' -F"

    def start(self) -> None:
        log = self._data / "log"
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-l", log, "-o", self._options)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-m", "immediate", "-D", self._data)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://crispen@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new, empty database."""
        name = f"t{time.monotonic_ns()}"
        # Not at the top: the tests of the small install collect this file too.
        from sqlalchemy import NullPool, create_engine, text

        admin = create_engine(
            self.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool
        )
        try:
            with admin.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
            yield self.url(name)
            with admin.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        finally:
            admin.dispose()

    def _run(self, program: str, *arguments: object) -> None:
        command = [*self._user, str(self._programs / program), *map(str, arguments)]
        # What it starts keeps its streams, so that they must not be pipes.
        done = subprocess.run(
            command,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            timeout=120,
        )
        assert done.returncode == 0, command


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A running server; the test is skipped where there is none to run."""
    pytest.importorskip("psycopg", reason="pip install 'crispen[postgresql]'")
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    # Not among pytest's folders, which are their owner's only: the server may run as another user.
    with tempfile.TemporaryDirectory(prefix="crispen-postgresql-") as folder:
        found = Cluster(programs, Path(folder))
        found.start()
        try:
            yield found
        finally:
            with suppress(AssertionError):
                found.stop()
