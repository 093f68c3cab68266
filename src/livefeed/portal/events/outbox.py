"""The outbox: an event is written in the unit of the change, so that no crash separates the two."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, cast

import msgspec

from livefeed import telemetry
from livefeed.durable import consumers
from livefeed.durable.attempts import Attempt, record_attempts
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.entries import Addition, append_many
from livefeed.durable.store import Tx
from livefeed.portal.apps.registry import App
from livefeed.portal.events import handlers
from livefeed.portal.events.handlers import Listener
from livefeed.portal.offline import bells, queue
from livefeed.portal.offline.bindings import Origin, queues_of
from livefeed.wire.apps import app_test_data, install_data, uninstall_data, update_data
from livefeed.wire.events import POST_EVENTS
from livefeed.wire.form import Form, JsonValue
from livefeed.wire.ids import MemberId, PostId, UserId

POST_KEY: Final = "post:"
SENT_EVENTS: Final = (*POST_EVENTS, "ONAPPINSTALL", "ONAPPUPDATE", "ONAPPUNINSTALL", "ONAPPTEST", bells.EVENT)
"""The events that this portal sends; others may be bound, but never happen here."""

BELL_KEY: Final = "offline"
"""The lane of ONOFFLINEEVENT."""

INSTALL: Final = "install:"
"""Beginning of the name of the consumer that is told of an installation, before its application's id."""


_encode: Final = msgspec.json.Encoder().encode


