"""Encoding is PHP's ``http_build_query``, byte for byte."""

import pytest

from livefeed.wire.form import as_form, decode, encode
from wire.documented import body, event


def test_the_documented_event_encodes_to_the_documented_bytes():
    assert encode(event("post_update")) == body("post_update")


def test_the_documented_webhook_event_encodes_to_the_documented_bytes():
    assert encode(decode(body("post_update_webhook"), strict=True)) == body("post_update_webhook")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": "x y"}, b"a=x+y"),
        ({"a": "x+y"}, b"a=x%2By"),
        ({"a": "~"}, b"a=%7E"),
        ({"a": "A-Z_a.z"}, b"a=A-Z_a.z"),
        ({"a": "/:?#[]@!$&'()*,;=%"}, b"a=%2F%3A%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2C%3B%3D%25"),
        ({"a": "ё"}, b"a=%D1%91"),
        ({"a": "http://x/~y?z"}, b"a=http%3A%2F%2Fx%2F%7Ey%3Fz"),
        ({"a": "100%25"}, b"a=100%2525"),
        ({"a": "\n\0"}, b"a=%0A%00"),
    ],
)
def test_all_but_letters_digits_and_three_signs_are_escaped_in_upper_case(
    value: dict[str, str], expected: bytes
):
    assert encode(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": True, "b": False}, b"a=1&b=0"),
        ({"a": 789, "b": -1, "c": 0}, b"a=789&b=-1&c=0"),
        ({"a": None}, b"a="),
        ({"a": ""}, b"a="),
    ],
)
def test_scalars_are_text_and_null_is_empty(value: dict[str, object], expected: bytes):
    assert encode(value) == expected


def test_lists_get_numeric_indexes():
    assert encode({"k": ["x", "y"]}) == b"k%5B0%5D=x&k%5B1%5D=y"


def test_an_empty_array_leaves_no_pair_at_any_depth():
    assert encode({"data": [], "a": {"b": {}, "c": [[], {}]}, "ts": 1}) == b"ts=1"


def test_keys_are_escaped_as_values_are():
    assert encode({"a b~": {"[x]": "1"}}) == b"a+b%7E%5B%5Bx%5D%5D=1"


def test_keys_keep_their_order():
    assert encode({"z": "1", "a": "2", "m": {"y": "3", "b": "4"}}) == b"z=1&a=2&m%5By%5D=3&m%5Bb%5D=4"


def test_a_lone_surrogate_encodes_to_a_question_mark():
    assert encode({"a": "x\ud800y"}) == b"a=x%3Fy"


def test_as_form_is_what_a_receiver_gets():
    value = event("imconnector_message")
    assert as_form(value) == decode(encode(value), strict=True)
