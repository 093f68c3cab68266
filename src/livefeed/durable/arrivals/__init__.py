"""Arrivals: entries from the door get their lanes a moment after they are stored, many at a time."""

from livefeed.durable.arrivals.routing import SLICE, route_all, route_arrivals

__all__ = ["SLICE", "route_all", "route_arrivals"]
