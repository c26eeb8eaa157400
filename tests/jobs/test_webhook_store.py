"""Messages about jobs that ended, in the database."""

from __future__ import annotations

import pytest

from crispen.jobs.job_store import JobStore

URL = "https://example.org/hook"


@pytest.fixture
def ended(store, new_job):
    """A job that failed, with a webhook."""
    spec = new_job()
    store.webhooks.add(spec.id, URL)
    store.add(spec)
    assert store.webhooks.collect(lambda job: "early") == 0
    store.fail(store.claim("w", 30), "broken")
    return spec


def test_a_job_that_ended_is_reported_once(store, ended):
    hooks = store.webhooks
    assert hooks.collect(lambda job: f"{job.id} {job.status.value}") == 1
    assert hooks.collect(lambda job: "again") == 0
    (message,) = hooks.claim(60)
    assert (message.url, message.body, message.tries) == (URL, f"{ended.id} failed", 0)
    assert message.id.startswith(f"msg_{ended.id}_")
    assert hooks.claim(60) == []  # another server's
    hooks.sent(message)
    assert hooks.claim(60) == []


def test_what_was_not_taken_is_due_again_and_survives_a_restart(store, ended, tmp_path):
    hooks = store.webhooks
    hooks.collect(lambda job: "body")
    (message,) = hooks.claim(60)
    hooks.failed(message, "no answer", 0.0)
    store.close()
    later = JobStore(f"sqlite:///{tmp_path / 'queue.db'}")
    (again,) = later.webhooks.claim(60)
    assert (again.id, again.body, again.tries) == (message.id, "body", 1)
    later.webhooks.failed(again, "no answer", 60.0)
    assert later.webhooks.claim(60) == []
    later.close()


def test_a_server_that_dies_while_it_tells_loses_nothing(store, ended):
    store.webhooks.collect(lambda job: "body")
    assert len(store.webhooks.claim(-1)) == 1
    assert len(store.webhooks.claim(60)) == 1


def test_a_job_that_is_tried_again_is_reported_again(store, ended):
    hooks = store.webhooks
    hooks.collect(lambda job: job.status.value)
    (first,) = hooks.claim(60)
    hooks.sent(first)
    store.retry(ended.id)
    assert hooks.collect(lambda job: job.status.value) == 0
    store.cancel(ended.id)
    hooks.collect(lambda job: job.status.value)
    (second,) = hooks.claim(60)
    assert (first.body, second.body) == ("failed", "cancelled")
    assert first.id != second.id


def test_a_deleted_job_notifies_nobody(store, ended):
    store.webhooks.collect(lambda job: "body")
    store.delete(ended.id)
    assert store.webhooks.claim(60) == []
