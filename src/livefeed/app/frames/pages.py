"""The pages of an application, and what a page's handler is given."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

from livefeed.app.frames.tickets import Ticket
from livefeed.app.runtime import Runtime
from livefeed.client.rest import RestClient
from livefeed.durable.store import Tx
from livefeed.errors import SettingsError
from livefeed.net.urls import origin_of
from livefeed.ui.pages import Page, page, page_headers
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import MemberId, UserId

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageContext:
    """One request of a page, with the rights of the person who opened it.

    Attributes:
        runtime: The running application.
        ticket: Who opened what.
        base: Path of the page, with a slash at its end; further requests begin with it.
        path: What follows ``base``.
        query: Keys of the address; of a key given twice the last.
        form: What was sent with it; empty for a page that is only looked at.
    """

    runtime: Runtime
    ticket: Ticket
    base: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def portal(self) -> MemberId:
        """Where the page was opened."""
        return self.ticket.portal

    @property
    def user_id(self) -> UserId:
        """Who opened it."""
        return self.ticket.user_id

    @property
    def placement(self) -> str:
        """From which place: ``DEFAULT`` for the application's own page."""
        return self.ticket.placement

    @property
    def options(self) -> Mapping[str, JsonValue]:
        """What the portal said of the place: ``{"POST_ID": "205"}``. The person could have changed it."""
        return self.ticket.options

    @property
    def language(self) -> str:
        """In which pages are shown: one of ``livefeed.ui.languages.LANGUAGES``."""
        return self.ticket.language

    @property
    def origin(self) -> str:
        """Scheme, host and port of the portal."""
        return origin_of(self.runtime.portals.get(self.portal).endpoint)

    @property
    def client(self) -> RestClient:
        """A client with the tokens of the person who opened the page.

        Raises:
            NotInstalled: The portal has left.
        """
        return self.runtime.client_of(self.portal, self.user_id)

    async def read(self, query: Callable[[Tx], T]) -> T:
        """Read the application's database."""
        return await self.runtime.store.read(query)

    def url(self, path: str = "", **query: object) -> str:
        """The address of another request of this page; it is as good as the ticket in it."""
        asked = urlencode({name: str(value) for name, value in query.items()})
        return f"{self.base}{quote(path)}{'?' if asked else ''}{asked}"

    def show(self, template: str, *, status: int = 200, **values: object) -> Page:
        """A page made from a template of ``livefeed.ui``, which only this portal may frame."""
        return page(
            template,
            status=status,
            language=self.language,
            policy=self._policy,
            **values,
        )

    def go(self, path: str = "", **query: object) -> Page:
        """The answer to a form that was obeyed: the browser asks for another page, which may be reloaded."""
        return Page(status=303, headers={"location": self.url(path, **query)}, body=b"")

    def html(self, body: str, *, status: int = 200) -> Page:
        """``body`` under the same headers: no inline script or style, and no frame but this portal's."""
        return Page(status=status, headers=page_headers(self.language, self._policy), body=body.encode())

    @property
    def _policy(self) -> Mapping[str, str]:
        return {"frame-ancestors": self.origin}


PageHandler: TypeAlias = Callable[[PageContext], Awaitable[Page | str]]
"""Answers with a page, or with the HTML of one."""

_LONGEST_PATH: Final = 200


class Pages:
    """Which handler shows what."""

    def __init__(self) -> None:
        self._handlers: dict[tuple[str, str], PageHandler] = {}
        self._forms: dict[tuple[str, str], PageHandler] = {}

    def add(self, placement: str, path: str, handler: PageHandler) -> None:
        """Register one.

        Raises:
            SettingsError: Something is shown there already, or the path is none.
        """
        if path.startswith("/") or len(path) > _LONGEST_PATH:
            raise SettingsError(f"a page's path is relative and short, not {path!r}")
        if (placement, path) in self._handlers:
            raise SettingsError(f"{placement!r} shows something at {path!r} already")
        self._handlers[placement, path] = handler

    def add_form(self, placement: str, path: str, handler: PageHandler) -> None:
        """Register what takes forms at a place where something is shown.

        Raises:
            SettingsError: Nothing is shown there, or its forms are taken already.
        """
        if (placement, path) not in self._handlers or (placement, path) in self._forms:
            raise SettingsError(f"{placement!r} shows nothing at {path!r}, or its forms are taken already")
        self._forms[placement, path] = handler

    def find_form(self, placement: str, path: str) -> PageHandler | None:
        """What takes forms there; None if nothing does."""
        return self._forms.get((placement, path))

    def find(self, placement: str, path: str) -> PageHandler | None:
        """The handler; None if nothing is shown there."""
        return self._handlers.get((placement, path))

    def has(self, placement: str) -> bool:
        """Whether anything is shown at a place."""
        return (placement, "") in self._handlers
