"""Watch: whether the store can be written, how far the lanes lag, and steps of the clock."""

from livefeed.durable.watch.health import metrics, oldest_due_ms, why_not_ready
from livefeed.durable.watch.steps import Steps

__all__ = ["Steps", "metrics", "oldest_due_ms", "why_not_ready"]
