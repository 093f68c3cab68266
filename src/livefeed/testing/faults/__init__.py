"""Faults: what can go wrong between a portal and an application, drawn from a seed."""

from livefeed.testing.faults.plan import Faults

__all__ = ["Faults"]
