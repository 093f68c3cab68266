"""The REST client: one call, a batch, or the pages of a list, with the faults of the wire as exceptions."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from livefeed.errors import ConnectFailed, ConnectionReset, Fault, TlsFailed, TransportError
from livefeed.net.http import HttpClient
from livefeed.secrets import Secret
from livefeed.wire import form
from livefeed.wire.batch import MAX_COMMANDS, build_batch, read_batch
from livefeed.wire.calls import Answer, read_answer
from livefeed.wire.faults import ExpiredToken
from livefeed.wire.form import JsonValue
from livefeed.wire.params import as_form_values

Parameters: TypeAlias = Mapping[str, JsonValue]

_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
_TIMEOUT_S: Final = 60.0  # what Bitrix24's cloud allows a request
_MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024
_REDIRECTS: Final = frozenset({301, 302, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where to call, and with what.

    Attributes:
        endpoint: REST base with a slash at its end: ``https://some-domain.bitrix24.com/rest/``.
        token: Access token.
    """

    endpoint: str
    token: Secret


class Credentials(Protocol):
    """On whose behalf a client calls."""

    async def access(self) -> Access:
        """Where to call and with which token; the token may have expired."""
        ...

    async def renew(self, refused: Access) -> Access | None:
        """An access in place of one that has expired; None if there is nothing to renew it with."""
        ...

    async def relocate(self, moved: Access) -> Access | None:
        """The access after the portal has moved; None if the authorization server knows no new address."""
        ...


class Pace(Protocol):
    """How fast a portal may be called."""

    async def admit(self) -> None:
        """Wait until one more call may be made."""
        ...


class RestClient:
    """Calls one portal on behalf of one user. It repeats a call only where the wire says how: after
    ``expired_token`` with a renewed token, and at the portal's new address if nobody is at the old one.

    Source: https://apidocs.bitrix24.com/settings/how-to-call-rest-api/index.html
    """

    def __init__(self, http: HttpClient, credentials: Credentials, pace: Pace | None = None) -> None:
        self._http = http
        self._credentials = credentials
        self._pace = pace

    async def call(self, method: str, params: Parameters | None = None) -> Answer:
        """Call ``method`` and return its answer.

        Raises:
            Fault: The portal refused; the class says why (``wire.faults``).
            TransportError: There was no usable answer.
            NotInstalled: There is no token to call with.
        """
        access = await self._credentials.access()
        try:
            return await self._send(access, method, params or {})
        except ExpiredToken:
            renewed = await self._credentials.renew(access)
            if renewed is None:
                raise
        return await self._send(renewed, method, params or {})

    async def batch(
        self, commands: Mapping[str, tuple[str, Parameters]], *, halt: bool = False
    ) -> dict[str, Answer | Fault]:
        """Call several methods in one request, or in one request for each 50.

        Args:
            commands: Name → (method, parameters). A value may refer to an earlier command of the same
                fifty: ``$result[name][0][ID]``.
            halt: Stop at the first fault; commands after it have no entry in the answer.

        Returns:
            Name → answer or fault, in the order of the commands.
        """
        results: dict[str, Answer | Fault] = {}
        names = list(commands)
        for start in range(0, len(names), MAX_COMMANDS):
            part = {name: commands[name] for name in names[start : start + MAX_COMMANDS]}
            results.update(read_batch(await self.call("batch", build_batch(part, halt=halt).to_wire())))
            if halt and any(isinstance(result, Fault) for result in results.values()):
                break
        return results

    async def pages(self, method: str, params: Parameters | None = None) -> AsyncIterator[Answer]:
        """The pages of a list method, each with at most 50 rows in its ``result``."""
        start: int | None = 0
        while start is not None:
            answer = await self.call(method, {**(params or {}), "start": start})
            yield answer
            # A portal that names the same start again would be asked for ever.
            start = answer.next if answer.next is not None and answer.next > start else None

    async def _send(self, access: Access, method: str, params: Parameters) -> Answer:
        try:
            status, body = await self._post(access, method, params)
        except (ConnectFailed, TlsFailed) as exc:
            return await self._send_moved(access, method, params, exc)
        except ConnectionReset as exc:
            # What a portal that speaks https by now does to a request in clear text.
            if not access.endpoint.startswith("http:"):
                raise
            return await self._send_moved(access, method, params, exc)
        if status in _REDIRECTS:
            lost = ConnectFailed("the portal has moved, nobody knows where to")
            return await self._send_moved(access, method, params, lost)
        return read_answer(status, body)

    async def _send_moved(
        self, access: Access, method: str, params: Parameters, why: TransportError
    ) -> Answer:
        moved = await self._credentials.relocate(access)
        if moved is None:
            raise why
        return read_answer(*await self._post(moved, method, params))

    async def _post(self, access: Access, method: str, params: Parameters) -> tuple[int, bytes]:
        if self._pace is not None:
            await self._pace.admit()
        answer = await self._http.send(
            "POST",
            f"{access.endpoint}{method}.json",
            body=form.encode({**as_form_values(params), "auth": access.token.reveal()}),
            headers=_FORM,
            timeout_s=_TIMEOUT_S,
            max_answer_bytes=_MAX_ANSWER_BYTES,
        )
        return answer.status, answer.body
