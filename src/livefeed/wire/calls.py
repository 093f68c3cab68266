"""One REST call: its address and parameters on the way in, its envelope on the way out.

Source: settings/how-to-call-rest-api/*.md, api-reference/data-types.md; contract 5
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal, cast
from urllib.parse import unquote

import msgspec

from livefeed.errors import Fault
from livefeed.wire.faults import UnexpectedAnswer, UnknownFault, fault_of
from livefeed.wire.form import REST_LIMITS, JsonValue, Limits, decode, decode_object
from livefeed.wire.ids import UserId, decimal
from livefeed.wire.params import Params

PAGE_SIZE: Final = 50
"""Rows in one answer of a list method; ``start`` counts them (contract 5.6)."""

_RESET_AFTER_S: Final = 600


class RestPath(msgspec.Struct, frozen=True, kw_only=True):
    """What the path of a call says.

    Attributes:
        user_id: Whose webhook; None with a token.
        code: The secret of the webhook; None with a token.
        method: In lower case, without suffix (A-23): ``log.blogpost.get``; may be empty.
        transport: ``xml`` where the suffix asks for it.
    """

    user_id: UserId | None = None
    code: str | None = None
    method: str = ""
    transport: Literal["json", "xml"] = "json"

    def __repr__(self) -> str:
        return f"RestPath(user_id={self.user_id}, method={self.method!r}, transport={self.transport!r})"


def parse_rest_path(path: str) -> RestPath | None:
    """Read ``/rest/log.blogpost.get.json`` or ``/rest/1/8g9l071eismy9q2l/log.blogpost.get/``.

    Slashes may stand twice: b24jssdk writes one behind a ``client_endpoint``, which ends in one.

    Returns:
        None if the path is of neither form.
    """
    parts = [unquote(part) for part in path.split("/") if part]
    if len(parts) not in (2, 4) or parts[0] != "rest":
        return None
    method = parts[-1].lower()
    name = method.removesuffix(".json").removesuffix(".xml")
    transport = "xml" if method.endswith(".xml") else "json"
    if len(parts) == 2:
        return RestPath(method=name, transport=transport)
    user_id = decimal(parts[1])
    if not user_id:
        return None
    return RestPath(user_id=UserId(user_id), code=parts[2], method=name, transport=transport)


class RestRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A call before anyone has asked who makes it.

    Attributes:
        path: What the address says.
        params: The parameters of query string and body, the latter winning, without ``auth``.
        auth: The access token, if one was given; a secret.
    """

    path: RestPath
    params: Params
    auth: str | None = None

    def __repr__(self) -> str:
        return f"RestRequest(path={self.path!r}, params={self.params!r})"


def read_request(
    path: RestPath,
    *,
    query: bytes = b"",
    content_type: str = "",
    body: bytes = b"",
    limits: Limits = REST_LIMITS,
) -> RestRequest:
    """Put a call together; a multipart body comes in through ``request_of`` after its parts are read.

    Raises:
        TooLarge: A bound is passed.
        WireError: The JSON is none, or there is a NUL.
    """
    in_query = [decode(query, limits=limits, strict=False)] if query else []
    if "json" in content_type.lower():
        return request_of(path, *in_query, decode_object(body, limits=limits))
    return request_of(path, *in_query, decode(body, limits=limits, strict=False))


def request_of(path: RestPath, *sources: Mapping[str, JsonValue]) -> RestRequest:
    """A call with the parameters of ``sources``, the last of which wins."""
    params = Params(_merged(sources))
    if not params.has("auth"):
        return RestRequest(path=path, params=params)
    return RestRequest(path=path, params=params.without("auth"), auth=params.text("auth") or None)


def _merged(sources: Sequence[Mapping[str, JsonValue]]) -> Mapping[str, JsonValue]:
    """One mapping, in which each name stands in one spelling only."""
    if len(sources) == 1 and len({name.upper() for name in sources[0]}) == len(sources[0]):
        return sources[0]
    merged: dict[str, JsonValue] = {}
    spelled: dict[str, str] = {}
    for name, value in (pair for source in sources for pair in source.items()):
        merged.pop(spelled.get(name.upper(), ""), None)
        merged[name] = value
        spelled[name.upper()] = name
    return merged


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """When a call ran, in Unix seconds with fractions.

    Attributes:
        start_s: The call came in.
        finish_s: The answer is ready.
        processing_s: Seconds in the method itself.
        operating_s: Seconds this method used in the last ten minutes; None leaves the two keys out, as the
            sub-results of a batch do.
        operating_reset_at: Unix second in which the first of them are forgotten; None: ten minutes from now.
    """

    start_s: float
    finish_s: float
    processing_s: float = 0.0
    operating_s: float | None = 0.0
    operating_reset_at: int | None = None

    def to_wire(self) -> dict[str, JsonValue]:
        """The ``time`` object of an answer.

        Source: api-reference/data-types.md
        """
        wire: dict[str, JsonValue] = {
            "start": round(self.start_s, 6),
            "finish": round(self.finish_s, 6),
            "duration": max(0.0, self.finish_s - self.start_s),
            "processing": self.processing_s,
            "date_start": _iso(self.start_s),
            "date_finish": _iso(self.finish_s),
        }
        if self.operating_s is not None:
            reset_at = self.operating_reset_at
            wire["operating_reset_at"] = int(self.start_s) + _RESET_AFTER_S if reset_at is None else reset_at
            wire["operating"] = self.operating_s
        return wire


