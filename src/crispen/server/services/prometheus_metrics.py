"""Prometheus metrics, in the app's own registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_ODD = "other"


class ServerMetrics:
    """Counts requests and jobs; reads the rest when the metrics are requested."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "crispen_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "crispen_request_seconds",
            "Duration of responses, streams included.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._jobs = Counter(
            "crispen_jobs", "Jobs that ended.", ("status",), registry=self._registry
        )
        self._worker_deaths = Counter(
            "crispen_worker_deaths", "Worker processes that died.", registry=self._registry
        )

    def request(self, scope: Mapping[str, Any], status: int, seconds: float) -> None:
        """Count an answered request."""
        # The route's pattern, not its path: the number of paths is unlimited.
        route = getattr(scope.get("route"), "path", _ODD)
        method = scope["method"] if scope["method"] in _METHODS else _ODD
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def job_ended(self, status: str) -> None:
        """Count a job that ended."""
        self._jobs.labels(status).inc()

    def worker_died(self) -> None:
        """Count a worker that died."""
        self._worker_deaths.inc()

    def watch(self, look: Callable[[], Mapping[str, tuple[str, float]]]) -> None:
        """Read gauges (name, description, value) on each request for the metrics."""
        self._registry.register(_Gauges(look))

    def text(self) -> str:
        """All of them in Prometheus' text format."""
        return generate_latest(self._registry).decode()


_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})


class _Gauges(Collector):
    def __init__(self, look: Callable[[], Mapping[str, tuple[str, float]]]) -> None:
        self._look = look

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, (about, value) in self._look().items():
            yield GaugeMetricFamily(f"crispen_{name}", about, value=value)
