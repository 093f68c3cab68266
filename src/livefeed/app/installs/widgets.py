"""Widgets: the portal is asked to show the application's entries in the places it wants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from livefeed.client.rest import Parameters, RestClient
from livefeed.errors import Fault
from livefeed.telemetry import logger
from livefeed.wire.faults import (
    AccessDenied,
    InsufficientScope,
    MethodNotFound,
    PlacementAlreadyBound,
    PlacementNotFound,
)
from livefeed.wire.form import JsonValue

_LOG: Final = logger("app")

# The portal says that it will not have them, now or later: nothing that is tried again.
_UNWANTED: Final = (InsufficientScope, AccessDenied, MethodNotFound)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedWidget:
    """One entry that the application wants on every portal.

    Attributes:
        code: The place: ``LEFT_MENU``, ``LIVEFEED_POST``.
        title: What people read.
        titles: The same in other languages, by code: ``{"ru": "История правок"}``.
    """

    code: str
    title: str
    titles: Mapping[str, str] = field(default_factory=dict[str, str])

    def parameters(self, handler: str) -> Parameters:
        """What ``placement.bind`` is asked.

        Source: https://apidocs.bitrix24.com/api-reference/widgets/placement-bind.html
        """
        asked: dict[str, JsonValue] = {"PLACEMENT": self.code, "HANDLER": handler, "TITLE": self.title}
        if self.titles:
            asked["LANG_ALL"] = {language: {"TITLE": title} for language, title in self.titles.items()}
        return asked


async def bind_widgets(
    client: RestClient, wanted: Sequence[WantedWidget], handler: str, old_handler: str = ""
) -> None:
    """Have exactly ``wanted`` shown, opened at ``handler``, and nothing any more at ``old_handler``.

    An application that wants none asks nothing. A portal without the scope ``placement``, or without one of
    the places, goes without it: that is logged.

    Raises:
        Fault: Another refusal; tried again later.
        TransportError: The portal does not answer; likewise.
    """
    if not wanted:
        return
    try:
        rows = (await client.call("placement.get")).result
    except _UNWANTED as fault:
        _LOG.warning("widgets_not_bound", reason=_words(fault), next="grant the scope placement")
        return
    here, left = _places_at(rows, handler), _places_at(rows, old_handler)
    for widget in wanted:
        if widget.code not in here:
            await _bind(client, widget, handler)
    for code in sorted(here - {widget.code for widget in wanted}):
        await client.call("placement.unbind", {"PLACEMENT": code, "HANDLER": handler})
    for code in sorted(left if old_handler != handler else ()):
        await client.call("placement.unbind", {"PLACEMENT": code, "HANDLER": old_handler})


async def _bind(client: RestClient, widget: WantedWidget, handler: str) -> None:
    try:
        await client.call("placement.bind", widget.parameters(handler))
    except PlacementAlreadyBound:
        return
    except (PlacementNotFound, *_UNWANTED) as fault:
        _LOG.warning("widget_not_bound", placement=widget.code, reason=_words(fault))


def _words(fault: Fault) -> str:
    return fault.description or fault.code


def _places_at(result: JsonValue, handler: str) -> frozenset[str]:
    """The places in an answer of ``placement.get`` whose entries open ``handler``."""
    rows = result if isinstance(result, list) and handler else []
    return frozenset(
        str(row.get("placement", "")).upper()
        for row in rows
        if isinstance(row, dict) and row.get("handler") == handler
    )