def _iso(at_s: float) -> str:
    return _iso_of_second(int(at_s))


@lru_cache(maxsize=8)
def _iso_of_second(at_s: int) -> str:
    """The text of one second: calls that come in the same second share it."""
    return datetime.fromtimestamp(at_s, tz=UTC).isoformat()


class Took(msgspec.Struct, frozen=True, kw_only=True):
    """What the ``time`` of an answer tells, as far as it does.

    Attributes:
        duration_s: Seconds the call took at the portal.
        finished_s: Unix seconds at the portal when it was over.
        operating_s: Seconds this method has run for this caller in the last ten minutes, this call included.
        reset_at: Unix second at the portal in which the first of them are forgotten.
    """

    duration_s: float = 0.0
    finished_s: float | None = None
    operating_s: float | None = None
    reset_at: int | None = None


def read_time(value: JsonValue) -> Took | None:
    """Read the ``time`` of an answer, or of one call of a batch; None if there is none.

    Source: api-reference/data-types.md
    """
    if not isinstance(value, Mapping):
        return None
    return Took(
        duration_s=_seconds(value.get("duration")) or 0.0,
        finished_s=_seconds(value.get("finish")),
        operating_s=_seconds(value.get("operating")),
        reset_at=_count(value.get("operating_reset_at")),
    )


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A successful answer.

    Attributes:
        result: What the method returns.
        total: All rows that match, for list methods.
        next: The ``start`` of the next page; None on the last one.
        took: What its ``time`` tells; only in an answer that was received.
    """

    result: JsonValue
    total: int | None = None
    next: int | None = None
    took: Took | None = None


def page_of(rows: Sequence[JsonValue], *, start: int, total: int) -> Answer:
    """A list answer holding ``rows``, the page that begins at ``start`` of ``total`` rows.

    ``start=-1`` asks for no count: the total is 0 and there is no next page (A-24).
    """
    if start < 0:
        return Answer(result=rows, total=0)
    following = start + len(rows)
    return Answer(result=rows, total=total, next=following if rows and following < total else None)


def answer_body(answer: Answer, timing: Timing) -> bytes:
    """The JSON of a successful answer, HTTP 200."""
    wire: dict[str, JsonValue] = {"result": answer.result}
    if answer.total is not None:
        wire["total"] = answer.total
    if answer.next is not None:
        wire["next"] = answer.next
    wire["time"] = timing.to_wire()
    return msgspec.json.encode(wire)


def fault_wire(fault: Fault) -> dict[str, JsonValue]:
    """``{"error": …, "error_description": …}``, and the parameter it is about if a page shows it."""
    named: dict[str, JsonValue] = {"argument": fault.argument} if fault.argument else {}
    return {"error": fault.code, "error_description": fault.description, **named}


def fault_body(fault: Fault) -> bytes:
    """The JSON of an error; its HTTP status is ``fault.status``."""
    return msgspec.json.encode(fault_wire(fault))


def read_answer(status: int, body: bytes) -> Answer:
    """Read what a portal answered.

    Raises:
        Fault: The answer is an error, or it is not one that REST gives (an HTML page, for instance).
    """
    try:
        wire = cast("JsonValue", msgspec.json.decode(body))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        wire = None
    if not isinstance(wire, Mapping):
        raise _not_rest(status)
    if "error" in wire:
        raise _fault_in(status, wire)
    if "result" not in wire:
        raise _not_rest(status)
    return Answer(
        result=wire["result"],
        total=_count(wire.get("total")),
        next=_count(wire.get("next")),
        took=read_time(wire.get("time")),
    )


def _fault_in(status: int, wire: Mapping[str, JsonValue]) -> Fault:
    code = wire["error"]
    description = wire.get("error_description")
    if isinstance(code, Mapping):  # REST 3.0 (contract 5.11)
        code, description = code.get("code"), code.get("message")
    return fault_of(
        status, "" if code is None else str(code), description if isinstance(description, str) else ""
    )


def _not_rest(status: int) -> Fault:
    if status >= 500 or status < 300:
        fault = UnexpectedAnswer()
        fault.status = status
        return fault
    return UnknownFault(code="", status=status, description="the answer is not JSON of the REST interface")


def _count(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _seconds(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
