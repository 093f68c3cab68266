"""The desk every page goes over: who looks, in which language, is the form ours; what a view may answer."""

from livefeed.portal.web.desk.reception import Desk, Guest, Head, View
from livefeed.portal.web.desk.results import Go, Result, Shown, Sorry

__all__ = ["Desk", "Go", "Guest", "Head", "Result", "Shown", "Sorry", "View"]
