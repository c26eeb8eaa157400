"""A server begins once, leaves nothing held when it cannot, and ends as often as it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from crispen.errors import OutputError, UsageError
from crispen.server.services.assembly import assemble

from ..conftest import local
from .test_job_access import spec


def test_beginning_twice_is_beginning_once(tmp_path: Path) -> None:
    services = assemble(local(tmp_path, workers=0))
    services.lifecycle.begin()
    services.lifecycle.begin()
    services.lifecycle.end()
    services.lifecycle.end()


def test_a_second_server_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    first, second = (assemble(local(tmp_path, workers=0)) for _ in range(2))
    first.lifecycle.begin()
    with pytest.raises(OutputError, match="another server"):
        second.lifecycle.begin()
    first.lifecycle.end()
    second.lifecycle.begin()
    second.lifecycle.end()


def test_what_cannot_begin_holds_no_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    owner = assemble(local(tmp_path / "a", workers=0, database_url=url))
    owner.lifecycle.begin()
    owner.store.add(spec("a" * 32, "me"))
    owner.lifecycle.end()
    other = assemble(local(tmp_path / "b", workers=0, database_url=url))
    with pytest.raises(UsageError, match="folder"):
        other.lifecycle.begin()
    other.lifecycle.end()
    alone = assemble(local(tmp_path / "b", workers=0))
    alone.lifecycle.begin()
    alone.lifecycle.end()
