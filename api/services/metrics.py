"""Counters and timings for Prometheus; nothing in them comes from a complaint."""

from __future__ import annotations

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """What one process counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "suyuan_requests_total",
            "Replies by route and status",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "suyuan_request_seconds",
            "Time from a request's arrival to its reply",
            ("route",),
            buckets=_BOUNDS,
            registry=self.registry,
        )
        self.refused = Counter(
            "suyuan_refused_total", "Requests turned away", ("reason",), registry=self.registry
        )
        self.intake = Counter(
            "suyuan_intake_total", "Complaints taken in", ("state",), registry=self.registry
        )
        self.jobs = Counter(
            "suyuan_jobs_total", "Jobs ended", ("kind", "state"), registry=self.registry
        )

    def text(self) -> bytes:
        """The figures in Prometheus' text format."""
        return generate_latest(self.registry)
