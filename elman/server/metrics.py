"""Metrics: how much the service does, as numbers for Prometheus. No metric contains a name."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

MEDIA_TYPE = CONTENT_TYPE_LATEST

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
NAMES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """The metrics of one app, in a registry of its own.

    Attributes:
        in_flight: requests in progress.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        in_flight = Gauge("elman_requests_in_flight", "Requests in progress.", registry=registry)
        in_flight.set_function(lambda: self.in_flight)
        self._requests = Counter("elman_requests", "Requests answered.", ["route", "status"], registry=registry)
        self._seconds = Histogram(
            "elman_request_seconds", "Seconds from request to response.", ["route"], buckets=SECONDS, registry=registry
        )
        self._names = Counter("elman_names", "Names scored.", ["model"], registry=registry)
        self._abstained = Counter("elman_abstained", "Names that a model abstained on.", ["model"], registry=registry)
        self._batch = Histogram(
            "elman_batch_names", "Names scored together.", ["model"], buckets=NAMES, registry=registry
        )
        self._children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count one response.

        Args:
            route: the template of its path.
            status: the HTTP status; 0 if the response never began.
            seconds: how long it took.
        """
        if (route, status) not in self._children:
            self._children[route, status] = self._requests.labels(route, str(status)), self._seconds.labels(route)
        requests, durations = self._children[route, status]
        requests.inc()
        durations.observe(seconds)

    def count_names(self, model: str, names: int, *, abstained: int) -> None:
        """Count names that a model scored."""
        self._names.labels(model).inc(names)
        self._abstained.labels(model).inc(abstained)

    def count_batch(self, model: str, names: int, *, abstained: int) -> None:
        """Count names that a model scored together."""
        self.count_names(model, names, abstained=abstained)
        self._batch.labels(model).observe(names)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
