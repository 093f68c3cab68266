"""The names of scopes: which there are, so that a mistyped one is told of when it is granted."""

from collections.abc import Iterable
from typing import Final

DOCUMENTED: Final = frozenset({
    "ai_admin", "basic", "biconnector", "bizproc", "booking", "calendar", "call", "cashbox", "catalog", "crm",
    "crm.documentgenerator", "delivery", "department", "disk", "documentgenerator", "entity", "im", "imbot",
    "imopenlines", "landing", "lists", "log", "mailservice", "main", "messageservice", "pay_system",
    "placement", "pull", "rpa", "sale", "sign.b2e", "socialnetwork", "sonet", "sonet_group", "task",
    "telephony", "timeman", "user", "user.userfield", "user_basic", "user_brief", "userconsent",
    "userfieldconfig", "vote",
})  # many to a line # fmt: skip
"""Every scope that the documentation names, those of tools that this portal does not have too.

Source: api-reference/scopes/permissions.md; the scopes of methods on their own pages
"""


def unknown_scopes(scopes: Iterable[str]) -> list[str]:
    """Those of ``scopes`` that no documentation names, sorted."""
    return sorted(set(scopes) - DOCUMENTED)
