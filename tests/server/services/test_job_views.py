"""Jobs as the API shows them: places in the queue, and when they are deleted."""

from __future__ import annotations

from pathlib import Path

from crispen.jobs.job_store import JobStore
from crispen.server.services.job_views import JobViews

from .test_job_access import RESULT, spec


def test_places_and_expiry(tmp_path: Path) -> None:
    store = JobStore(f"sqlite:///{tmp_path / 'queue.db'}")
    ids = [letter * 32 for letter in "abc"]
    for id in ids:
        store.add(spec(id, "me"))
    views = JobViews(store, result_ttl_s=100.0)
    assert {view.id: view.position for view in views.all_of("me")} == dict(
        zip(ids, (1, 2, 3), strict=True)
    )
    first = store.claim("w", 60.0)
    assert first is not None
    assert views.of(first).position is None
    assert views.of(first).expires is None
    store.finish(first, RESULT, ["espcn-x2"])
    done = store.get(first.id)
    assert done is not None
    assert done.finished is not None
    view = views.of(done)
    assert view.expires == done.finished + 100.0
    assert (view.models, view.result) == (["espcn-x2"], RESULT)
    waiting = store.get(ids[2])
    assert waiting is not None
    assert views.of(waiting).position == 2
    assert views.of(waiting, {ids[2]: 7}).position == 7
    assert views.all_of("you") == []
    store.close()
