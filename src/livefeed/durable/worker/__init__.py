"""The worker: the one loop that leases lanes, runs them and settles them, for both halves."""

from livefeed.durable.worker.worker import Hook, Run, Worker

__all__ = ["Hook", "Run", "Worker"]
