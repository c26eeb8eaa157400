"""Metrics for Prometheus."""

from __future__ import annotations

from ..conftest import Api, Live


def test_metrics(api: Api, live: Live) -> None:
    api.get("/health")
    text = api.get(f"{live.url}/metrics").text
    assert "crispen_requests_total" in text
    assert "crispen_workers 1.0" in text
    assert "crispen_jobs_queued 0.0" in text
    # Paths of clients do not become names of series.
    api.get("/nothing-like-this")
    assert "nothing-like-this" not in api.get(f"{live.url}/metrics").text
