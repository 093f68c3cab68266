"""The REST client: calls, batches and lists, with the faults of the wire as exceptions."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from livefeed.client.access import Access, Credentials, Operating, Pace, Parameters, Sends
from livefeed.client.gathering.collector import PARALLEL
from livefeed.client.hooks import Hook
from livefeed.client.lists import pages
from livefeed.client.lists.cursor import USERS, Cursor, rows_by_id
from livefeed.client.lists.progress import OnProgress, Progress
from livefeed.client.manners import POLITE, Manners
from livefeed.client.oauth import TokenEndpoint
from livefeed.client.pace import OwnPace
from livefeed.client.sending.calling import Caller
from livefeed.client.sending.operating import OwnOperating
from livefeed.client.sending.repeating import NEVER, Repeats
from livefeed.client.ticking import Time
from livefeed.client.tokens import Keep, Pair, Tokens
from livefeed.errors import Fault
from livefeed.net.http import HttpClient
from livefeed.wire.batch import MAX_COMMANDS
from livefeed.wire.calls import Answer
from livefeed.wire.form import JsonValue

__all__ = ["Access", "Credentials", "Pace", "Parameters", "RestClient"]

_A_WINDOW: Final = MAX_COMMANDS * PARALLEL
_BY_ID: Final = Cursor()


class RestClient:
    """Calls one portal on behalf of one user.

    `from_webhook` and `from_tokens` make one that is used alone. Inside an application the clockwork repeats
    what fails: a client made there repeats a call only where the wire says how, which is after
    ``expired_token``, and at the portal's new address.

    Example:
        async with RestClient.from_webhook("https://portal/rest/1/8g9l071eismy9q2l/") as portal:
            async for user in portal.rows_by_id("user.get", {"FILTER": {"ACTIVE": True}}):
                print(user["NAME"])

    Source: https://apidocs.bitrix24.com/settings/how-to-call-rest-api/index.html
    """

    def __init__(
        self,
        http: Sends,
        credentials: Credentials,
        pace: Pace | None = None,
        *,
        repeats: Repeats = NEVER,
        budget: Operating | None = None,
        gathers: bool = False,
        time: Time | None = None,
        on_close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            http: The way out.
            credentials: On whose behalf.
            pace: How fast; None: as fast as it is called.
            repeats: When a call is made once more.
            budget: How long each method may run; None: nobody looks.
            gathers: Whether calls made at the same time share a request.
            time: By what it waits.
            on_close: Called last by `close`.
        """
        self._caller = Caller(http, credentials, pace, repeats=repeats, budget=budget, time=time)
        self._call = self._caller.gathered if gathers else self._caller.alone
        self._on_close = on_close

    @classmethod
    def from_webhook(cls, url: str, manners: Manners = POLITE, *, http: HttpClient | None = None) -> Self:
        """A client that calls by an incoming webhook.

        Args:
            url: As the portal shows it: ``https://portal/rest/1/8g9l071eismy9q2l/``. A secret.
            manners: Limits and patience.
            http: The way out, which stays open; None: one of its own, to any address.

        Raises:
            SettingsError: The URL is none of a webhook.
        """
        return cls._alone(Hook(url), manners, http or HttpClient(allow_private=True), is_own=http is None)

    @classmethod
    def from_tokens(
        cls,
        pair: Pair,
        server: TokenEndpoint,
        manners: Manners = POLITE,
        *,
        http: HttpClient,
        keep: Keep | None = None,
    ) -> Self:
        """A client that calls by OAuth tokens, and renews them.

        Args:
            pair: The tokens of one user.
            server: Where new ones come from: `livefeed.client.TokenEndpoint`.
            manners: Limits and patience.
            http: The way out, which stays open.
            keep: Stores each new pair: the one before it works no more.
        """
        return cls._alone(Tokens(pair, server, keep), manners, http, is_own=False)

    @classmethod
    def _alone(cls, credentials: Credentials, manners: Manners, http: HttpClient, *, is_own: bool) -> Self:
        own = None if manners.rate is None else OwnPace(manners.rate)
        return cls(
            http,
            credentials,
            manners.pace or own,
            repeats=manners.repeats,
            budget=None if manners.operating_s is None else OwnOperating(manners.operating_s),
            gathers=manners.gathers,
            on_close=http.close if is_own else None,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End what is under way."""
        await self._caller.close()
        if self._on_close is not None:
            await self._on_close()

    async def call(
        self, method: str, params: Parameters | None = None, *, is_safe: bool | None = None
    ) -> Answer:
        """Call ``method`` and return its answer.

        Args:
            method: ``user.get``.
            params: ``{"FILTER": {"@ID": [1, 2]}}``.
            is_safe: Whether it may be made again although it may have happened, if the connection breaks for
                example; None: as its name tells.

        Raises:
            Fault: The portal refused; the class says why (``wire.faults``).
            TransportError: There was no usable answer.
            NotInstalled: There is no token to call with.
            NotYet: The method has run for too long lately, and it would be long until it may run again.
        """
        return await self._call(method, params or {}, is_safe=is_safe)

    async def many(
        self, calls: Iterable[tuple[str, Parameters]], *, progress: OnProgress | None = None
    ) -> list[Answer | Fault]:
        """Make any number of calls, fifty in a request, in no particular order.

        Args:
            calls: Methods and their parameters.
            progress: Is told after each few hundred.

        Returns:
            Answers and faults in the order of the calls.

        Raises:
            TransportError: A call got no usable answer, however often it was made.
        """
        wanted, found = list(calls), list[Answer | Fault]()
        for start in range(0, len(wanted), _A_WINDOW):
            some = wanted[start : start + _A_WINDOW]
            outcomes = await asyncio.gather(
                *(self._caller.gathered(method, params) for method, params in some), return_exceptions=True
            )
            for outcome in outcomes:
                if not isinstance(outcome, Answer | Fault):
                    raise outcome
                found.append(outcome)
            if progress is not None:
                progress(Progress(done=len(found), total=len(wanted)))
        return found

    async def batch(
        self, commands: Mapping[str, tuple[str, Parameters]], *, halt: bool = False
    ) -> dict[str, Answer | Fault]:
        """Call several methods in one request, or in one request for each 50, one after the other.

        Args:
            commands: Name → (method, parameters). A value may refer to an earlier command of the same
                fifty: ``$result[name][0][ID]``.
            halt: Stop at the first fault; commands after it have no entry in the answer.

        Returns:
            Name → answer or fault, in the order of the commands.

        Raises:
            Fault: The portal refused the whole batch.
            TransportError: There was no usable answer.
            NotYet: As for `call`.

        Source: https://apidocs.bitrix24.com/settings/how-to-call-rest-api/batch.html
        """
        results: dict[str, Answer | Fault] = {}
        names = list(commands)
        for start in range(0, len(names), MAX_COMMANDS):
            part = {name: commands[name] for name in names[start : start + MAX_COMMANDS]}
            results.update(await self._caller.batch(part, halt=halt))
            if halt and any(isinstance(result, Fault) for result in results.values()):
                break
        return results

    async def pages(self, method: str, params: Parameters | None = None) -> AsyncIterator[Answer]:
        """The pages of a list method, one after the other, each with at most 50 rows in its ``result``."""
        start: int | None = 0
        while start is not None:
            answer = await self.call(method, {**(params or {}), "start": start})
            yield answer
            # A portal that names the same start again would be asked for ever.
            start = answer.next if answer.next is not None and answer.next > start else None

    def rows(
        self,
        method: str,
        params: Parameters | None = None,
        *,
        at: str = "",
        progress: OnProgress | None = None,
    ) -> AsyncGenerator[JsonValue]:
        """The rows of a list method that pages by ``start``; all pages but the first come in batches.

        What is added or deleted meanwhile moves rows from page to page: one may be missed, or seen twice.
        Where the method filters and sorts by an id, `rows_by_id` has neither.

        Args:
            method: ``log.blogpost.get``.
            params: Without ``start``.
            at: Where the rows stand in the result, if it holds more than one list.
            progress: Is told after each page.
        """
        return pages.rows(self._caller.gathered, method, params or {}, at=at, progress=progress)

    def rows_by_id(
        self,
        method: str,
        params: Parameters | None = None,
        *,
        cursor: Cursor | None = None,
        at: str = "",
        progress: OnProgress | None = None,
    ) -> AsyncGenerator[JsonValue]:
        """The rows of a list method by rising id, each exactly once, up to 2,500 in a request.

        Args:
            method: ``user.get``, ``crm.deal.list``: it must filter and sort by the id.
            params: Filters and fields; the id must be among these.
            cursor: The names of field, filter and order; those of most methods are known.
            at: Where the rows stand in the result, if it holds more than one list.
            progress: Is told after each page.
        """
        chosen = cursor or (USERS if method.lower() == "user.get" else _BY_ID)

        async def chain(calls: Sequence[Parameters]) -> Sequence[Answer]:
            return await self._caller.chain(method, calls)

        return rows_by_id(chain, params or {}, chosen, at=at, progress=progress)
