"""For each REST method one call by a real SDK, whose answer is compared; COVERAGE.md names them."""

from tests.clients.cases import apps, basic, events, feed, offline, people, widgets
from tests.clients.cases.deliveries import DELIVERIES
from tests.clients.cases.registry import CASES, Case

__all__ = ["CASES", "DELIVERIES", "Case", "apps", "basic", "events", "feed", "offline", "people", "widgets"]
