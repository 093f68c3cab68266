"""One request to a portal, with a renewed token and at its new address where that is needed."""

from collections.abc import Mapping
from typing import Final

import msgspec

from livefeed.client.access import Access, Credentials, Pace, Parameters, Sends
from livefeed.errors import ConnectFailed, ConnectionReset, Fault, TlsFailed, TransportError
from livefeed.net.http import HttpAnswer
from livefeed.wire import form
from livefeed.wire.calls import Answer, read_answer
from livefeed.wire.faults import ExpiredToken, QueryLimitExceeded
from livefeed.wire.params import as_form_values

_FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
_TIMEOUT_S: Final = 60.0  # what Bitrix24's cloud allows a request
_MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024
_REDIRECTS: Final = frozenset({301, 302, 307, 308})
_DIGITS: Final = 6


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one request.

    Attributes:
        outcome: The answer, or the fault that the portal told.
        asked_s: Seconds after which the portal asked to be called again (Retry-After).
    """

    outcome: Answer | Fault
    asked_s: float | None = None


class Poster:
    """Sends requests on behalf of one user. Whatever it repeats, the portal has done nothing before.

    Source: https://apidocs.bitrix24.com/settings/how-to-call-rest-api/index.html
    """

    def __init__(self, http: Sends, credentials: Credentials, pace: Pace | None = None) -> None:
        self._http = http
        self._credentials = credentials
        self._pace = pace

    async def post(self, method: str, params: Parameters) -> Received:
        """Send one request; once more with a new token if the old one has expired.

        Raises:
            TransportError: There was no usable answer.
            NotInstalled: There is no token to call with.
        """
        access = await self._credentials.access()
        received = await self._send(access, method, params)
        if isinstance(received.outcome, ExpiredToken):
            renewed = await self._credentials.renew(access)
            if renewed is not None:
                received = await self._send(renewed, method, params)
        if isinstance(received.outcome, QueryLimitExceeded) and self._pace is not None:
            await self._pace.refused()
        return received

    async def _send(self, access: Access, method: str, params: Parameters) -> Received:
        try:
            answer = await self._post(access, method, params)
        except (ConnectFailed, TlsFailed) as exc:
            return await self._send_moved(access, method, params, exc)
        except ConnectionReset as exc:
            # What a portal that speaks https by now does to a request in clear text.
            if not access.endpoint.startswith("http:"):
                raise
            return await self._send_moved(access, method, params, exc)
        if answer.status in _REDIRECTS:
            lost = ConnectFailed("the portal has moved, nobody knows where to")
            found = answer.headers.get("location", "")
            return await self._send_moved(_moved(access, found), method, params, lost)
        return _received(answer)

    async def _send_moved(
        self, access: Access, method: str, params: Parameters, why: TransportError
    ) -> Received:
        moved = await self._credentials.relocate(access)
        if moved is None:
            raise why
        return _received(await self._post(moved, method, params))

    async def _post(self, access: Access, method: str, params: Parameters) -> HttpAnswer:
        if self._pace is not None:
            await self._pace.admit()
        values = as_form_values(params)
        token = access.token.reveal()
        try:
            return await self._http.send(
                "POST",
                access.url(method),
                body=form.encode({**values, "auth": token} if token else values),
                headers=_FORM,
                timeout_s=_TIMEOUT_S,
                max_answer_bytes=_MAX_ANSWER_BYTES,
            )
        except TransportError as exc:
            # What the HTTP library itself says holds the URL, and that of a webhook is a secret.
            raise exc from None


def _moved(access: Access, location: str) -> Access:
    return Access(endpoint=access.endpoint, token=access.token, hook=access.hook, moved_to=location)


def _received(answer: HttpAnswer) -> Received:
    try:
        outcome: Answer | Fault = read_answer(answer.status, answer.body)
    except Fault as fault:
        outcome = fault
    return Received(outcome=outcome, asked_s=_asked_s(answer.headers))


def _asked_s(headers: Mapping[str, str]) -> float | None:
    """Retry-After in seconds; a date is not looked at, clocks differ."""
    text = headers.get("retry-after", "").strip()
    return float(text) if text.isdecimal() and len(text) < _DIGITS else None
