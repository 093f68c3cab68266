"""What a handler gets beside its event: the portal to ask, and the settle to join."""

from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Literal, TypeVar

from livefeed.app.contexts.effects import Caller, Once, OnUnknown
from livefeed.app.contexts.items import Call, Item
from livefeed.app.contexts.posts import Post, fetch_post
from livefeed.app.contexts.refusals import TOKEN_FAULTS
from livefeed.app.inbox import Step
from livefeed.app.runtime import Runtime
from livefeed.client.rest import Parameters, RestClient
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.lanes import Lease
from livefeed.durable.store import Tx
from livefeed.errors import Fault, NotInstalled, PostUnreadable
from livefeed.secrets import Secret
from livefeed.ui.languages import Words, noted
from livefeed.wire.events import Envelope, Event
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import MemberId, PostId, UserId, decimal

T = TypeVar("T")

_LONGEST_CALL_S = 3600.0
_LEASE_MS = 10_000


class Context:
    """One call of one handler.

    Attributes:
        runtime: The running application.
        events: The run this call is for, oldest first; one event unless the handler coalesces.
        event: The last of them.
        portal: Where it happened.
        seq: Its place in the inbox.
        attempt: 1 for the first try of this handler.
        now_ms: When this try started.
        is_own: Whether all of the run is taken for the echo of what this application wrote itself: handlers
            with ``own=True`` are called for those too. Nothing in an event says so: it is concluded from a
            call of this application to the same post within the last hour, which explains one event only,
            and from the post, which still shows what was written.
    """

    def __init__(self, runtime: Runtime, lease: Lease, items: Sequence[Item], call: Call) -> None:
        """Take the run, at least one event."""
        self.runtime = runtime
        self.events: tuple[Event, ...] = tuple(item.event for item in items)
        self.event: Event = self.events[-1]
        self.portal = MemberId(lease.consumer.portal)
        self.seq = items[-1].seq
        self.attempt = call.attempt
        self.now_ms = runtime.clock.now_ms()
        self.is_own = all(item.is_own for item in items)
        self._units: list[Callable[[Tx], None]] = []
        self._steps: list[Step] = []
        longest_s = _LONGEST_CALL_S if call.timeout_s is None else call.timeout_s
        self._caller = Caller(
            store=runtime.store,
            portal=self.portal,
            place=f"{items[-1].digest} {call.handler}",
            lane=f"{lease.consumer.id} {lease.key}",
            token=lease.token,
            longest_ms=round(longest_s * 1000) + _LEASE_MS,
            tell=self.step,
        )

    @property
    def state(self) -> SimpleNamespace:
        """What the application's ``on_start`` functions keep, as attributes."""
        return self.runtime.state

    @property
    def post_id(self) -> PostId | None:
        """The post that the last event is about; None for other events."""
        return getattr(self.event, "post_id", None)

    def once(
        self,
        key: str,
        effect: Callable[[], object] | None = None,
        *,
        on_unknown: OnUnknown = "resend",
        per: Literal["event", "portal"] = "event",
    ) -> Once:
        """An effect outside the database that is to happen once, however often this handler is called.

        It is recorded before it begins and after it has happened; both are commits. ``await`` it with a
        function, or use it as a block: ``async with ctx.once("mail") as is_due``. Either says whether it
        happened now. What it raises leaves unknown whether it happened, unless it is a refusal, a connection
        that was not made, ``Retry`` or ``Drop``.

        Args:
            key: The handler's own name for it, shown in the inbox; never a secret.
            effect: A function, async or plain; None: the block.
            on_unknown: After a crash in the middle, or an error that leaves it unknown: ``resend`` makes it
                once more, ``skip`` does not. Both are counted and shown.
            per: Once for this event and handler, also after a dead letter was put back; or once for the
                portal whatever the event, for as long as it is remembered: 30 days.

        Raises:
            SettingsError: The key or ``on_unknown`` cannot be used.
            Retry: Awaited while another lane's call makes the same.
            StoreError: Awaited, it could not be recorded.
        """
        return Once(self._caller, key, effect, on_unknown, per == "portal")

    @property
    def envelope(self) -> Envelope:
        """The last event as it travelled."""
        return self.event.envelope

    @property
    def event_client(self) -> RestClient | None:
        """A client for the acting user; None if the event came without his token."""
        token = self.envelope.auth.access_token
        if not token or not self.runtime.portals.get(self.portal).endpoint:
            return None
        return self.runtime.client_with(self.portal, Secret(token), handling=self.envelope.event)

    @property
    def client(self) -> RestClient:
        """A client for whoever installed the application; without an installation, for the acting user.

        Raises:
            NotInstalled: There is no token at all.
        """
        try:
            return self.runtime.client(self.portal, handling=self.envelope.event)
        except NotInstalled:
            client = self.event_client
            if client is None:
                raise
            return client

    @property
    def rest(self) -> RestClient:
        """The same as `client`; what handlers get that ask for ``rest``."""
        return self.client

    def client_of(self, user_id: UserId) -> RestClient:
        """A client for a person who opened the application or signed in, with the tokens stored then.

        Its calls raise NotInstalled where no usable pair of this person is stored.
        """
        return self.runtime.client_of(self.portal, user_id, handling=self.envelope.event)

    async def people(self) -> list[UserId]:
        """Whose stored tokens can be used here, who opened the application last first; at most ten."""
        return await self.runtime.people(self.portal)

    async def call(self, method: str, params: Parameters | None = None) -> JsonValue:
        """Call ``method`` with `client` and return its result.

        Raises:
            Fault: The portal refused.
            TransportError: There was no usable answer.
            NotInstalled: There is no token to call with.
        """
        return (await self.client.call(method, params)).result

    async def post(self, post_id: PostId) -> Post:
        """The post as it is now.

        Raises:
            PostUnreadable: Neither the acting user nor the installer sees it.
            TransportError: There was no usable answer.
            NotInstalled: There is no token to ask with.
        """
        post = await self.find_post(post_id)
        if post is None:
            raise PostUnreadable(f"post {post_id} of portal {self.portal}: no token that is held can read it")
        return post

    async def find_post(self, post_id: PostId) -> Post | None:
        """Like `post`, but None if nobody sees it; that is no proof that it is deleted."""
        acting = self.event_client
        if acting is not None:
            # Its token is good for an hour, and for its user's rights: the stored pairs may do better.
            try:
                post = await fetch_post(acting, post_id)
            except TOKEN_FAULTS:
                post = None
            if post is not None:
                return post
        try:
            post = await fetch_post(self.runtime.client(self.portal), post_id)
        except (NotInstalled, *TOKEN_FAULTS) as exc:
            missing: Exception | None = exc
        else:
            if post is not None:
                return post
            missing = None
        post, has_asked = await self._seen_by_somebody(post_id)
        if post is None and missing is not None and acting is None and not has_asked:
            raise missing
        return post

    async def _seen_by_somebody(self, post_id: PostId) -> tuple[Post | None, bool]:
        """The post as one of those sees it whose tokens are kept; and whether any of them could be asked."""
        has_asked = False
        installer = self.runtime.portals.get(self.portal).user_id
        for user_id in await self.people():
            if user_id == installer:
                continue
            try:
                post = await fetch_post(self.client_of(user_id), post_id)
            except (NotInstalled, *TOKEN_FAULTS):
                continue
            has_asked = True
            if post is not None:
                return post, True
        return None, has_asked

    async def notify(self, user_id: UserId, text: str, tag: str | None = None) -> int | None:
        """Ring ``user_id``'s bell; a notice under the same ``tag`` takes the place of the one before.

        Args:
            user_id: Whose bell.
            text: BBCode.
            tag: Default: one for the event's kind, its post and the person, so that a repeat shows once.

        Returns:
            The notice's number; None if the portal made none.

        Source: https://apidocs.bitrix24.com/api-reference/chats/notify/im-notify-personal-add.html
        """
        about = self.post_id or self.seq
        given = tag or f"{self.envelope.event}|{about}|{user_id}"
        result = await self.call(
            "im.notify.personal.add", {"USER_ID": user_id, "MESSAGE": text, "TAG": given}
        )
        self.step("told", noted("user %(user)s", user=user_id))
        return result if isinstance(result, int) and not isinstance(result, bool) else None

    async def actor(self) -> UserId | None:
        """Who caused the last event; None if nothing tells (automation, or a token that has ended)."""
        user_id = self.envelope.auth.user_id
        if user_id is not None:
            return user_id
        client = self.event_client
        if client is None:
            return None
        try:
            result = (await client.call("user.current")).result
        except Fault as fault:
            if fault.retryable:
                raise
            return None
        return _user_id(result)

    def wait(self, work: Awaitable[T]) -> T:
        """What ``work`` comes to, for sync handlers: ``ctx.wait(ctx.call("user.current"))``.

        Raises:
            RuntimeError: It is called in the event loop, where it would wait for itself.
        """
        return self.runtime.wait(work)

    async def read(self, query: Callable[[Tx], T]) -> T:
        """Read the application's database."""
        return await self.runtime.store.read(query)

    def on_settle(self, unit: Callable[[Tx], None]) -> None:
        """Run ``unit`` in the unit of work that settles this event: once, if this handler finishes."""
        self._units.append(unit)

    def step(self, name: str, detail: Words | str = "") -> None:
        """Say what happened, for ``livefeed inbox`` and the console; never a secret.

        A text is shown as it stands; what `livefeed.ui.languages.noted` makes, in the reader's language.
        """
        self._steps.append(Step(name, self.runtime.clock.now_ms(), detail))

    def consumer_of(self, name: str) -> ConsumerId:
        """This portal's consumer of that name."""
        return self.runtime.consumer(self.portal, name)

    @property
    def steps(self) -> Sequence[Step]:
        """What `step` was told."""
        return self._steps

    @property
    def units(self) -> Sequence[Callable[[Tx], None]]:
        """What `on_settle` was given."""
        return self._units


def _user_id(result: JsonValue) -> UserId | None:
    value = result.get("ID") if isinstance(result, dict) else None
    number = decimal(str(value)) if isinstance(value, (str, int)) else None
    return UserId(number) if number else None
