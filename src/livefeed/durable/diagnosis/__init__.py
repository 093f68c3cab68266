"""Diagnosis: what is wrong with a database, found by looking at it alone."""

from livefeed.durable.diagnosis.examining import examine
from livefeed.durable.diagnosis.findings import Finding, ok, problem

__all__ = ["Finding", "examine", "ok", "problem"]
