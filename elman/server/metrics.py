"""Counters: how much the service does, as numbers for Prometheus. None of them knows a name."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

MEDIA_TYPE = CONTENT_TYPE_LATEST

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
NAMES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Counters:
    """The numbers of one app, in a registry of its own.

    Attributes:
        in_flight: requests being worked on now.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        working = Gauge("elman_requests_in_flight", "Requests being worked on.", registry=registry)
        working.set_function(lambda: self.in_flight)
        self._requests = Counter("elman_requests", "Requests answered.", ["route", "status"], registry=registry)
        self._seconds = Histogram(
            "elman_request_seconds", "From request to answer.", ["route"], buckets=SECONDS, registry=registry
        )
        self._names = Counter("elman_names", "Names scored.", ["model"], registry=registry)
        self._abstained = Counter("elman_abstained", "Names that a model abstained on.", ["model"], registry=registry)
        self._batch = Histogram(
            "elman_batch_names", "Names scored together.", ["model"], buckets=NAMES, registry=registry
        )
        self._answered: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count one answer, by the template of its path."""
        if (route, status) not in self._answered:
            self._answered[route, status] = self._requests.labels(route, str(status)), self._seconds.labels(route)
        requests, durations = self._answered[route, status]
        requests.inc()
        durations.observe(seconds)

    def count_names(self, model: str, names: int, *, abstained: int) -> None:
        """Count names that a model was asked about."""
        self._names.labels(model).inc(names)
        self._abstained.labels(model).inc(abstained)

    def count_batch(self, model: str, names: int, *, abstained: int) -> None:
        """Count names that were scored together."""
        self.count_names(model, names, abstained=abstained)
        self._batch.labels(model).observe(names)

    def text(self) -> bytes:
        """Return all numbers in Prometheus' text format."""
        return generate_latest(self.registry)
