"""What cannot be read of an argument is said in plain words, whatever msgspec calls it."""

from typing import Annotated, Any, Literal

import msgspec
import pytest

from livefeed.wire.form.complaints import plain


class Given(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=3)] = "x"
    login: Annotated[str, msgspec.Meta(min_length=2)] = "xx"
    id: Annotated[int, msgspec.Meta(ge=1, le=9)] | None = None
    code: Annotated[str, msgspec.Meta(pattern="^a$")] = "a"
    kind: Literal["one", "two"] = "one"
    events: Annotated[list[str], msgspec.Meta(min_length=1, max_length=2)] = msgspec.field(
        default_factory=list
    )
    is_on: bool = False


class Needed(msgspec.Struct):
    name: str


@pytest.mark.parametrize(
    ("wanted", "given", "said"),
    [
        (Needed, {}, "name is missing"),
        (Needed, [], "what was sent must be an object, not a list"),
        (Given, {"nme": 1}, "there is no argument 'nme'"),
        (Given, {"name": ""}, "name is empty"),
        (Given, {"name": "abcd"}, "name has more than 3 characters"),
        (Given, {"login": "a"}, "login has fewer than 2 characters"),
        (Given, {"id": 0}, "id must be at least 1"),
        (Given, {"id": 10}, "id must be at most 9"),
        (Given, {"id": "1"}, "id must be a whole number, not a text"),
        (Given, {"code": "b"}, "code has characters that cannot be used"),
        (Given, {"kind": "six"}, "kind cannot be 'six'"),
        (Given, {"kind": 6}, "kind must be a text, not a whole number"),
        (Given, {"events": []}, "events is empty"),
        (Given, {"events": ["a", "b", "c"]}, "events has more than 2 entries"),
        (Given, {"events": [1]}, "events[0] must be a text, not a whole number"),
        (Given, {"is_on": None}, "is_on must be true or false, not nothing"),
    ],
)
def test_it_says_what_is_wrong_with_which_argument(wanted: Any, given: Any, said: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(given, wanted)
    assert said == plain(str(caught.value))


def test_what_nobody_has_thought_of_is_no_riddle_either() -> None:
    assert "when cannot be used" == plain("Timestamp is out of range - at `$.when`")
