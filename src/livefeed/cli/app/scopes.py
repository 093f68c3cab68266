"""Which scopes an application needs, judged by the events it handles."""

from collections.abc import Iterable
from typing import Final

_SCOPES: Final = (
    ("ONLIVEFEED", "log"),
    ("ONCRM", "crm"),
    ("ONTASK", "task"),
    ("ONIMBOT", "imbot"),
    ("ONIMCOMMAND", "imbot"),
    ("ONVOXIMPLANT", "telephony"),
    ("ONEXTERNALCALL", "telephony"),
    ("ONCALENDAR", "calendar"),
    ("ONSALE", "sale"),
    ("ONSONETGROUP", "sonet_group"),
)


def scopes_for(events: Iterable[str]) -> set[str]:
    """The scopes without which a portal does not send these events, as far as their names tell."""
    names = tuple(events)
    return {scope for start, scope in _SCOPES if any(name.startswith(start) for name in names)}