class Happening(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is stored of an event until it is sent.

    Attributes:
        actor: Who caused it; None: no person did.
        data: ``data`` of an application's own event, as JSON; a post's is its id, which is the lane's key.
        first: The seq of the event that this repeats under the same ``webhook-id``; None: it repeats none.
    """

    actor: UserId | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")
    first: int | None = None

    @classmethod
    def of_app(cls, actor: UserId | None, data: Form) -> "Happening":
        """What is stored of an application's own event."""
        return cls(actor, msgspec.Raw(_encode(data)))

    def form(self) -> Form:
        """``data`` as the form it was."""
        return cast("Form", msgspec.json.decode(self.data))

    @classmethod
    def read(cls, body: bytes) -> "Happening":
        """What an entry stores."""
        return _READER.decode(body)

    def stored(self) -> bytes:
        """As an entry stores it."""
        return _encode(self)

    def repeated(self, seq: int) -> bytes:
        """What is stored to send the event ``seq``, which is this one, again: as the same ``webhook-id``."""
        return Happening(self.actor, self.data, self.first or seq).stored()


_READER: Final = msgspec.json.Decoder(Happening)


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a post.

    Attributes:
        portal: Where.
        event: ``ONLIVEFEEDPOSTUPDATE``, in capitals.
        post_id: The post.
        actor: Who did it; None: an automation, whose event carries no tokens.
        source: ``rest``, ``web`` or ``command``.
        origin: The exchange channel over which it was done: nothing is queued for that one.
    """

    portal: MemberId
    event: str
    post_id: PostId
    actor: UserId | None
    source: str
    origin: Origin | None = None


def announce(
    tx: Tx,
    *,
    portal: MemberId,
    event: str,
    post_id: PostId,
    actor: UserId | None,
    source: str,
    origin: Origin | None = None,
) -> None:
    """Tell everybody concerned what happened to a post; `News` says what the words mean."""
    news = News(
        portal=portal, event=event.upper(), post_id=post_id, actor=actor, source=source, origin=origin
    )
    announce_many(tx, [news])


def announce_many(tx: Tx, news: Sequence[News]) -> None:
    """Tell everybody concerned what happened to posts, in the unit in which it happened.

    Who is concerned is looked up once for each event of a portal, not for each post.
    """
    known: dict[tuple[MemberId, str], _Concerned] = {}
    said: list[_Said] = []
    for one in news:
        place = (one.portal, one.event)
        concerned = known.get(place)
        if concerned is None:
            concerned = known[place] = _concerned(tx, one.portal, one.event)
        happening = Happening(one.actor)
        key = f"{POST_KEY}{one.post_id}"
        said.append(_Said(one.portal, key, one.event, happening, one.source, concerned.listeners))
        rung = _noted(tx, one) if concerned.has_queues else ()
        if rung:
            listening = [Listener(one, is_withheld=False) for one in rung]
            said.append(_Said(one.portal, BELL_KEY, bells.EVENT, happening, one.source, listening))
    _publish(tx, said)


def _concerned(tx: Tx, portal: MemberId, event: str) -> "_Concerned":
    queues = queues_of(tx, portal, event, handlers.scope_of(event))
    return _Concerned(handlers.listeners(tx, portal, event), has_queues=bool(queues))


def _noted(tx: Tx, one: News) -> Sequence[ConsumerId]:
    """Keep a change for those who fetch it; who is to be told of that now."""
    scope = handlers.scope_of(one.event)
    apps = queue.note(
        tx, portal=one.portal, event=one.event, scope=scope, post=one.post_id, origin=one.origin
    )
    return bells.ring(tx, one.portal, apps)


def announce_test(tx: Tx, app: App, *, actor: UserId, query: Mapping[str, JsonValue], language: str) -> None:
    """Raise ONAPPTEST for the handlers of one application.

    Source: api-reference/events/test-handler.md
    """
    data = app_test_data(query=query, language=language)
    told = handlers.listeners(tx, app.portal, "ONAPPTEST", app=app.id)
    _publish(tx, [_Said(app.portal, app_key(app), "ONAPPTEST", Happening.of_app(actor, data), "rest", told)])


def announce_installation(tx: Tx, app: App, *, language: str, by_page: bool = False) -> None:
    """Raise ONAPPINSTALL: to the handlers its installer has bound, and to the install URL.

    Args:
        tx: The unit of the installation.
        app: What was installed.
        language: Of the portal.
        by_page: The page at the install URL has finished the installation itself: it is not called again.

    Source: api-reference/common/events/on-app-install.md; A-55
    """
    data = install_data(version=app.release, language=language)
    told = handlers.listeners(tx, app.portal, "ONAPPINSTALL", app=app.id)
    if app.install_url and not by_page:
        forget_installation(tx, app)  # what waits of an earlier one carries credentials that are over
        told.append(Listener(_install_consumer(tx, app), is_withheld=False))
    happening = Happening.of_app(app.installer, data)
    _publish(tx, [_Said(app.portal, app_key(app), "ONAPPINSTALL", happening, "command", told)])


def announce_update(tx: Tx, app: App, *, version: str, language: str) -> int:
    """Raise ONAPPUPDATE for the handlers bound to it, and count them; call it before they are unbound.

    Source: api-reference/common/events/on-app-update.md
    """
    data = update_data(version=version, previous_version=app.release, language=language)
    told = handlers.listeners(tx, app.portal, "ONAPPUPDATE", app=app.id)
    happening = Happening.of_app(app.installer, data)
    _publish(tx, [_Said(app.portal, app_key(app), "ONAPPUPDATE", happening, "command", told)])
    return len(told)


def announce_removal(tx: Tx, app: App, *, language: str, clean: bool) -> None:
    """Raise ONAPPUNINSTALL for the handlers bound to it; call it before they are unbound.

    Source: api-reference/common/events/on-app-uninstall.md
    """
    data = uninstall_data(language=language, should_clean=clean)
    told = handlers.listeners(tx, app.portal, "ONAPPUNINSTALL", app=app.id)
    _publish(
        tx, [_Said(app.portal, app_key(app), "ONAPPUNINSTALL", Happening.of_app(None, data), "command", told)]
    )


def forget_installation(tx: Tx, app: App) -> None:
    """Nobody is told of the installation any more."""
    consumer = consumers.find(tx, portal=app.portal, name=f"{INSTALL}{app.id}")
    if consumer is not None:
        consumers.retire(tx, consumer.id)


def app_key(app: App) -> str:
    """The lane on which an application's own events go, in order."""
    return f"app:{app.id}"


@lru_cache(maxsize=1024)  # many handlers are told of one post
def post_of(key: str) -> PostId | None:
    """The post a lane is about; None for an application's own events."""
    return PostId(int(key[len(POST_KEY) :])) if key.startswith(POST_KEY) else None


class _Concerned(msgspec.Struct, frozen=True):
    """Who is told of one event of one portal, and whether it is queued for anybody."""

    listeners: Sequence[Listener]
    has_queues: bool


class _Said(msgspec.Struct, frozen=True):
    """One event, and who is told of it."""

    portal: MemberId
    key: str
    event: str
    happening: Happening
    source: str
    listeners: Sequence[Listener]


def _publish(tx: Tx, said: Sequence[_Said]) -> None:
    """Append events all at once: units lock consumers in one order."""
    seqs = append_many(
        tx,
        [
            Addition(
                one.portal,
                one.key,
                one.event,
                _encode(one.happening),
                one.source,
                [listener.consumer for listener in one.listeners if not listener.is_withheld],
            )
            for one in said
        ],
    )
    withheld = [
        Attempt(seq, listener.consumer, one.key, 0, "", tx.now_ms, None, None, 0, "withheld")
        for seq, one in zip(seqs, said, strict=True)
        for listener in one.listeners
        if listener.is_withheld
    ]
    if withheld:
        record_attempts(tx, withheld)
        tx.count(telemetry.events_withheld, len(withheld))


def _install_consumer(tx: Tx, app: App) -> ConsumerId:
    return consumers.register(tx, portal=app.portal, name=f"{INSTALL}{app.id}", kind="ONAPPINSTALL", cap=1)
