"""Logs and metrics: one configuration of structlog, one registry of counters."""

import logging
import re
import sys
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import suppress
from typing import Any, Final, TextIO, cast

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import Metric
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

REGISTRY: Final = CollectorRegistry()

events_appended = Counter(
    "livefeed_entries_appended", "Entries committed: acked, if by a door", registry=REGISTRY
)
events_refused = Counter(
    "livefeed_events_refused", "Events refused at the door", ["reason"], registry=REGISTRY
)
events_withheld = Counter(
    "livefeed_events_withheld", "Events dropped before an installation was finished", registry=REGISTRY
)
deliveries = Counter(
    "livefeed_deliveries",
    "Attempts to deliver: delivered, or the class of the error",
    ["result"],
    registry=REGISTRY,
)
forwards = Counter(
    "livefeed_forwards",
    "Attempts to hand an event on: taken, the status of the answer, or no answer",
    ["result"],
    registry=REGISTRY,
)
settles = Counter("livefeed_settles", "Lanes settled", ["outcome"], registry=REGISTRY)
oldest_due_lag = Gauge(
    "livefeed_oldest_due_lag_seconds", "How long the oldest due lane has waited", registry=REGISTRY
)
commits = Counter("livefeed_commits", "Commits made by the writer", registry=REGISTRY)
failed_commits = Counter(
    "livefeed_failed_commits", "Commits that failed, and stored nothing", registry=REGISTRY
)
commit_seconds = Histogram(
    "livefeed_commit_seconds",
    "How long a commit took, fsync included",
    buckets=(0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    registry=REGISTRY,
)
commit_units = Histogram(
    "livefeed_commit_units",
    "Units and rows that shared a commit",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
    registry=REGISTRY,
)
write_queue = Gauge("livefeed_write_queue", "Units waiting for the writer", registry=REGISTRY)
log_pages = Gauge(
    "livefeed_log_pages", "Pages in SQLite's write-ahead log at the last checkpoint", registry=REGISTRY
)
clock_steps = Counter(
    "livefeed_clock_steps",
    "Times that the clock was set back or jumped ahead",
    ["direction"],
    registry=REGISTRY,
)
handler_failures = Counter(
    "livefeed_handler_failures",
    "Calls of handlers that did not finish their event, by the handler and the class of the failure",
    ["handler", "failure"],
    registry=REGISTRY,
)
effects = Counter(
    "livefeed_effects",
    "Effects of handlers that are to happen once: done, or repeated or skipped because nobody knows",
    ["result"],
    registry=REGISTRY,
)
own_events = Counter(
    "livefeed_own_events", "Events passed over as the echo of what the application wrote", registry=REGISTRY
)
loop_brakes = Counter(
    "livefeed_loop_brakes", "Writes refused because the application may react to itself", registry=REGISTRY
)
handlers_lost = Counter(
    "livefeed_handlers_lost", "Handlers that were bound, were gone, and were bound again", registry=REGISTRY
)
installs_quarantined = Counter(
    "livefeed_installs_quarantined", "Installations that wait for an administrator's word", registry=REGISTRY
)
payments_asked = Counter(
    "livefeed_payments_asked",
    "Payments told without application_token, for which the portal was asked: confirmed, or nothing new",
    ["result"],
    registry=REGISTRY,
)
edits_found = Counter(
    "livefeed_edits_found",
    "Edits seen: told by an event, fetched from the offline queue, or found by a sweep",
    ["how"],
    registry=REGISTRY,
)
sweeps = Counter("livefeed_sweeps", "Sweeps that ended", ["scope"], registry=REGISTRY)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)


class _Stderr:
    """Where lines go that may be lost: a log on a full disk must not stop what works."""

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


_NAMED_SECRET: Final = re.compile(
    r"""(?ix)
    ( (?: (?<![a-z0-9_]) | (?<=%5B) )
    (?: auth(?:_id|token)? | (?:access|refresh|application|console)_token | refresh_id | client_secret
    | app_sid | password )
    (?: \] | %5D | ["'] )? (?: =(?!=) | :\s* | \s=\s ) (?: b?["'] )? )
    (?! \*\*\* ) [^\s"'&,;<>(){}]{6,}"""
)
_IN_HEADER: Final = re.compile(r"(?i)\b(bearer|basic) +[a-z0-9._~+/=-]{6,}")
_CODE_IN_PATH: Final = re.compile(r"(/rest/\d+/)[^/\s\"'?&]+(?=[/\s\"'?&]|$)")
_IN_ADDRESS: Final = re.compile(r"(?<=://)[^/\s\"'@]+:[^/\s\"'@]+(?=@)")


def concealed(text: str, known: Iterable[str | None] = ()) -> str:
    """What somebody else's code has said, without the secrets that it names: they became ``***``.

    An error of an HTTP client has the whole URL, with ``auth=`` or the code of a webhook.

    Args:
        text: One line for people, or a part of a log.
        known: Secrets that it may have without a name.
    """
    for secret in known:
        if secret:
            text = text.replace(secret, "***")
    text = _IN_HEADER.sub(r"\1 ***", _NAMED_SECRET.sub(r"\1***", text))
    return _IN_ADDRESS.sub("***", _CODE_IN_PATH.sub(r"\1***", text))


def _conceal(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: _conceal_in(value) for name, value in event.items()}


def _conceal_in(value: Any) -> Any:  # noqa: ANN401 - whatever was logged
    match value:
        case str():
            return concealed(value)
        case dict():
            return {name: _conceal_in(one) for name, one in cast("dict[str, Any]", value).items()}
        case list():
            return [_conceal_in(one) for one in cast("list[Any]", value)]
        case _:
            return value


def configure_logs(level: str = "info", *, is_for_good: bool = True) -> None:
    """Write one JSON line an event to stderr; stdout belongs to ``--json``.

    Args:
        level: The least that is written.
        is_for_good: Loggers keep to it once they are used, which is quicker.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Values of variables stay out: a webhook's code or a token may be among them.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            _conceal,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Stderr())),
        cache_logger_on_first_use=is_for_good,
    )


def logger(room: str) -> Any:  # noqa: ANN401 - structlog's proxy has no narrower type
    """The logger of one room; never hand it a secret (a ``Secret`` masks itself)."""
    return structlog.wrap_logger(None, processors=[_processed], room=room)


_UNCONFIGURED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    _conceal,
    structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
)


def _processed(of: Any, method: str, event: MutableMapping[str, Any]) -> Any:  # noqa: ANN401 - structlog's
    """As the process is configured to log; one that is not would show the values of variables."""
    chain = structlog.get_config()["processors"] if structlog.is_configured() else _UNCONFIGURED
    line: Any = event
    for processor in chain:
        line = processor(of, method, line)
    return line


class _OfWorker:
    """All metrics with one more label: which worker of the process group tells them."""

    def __init__(self, number: int) -> None:
        self._number = str(number)

    def collect(self) -> Iterator[Metric]:
        """Every metric, labelled."""
        for metric in REGISTRY.collect():
            samples = [one._replace(labels={**one.labels, "worker": self._number}) for one in metric.samples]
            labelled = Metric(metric.name, metric.documentation, metric.type, metric.unit)
            labelled.samples = samples
            yield labelled


def tell_as_worker(number: int) -> None:
    """From now on the page says which of several processes behind one port it is about."""
    _page_of.append(_OfWorker(number))


_page_of: list[_OfWorker] = []


def metrics_page() -> bytes:
    """The Prometheus text exposition of this process."""
    return generate_latest(cast("CollectorRegistry", _page_of[-1]) if _page_of else REGISTRY)
