"""``POST /frame`` opens a page for whose token is posted; ``/frame/<ticket>/…`` is what follows."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, assert_never
from urllib.parse import parse_qsl, urlsplit

from livefeed.app.doors.crowds import Crowd
from livefeed.app.exchange import DoorAnswer, Patience, Receive, Scope, header_of, read_request
from livefeed.app.frames import telling
from livefeed.app.frames.pages import PageContext, Pages
from livefeed.app.frames.tickets import LIFE_MS, Ticket, read_ticket, write_ticket
from livefeed.app.installs.ladder import Claim, Quarantined, Refused
from livefeed.app.installs.openings import NeedsAdministrator, Opened, Opening, Openings
from livefeed.app.runtime import Runtime
from livefeed.errors import AppError, Fault, NotYet, StoreError, TransportError, UnknownPortal, WireError
from livefeed.net.urls import origin_of
from livefeed.secrets import Secret
from livefeed.telemetry import logger
from livefeed.ui.languages import chosen
from livefeed.ui.pages import Page
from livefeed.wire.faults import ExpiredToken, InvalidCredentials, NoAuthFound
from livefeed.wire.form import DOOR_LIMITS, JsonValue
from livefeed.wire.frames import DEFAULT_PLACEMENT, FrameRequest, read_frame
from livefeed.wire.ids import MemberId, UserId

PATH: Final = "/frame"
_LOG: Final = logger("app")
_KNOWN_AT_ONCE: Final = 32
_STRANGERS_AT_ONCE: Final = 4
_LONGEST_QUERY: Final = 2_000
_MOST_KEYS: Final = 50
_NOT_ANY_MORE: Final = (ExpiredToken, NoAuthFound, InvalidCredentials, AppError)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameDoor:
    """Shows the pages of one running application.

    Attributes:
        runtime: What runs.
        pages: Its pages.
        openings: Proves who opens one.
    """

    runtime: Runtime
    pages: Pages
    openings: Openings
    patience: Patience = field(default_factory=Patience)
    known: Crowd = field(default_factory=lambda: Crowd(_KNOWN_AT_ONCE))
    strangers: Crowd = field(default_factory=lambda: Crowd(_STRANGERS_AT_ONCE))

    async def answer(self, scope: Scope, receive: Receive) -> Page | DoorAnswer:
        """Answer one request of a path that begins with `PATH`.

        Raises:
            Disconnected: The sender left.
        """
        if scope["path"] == PATH:
            return await self._opened(scope, receive)
        if scope["method"] == "POST":
            return await self._sent(scope, receive)
        if scope["method"] != "GET":
            return DoorAnswer(405, "method_not_allowed", "pages are asked for by GET, forms sent by POST")
        return await self._followed(scope)

    def ticket_for(self, member_id: MemberId, user_id: UserId, *, language: str) -> str:
        """The address of the application's own page for a person who has signed in; empty if it has none."""
        if not self.pages.has(DEFAULT_PLACEMENT):
            return ""
        return self._base(self._ticket(member_id, user_id, DEFAULT_PLACEMENT, {}, language))

    async def _opened(self, scope: Scope, receive: Receive) -> Page | DoorAnswer:
        request = await read_request(scope, receive, self.patience)
        if isinstance(request, DoorAnswer):
            return request
        language = chosen(accepted=header_of(scope, b"accept-language"))
        try:
            frame = read_frame(scope["query_string"], request[0])
        except WireError:
            return telling.unreadable(language)
        language = chosen(frame.language, accepted=header_of(scope, b"accept-language"))
        origin = self._origin(frame.member_id)
        known = self.runtime.portals.judge(frame.member_id, frame.application_token)
        crowd = self.strangers if known is None else self.known
        if crowd.is_full:
            return telling.not_now(language, origin)
        try:
            with crowd.entered():
                opening = await self.openings.open(
                    _claim(frame), expires_in=frame.expires_in, language=language
                )
        except (TransportError, Fault, StoreError) as exc:
            _LOG.warning("opening_postponed", member_id=frame.member_id, error=str(exc))
            return telling.not_now(language, origin)
        return await self._shown(opening, frame, language)

    async def _shown(self, opening: Opening, frame: FrameRequest, language: str) -> Page | DoorAnswer:
        match opening:
            case Opened(member_id=member_id, user_id=user_id):
                ticket = self._ticket(member_id, user_id, frame.placement, frame.options, language)
                if not self.pages.has(frame.placement):
                    tell = (
                        telling.works_behind if frame.placement == DEFAULT_PLACEMENT else telling.nothing_here
                    )
                    return tell(language, self._origin(member_id))
                return await self._page(ticket, "", {})
            case NeedsAdministrator(endpoint=endpoint):
                return telling.needs_administrator(language, origin_of(endpoint))
            case Quarantined(member_id=member_id):
                return telling.waits(language, self._origin(member_id))
            case Refused():
                return telling.not_proved(language, self._origin(frame.member_id))
            case _:
                assert_never(opening)

    async def _sent(self, scope: Scope, receive: Receive) -> Page | DoorAnswer:
        """A form of a page: whoever knows the page's address, with the ticket in it, was shown the page."""
        request = await read_request(scope, receive, self.patience)
        if isinstance(request, DoorAnswer):
            return request
        return await self._followed(scope, _query(request[0], DOOR_LIMITS.max_bytes))

    async def _followed(self, scope: Scope, form: dict[str, str] | None = None) -> Page | DoorAnswer:
        written, _, path = scope["path"].removeprefix(f"{PATH}/").partition("/")
        ticket = read_ticket(self.runtime.keys, self.runtime.clock, written)
        if ticket is not None and not self.runtime.portals.has(ticket.portal):
            with suppress(StoreError):
                await self.runtime.portals.catch_up()
        if ticket is None or not self._origin(ticket.portal):
            return telling.ended(chosen(accepted=header_of(scope, b"accept-language")), "")
        return await self._page(ticket, path, _query(scope["query_string"]), form)

    async def _page(
        self, ticket: Ticket, path: str, query: dict[str, str], form: dict[str, str] | None = None
    ) -> Page | DoorAnswer:
        language, origin = ticket.language, self._origin(ticket.portal)
        find = self.pages.find if form is None else self.pages.find_form
        handler = find(ticket.placement, path)
        if handler is None and self.pages.find(ticket.placement, path) is not None:
            return DoorAnswer(405, "method_not_allowed", "this page takes no forms; it is asked for by GET")
        if handler is None:
            return telling.nothing_here(language, origin)
        context = PageContext(
            runtime=self.runtime,
            ticket=ticket,
            base=self._base(ticket),
            path=path,
            query=query,
            form=form or {},
        )
        try:
            answer = await handler(context)
        except _NOT_ANY_MORE as exc:
            _LOG.info("page_ended", portal=ticket.portal, user_id=ticket.user_id, reason=str(exc))
            return telling.ended(language, origin)
        except (TransportError, Fault, StoreError, NotYet) as exc:
            _LOG.warning("page_postponed", portal=ticket.portal, path=path, error=str(exc))
            return telling.not_now(language, origin)
        except Exception as exc:  # noqa: BLE001 - the handler is somebody else's code
            _LOG.exception("page_failed", portal=ticket.portal, path=path, error=type(exc).__name__)
            return telling.failed(language, origin)
        return context.html(answer) if isinstance(answer, str) else answer

    def _ticket(
        self,
        member_id: MemberId,
        user_id: UserId,
        placement: str,
        options: Mapping[str, JsonValue],
        language: str,
    ) -> Ticket:
        return Ticket(
            portal=member_id,
            user_id=user_id,
            placement=placement,
            options=options,
            language=language,
            until_ms=self.runtime.clock.now_ms() + LIFE_MS,
        )

    def _base(self, ticket: Ticket) -> str:
        prefix = urlsplit(self.runtime.settings.public_url).path.rstrip("/")
        return f"{prefix}{PATH}/{write_ticket(self.runtime.keys, ticket)}/"

    def _origin(self, member_id: MemberId) -> str:
        """Of a portal that has the application; empty for any other."""
        try:
            portal = self.runtime.portals.get(member_id)
        except UnknownPortal:
            return ""
        return origin_of(portal.endpoint) if portal.is_active and portal.endpoint else ""


def _claim(frame: FrameRequest) -> Claim:
    return Claim(
        member_id=frame.member_id,
        access_token=Secret(frame.access_token),
        refresh_token=Secret(frame.refresh_token),
        application_token=frame.application_token,
    )


def _query(text: bytes, longest: int = _LONGEST_QUERY) -> dict[str, str]:
    """The keys of an address, or of a form; what is longer is cut, and of what is odd there are none."""
    try:
        pairs = parse_qsl(text[:longest].decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_KEYS)
    except ValueError:
        return {}
    return dict(pairs)
