"""The queue of offline events as a second channel: what no event told is fetched from the portal."""

from livefeed.app.offline.fetching import fetch_offline

__all__ = ["fetch_offline"]
