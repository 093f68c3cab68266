"""Rooms: the packages that keep tables; a database has those of one half.

They are named here, so that nothing of a half need be imported to open its database.
"""

from typing import Final

PORTAL: Final = ("livefeed.portal",)
"""The rooms of a portal's database."""

APP: Final = ("livefeed.client", "livefeed.app")
"""The rooms of an application's database."""

NOTIFIER: Final = (*APP, "livefeed.notifier")
"""The rooms of the notifier's database."""
