"""Logs and metrics: one configuration of structlog, one registry of counters."""

import logging
import sys
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from structlog.tracebacks import ExceptionDictTransformer

REGISTRY: Final = CollectorRegistry()

events_appended = Counter("livefeed_entries_appended", "Entries committed", registry=REGISTRY)
events_refused = Counter(
    "livefeed_events_refused", "Events refused at the door", ["reason"], registry=REGISTRY
)
settles = Counter("livefeed_settles", "Lanes settled", ["outcome"], registry=REGISTRY)
commits = Counter("livefeed_commits", "Commits made by the writer", registry=REGISTRY)
write_queue = Gauge("livefeed_write_queue", "Units waiting for the writer", registry=REGISTRY)


def configure_logs(level: str = "info") -> None:
    """Write one JSON line an event to stderr; stdout belongs to ``--json``."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Values of variables stay out: a webhook's code or a token may be among them.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def logger(room: str) -> Any:  # noqa: ANN401 - structlog's proxy has no narrower type
    """The logger of one room; never hand it a secret (a ``Secret`` masks itself)."""
    return structlog.get_logger(room=room)


def metrics_page() -> bytes:
    """The Prometheus text exposition of this process."""
    return generate_latest(REGISTRY)
