"""``batch``: many calls in one request, later ones using the results of earlier ones.

Source: settings/how-to-call-rest-api/batch.md; contract 5.7
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote_plus

import msgspec

from livefeed.errors import Fault, TooLarge, WireError
from livefeed.wire.calls import Answer, Timing, fault_wire, read_time
from livefeed.wire.faults import BatchLengthExceeded, BatchMethodNotAllowed, fault_of
from livefeed.wire.form import REST_LIMITS, JsonValue, decode, encode
from livefeed.wire.form.values import as_text
from livefeed.wire.params import Params, as_form_values

MAX_COMMANDS: Final = 50

_reference = re.compile(r"\$result((?:\[[^\[\]]*\])+)")
_encoded_reference = re.compile(r"%24result(?:%5B[\w.+-]*%5D)+")
_index = re.compile(r"\[([^\[\]]*)\]")


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a batch.

    Attributes:
        name: Its key in ``cmd``: ``get_user``, or ``0``.
        method: In lower case; may be empty or unknown.
        query: Its parameters, URL-encoded: ``ID=$result[get_user][UF_DEPARTMENT][0]``.
    """

    name: str
    method: str
    query: str = ""

    def params(self, results: Mapping[str, JsonValue]) -> Params:
        """The parameters, with the results of earlier commands put in.

        Raises:
            TooLarge: A bound of the form is passed; what results put in counts like a body.
            WireError: There is a NUL.
        """
        form = decode(self.query.encode(errors="replace"), limits=REST_LIMITS, strict=False)
        found = _Found(results, REST_LIMITS.max_bytes)
        return Params({name: _substituted(value, found) for name, value in form.items()})

    def refusal(self, position: int) -> Fault | None:
        """Why this command may not run at ``position`` (from 0), if so (A-56)."""
        if position >= MAX_COMMANDS:
            return BatchLengthExceeded()
        return BatchMethodNotAllowed() if self.method == "batch" else None


def read_commands(params: Params) -> list[Command]:
    """The commands in ``cmd``, in their order; their number is not limited here, see ``Command.refusal``."""
    lines = Params(params.mapping("cmd"))
    return [_command(name, lines.text(name)) for name in params.mapping("cmd")]


def _command(name: str, line: str) -> Command:
    method, _, query = line.partition("?")
    return Command(name=name, method=method.strip().strip("/").lower().removesuffix(".json"), query=query)


class _Found:
    """Results that are put into one command, until they are too much: a short reference may be long text."""

    __slots__ = ("_left", "_results")

    def __init__(self, results: Mapping[str, JsonValue], most: int) -> None:
        self._results = results
        self._left = most

    def value(self, indexes: str) -> JsonValue:
        """What is referred to."""
        found = _look_up(indexes, self._results)
        if isinstance(found, str):
            self._take(found)
        return "" if found is None else found

    def text(self, match: re.Match[str]) -> str:
        """The text of what is referred to, empty for what has none."""
        found = _look_up(match.group(1), self._results)
        text = as_text(found) if isinstance(found, (str, int, float)) else ""
        self._take(text)
        return text

    def _take(self, text: str) -> None:
        self._left -= len(text)
        if self._left < 0:
            raise TooLarge("cmd", "references to less than a body", "more")


def substitute(value: JsonValue, results: Mapping[str, JsonValue]) -> JsonValue:
    """``value`` with each ``$result[name][field][0]`` replaced; what does not exist becomes empty text.

    A value that is one reference and nothing else takes over what it refers to, a list or mapping included.

    Raises:
        TooLarge: It would become longer than a body may be.
    """
    return _substituted(value, _Found(results, REST_LIMITS.max_bytes))


def _substituted(value: JsonValue, found: _Found) -> JsonValue:
    if isinstance(value, Mapping):
        return {key: _substituted(item, found) for key, item in value.items()}
    if not isinstance(value, str) or "$result[" not in value:
        return value
    whole = _reference.fullmatch(value)
    return found.value(whole.group(1)) if whole else _reference.sub(found.text, value)


def _look_up(indexes: str, results: Mapping[str, JsonValue]) -> JsonValue:
    found: JsonValue = results
    for index in _index.findall(indexes):
        if isinstance(found, Mapping):
            found = found.get(index)
        elif isinstance(found, Sequence) and not isinstance(found, str):
            found = (
                found[int(index)]
                if index.isdecimal() and len(index) < 9 and int(index) < len(found)
                else None
            )
        else:
            return None
    return found


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one command of a batch ended."""

    name: str
    answer: Answer | Fault
    timing: Timing | None = None


def compose_answer(outcomes: Sequence[Outcome]) -> Answer:
    """The answer of the whole batch.

    Its maps are shown as PHP shows arrays: empty ones as ``[]``, and those with the keys 0, 1, 2, … as lists.
    """
    answers = [(one.name, one.answer, one.timing) for one in outcomes if isinstance(one.answer, Answer)]
    return Answer(
        result={
            "result": _php_array({name: answer.result for name, answer, _ in answers}),
            "result_error": _php_array(
                {one.name: fault_wire(one.answer) for one in outcomes if isinstance(one.answer, Fault)}
            ),
            "result_total": _php_array({name: a.total for name, a, _ in answers if a.total is not None}),
            "result_next": _php_array({name: a.next for name, a, _ in answers if a.next is not None}),
            "result_time": _php_array(
                {name: msgspec.structs.replace(t, operating_s=None).to_wire() for name, _, t in answers if t}
            ),
        }
    )


def _php_array(values: Mapping[str, JsonValue]) -> JsonValue:
    is_list = all(name == str(index) for index, name in enumerate(values))
    return list(values.values()) if is_list else values


def build_batch(commands: Mapping[str, tuple[str, Mapping[str, JsonValue]]], *, halt: bool = False) -> Params:
    """The parameters of a ``batch`` with ``commands``, each a method and its parameters.

    References keep their brackets: ``{"ID": "$result[get_user][ID]"}``.

    Raises:
        WireError: More than fifty commands.
    """
    if len(commands) > MAX_COMMANDS:
        raise WireError("cmd", f"at most {MAX_COMMANDS} commands", f"{len(commands)}")
    lines = {name: _line(method, params) for name, (method, params) in commands.items()}
    return Params({"halt": int(halt), "cmd": lines})


def _line(method: str, params: Mapping[str, JsonValue]) -> str:
    query = encode(as_form_values(params)).decode("ascii")
    query = _encoded_reference.sub(lambda match: unquote_plus(match.group()), query)
    return f"{method}?{query}" if query else method


def read_batch(answer: Answer) -> dict[str, Answer | Fault]:
    """The answers of a batch by the names of their commands; a command that did not run has none.

    Raises:
        WireError: It is not the answer of a batch.
    """
    if not isinstance(answer.result, Mapping):
        raise WireError("result", "the answer of a batch", "something else")
    maps = {key: Params({"map": value}).mapping("map") for key, value in answer.result.items()}
    empty: Mapping[str, JsonValue] = {}
    totals, nexts = maps.get("result_total", empty), maps.get("result_next", empty)
    times = maps.get("result_time", empty)
    read: dict[str, Answer | Fault] = {
        name: Answer(
            result=result,
            total=_count(totals.get(name)),
            next=_count(nexts.get(name)),
            took=read_time(times.get(name)),
        )
        for name, result in maps.get("result", empty).items()
    }
    for name, error in maps.get("result_error", empty).items():
        fields = Params(error if isinstance(error, Mapping) else {})
        read[name] = fault_of(400, fields.text("error"), fields.text("error_description"))
    return read


def _count(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
