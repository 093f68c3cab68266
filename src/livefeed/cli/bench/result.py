"""What one benchmark found, in the keys that `--json` promises."""

import resource
from collections.abc import Sequence

import msgspec


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One figure beside its baseline, both measured in the same run.

    Attributes:
        bench: ``ingest``, ``deliver``, ``flow``, ``rest``, ``store`` or ``isolation``.
        value: The figure, in ``unit``.
        unit: ``1/s`` or ``ms``.
        baseline_name: What it is compared with; empty where nothing is.
        baseline: The same figure of the baseline.
        ratio: ``value / baseline``.
        p50_ms: Median latency of one operation.
        p99_ms: 99th percentile of the same.
        n: Operations counted.
        errors: Operations that failed.
        engine: Database engine.
        handlers: Bound handlers.
        handler_ms: Milliseconds each handler takes to answer.
        lanes: Distinct lanes.
        cpu_s: CPU seconds of the measured process.
        rss_mb: Its largest resident set.
        baselines: Further baselines of the same run, by name.
        figures: What else the run found, by name.
    """

    bench: str
    value: float
    unit: str
    n: int
    errors: int
    cpu_s: float
    rss_mb: float
    baseline_name: str = ""
    baseline: float | None = None
    ratio: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    engine: str = "sqlite"
    handlers: int | None = None
    handler_ms: float | None = None
    lanes: int | None = None
    baselines: dict[str, float] = {}
    figures: dict[str, float] = {}

    def summary(self) -> str:
        """The figure in a few words, for people."""
        beside = "" if self.ratio is None else f", {self.ratio:.2f} times the baseline"
        return f"{self.value:,.1f} {self.unit}{beside}, {self.errors} errors"


def median_of(results: Sequence[Result]) -> Result:
    """The run in the middle, by its ratio, or by its figure where nothing is compared."""
    ordered = sorted(results, key=lambda one: one.value if one.ratio is None else one.ratio)
    return ordered[(len(ordered) - 1) // 2]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the values lie; the values need not be sorted."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def engine_of(url: str | None) -> str:
    """The engine behind a database URL; without one it is SQLite."""
    return "sqlite" if url is None or url.startswith("sqlite:") else "postgresql"


def usage() -> tuple[float, float]:
    """CPU seconds and largest resident set (MB) of this process so far."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime, own.ru_maxrss / 1024
