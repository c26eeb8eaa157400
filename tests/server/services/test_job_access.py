"""Jobs are found by their own clients only."""

from __future__ import annotations

from pathlib import Path

import pytest

from crispen.enhance.request import Request
from crispen.jobs.job import JobSpec
from crispen.jobs.job_facts import JobResult, Source
from crispen.jobs.job_store import JobStore
from crispen.server.api_errors import ApiError
from crispen.server.services.job_access import JobAccess

SOURCE = Source(
    kind="image", type="image/png", format="png", width=8, height=6, bytes=99, viewable=True
)
RESULT = JobResult(name="a.png", type="image/png", width=16, height=12, bytes=9, viewable=True)


def spec(id: str, client: str) -> JobSpec:
    return JobSpec(id=id, client=client, name="a.png", options=Request(), source=SOURCE)


def test_another_clients_job_does_not_exist(tmp_path: Path) -> None:
    store = JobStore(f"sqlite:///{tmp_path / 'queue.db'}")
    store.add(spec("a" * 32, "me"))
    access = JobAccess(store)
    assert access.find("me", "a" * 32).name == "a.png"
    messages = set()
    for client, id in (("you", "a" * 32), ("me", "b" * 32)):
        with pytest.raises(ApiError) as error:
            access.find(client, id)
        assert error.value.status == 404
        messages.add(str(error.value))
    assert len(messages) == 1  # nobody learns which of the two it was
    store.close()


def test_only_a_job_that_is_done_has_a_result(tmp_path: Path) -> None:
    store = JobStore(f"sqlite:///{tmp_path / 'queue.db'}")
    store.add(spec("a" * 32, "me"))
    access = JobAccess(store)
    with pytest.raises(ApiError, match="the job is queued") as error:
        access.done("me", "a" * 32)
    assert error.value.status == 409
    assert access.all_done("me") == []
    job = store.claim("w", 60.0)
    assert job is not None
    store.finish(job, RESULT, ["espcn-x2"])
    assert access.done("me", "a" * 32).result == RESULT
    assert [one.id for one in access.all_done("me")] == ["a" * 32]
    store.close()
