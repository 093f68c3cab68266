"""The rows in the answer of a list method."""

from collections.abc import Mapping, Sequence

from livefeed.errors import WireError
from livefeed.wire.form import JsonValue


def rows_in(result: JsonValue, at: str = "") -> Sequence[JsonValue]:
    """The rows: the result itself, or what stands in it under ``at``, or the one list that it holds.

    ``[{"ID": "1"}]``, ``{"items": [{"id": 1}], "categories": {}}``.

    Raises:
        WireError: There is no list, or there are several and ``at`` does not say which.
    """
    if isinstance(result, Mapping):
        lists = [result.get(at)] if at else [value for value in result.values() if is_list(value)]
        result = lists[0] if len(lists) == 1 else None
    if not is_list(result):
        raise WireError(f"result[{at}]" if at else "result", "a list of rows", type(result).__name__)
    assert isinstance(result, Sequence)
    return result


def is_list(value: JsonValue) -> bool:
    """Whether a value is a list, which text is not."""
    return isinstance(value, Sequence) and not isinstance(value, str)
