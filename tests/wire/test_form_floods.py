"""Bodies as large as they may be, sent by anybody: what would take seconds is refused, or read fast."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livefeed.errors import TooLarge, WireError
from livefeed.wire.form import REST_LIMITS, decode, decode_object
from livefeed.wire.form.percent import lax_unquote

MOST = 10 * REST_LIMITS.max_keys
PIECE = 65_536
SIGNS = [b"%", b"%%", b"%4", b"%41", b"%d0%9f", b"%zz", b"=", b"%3D", b"+", b"\n", b"%\r\n", b"\\x41"]
odd = st.lists(st.sampled_from(SIGNS) | st.binary(max_size=3), max_size=40).map(b"".join)


def slowly(octets: bytes) -> str:
    """The same, one escape after the other."""
    first, *rest = octets.replace(b"+", b" ").split(b"%")
    for part in rest:
        is_whole = len(part) > 1 and set(part[:2]) <= set(b"0123456789abcdefABCDEF")
        first += bytes([int(part[:2], 16)]) + part[2:] if is_whole else b"%" + part
    return first.decode(errors="replace")


@given(odd)
def test_a_long_text_is_decoded_as_a_short_one(octets: bytes) -> None:
    filling = b"x" * 600

    assert slowly(octets) == lax_unquote(octets)
    assert slowly(filling + octets) == lax_unquote(filling + octets)


@given(odd, st.integers(0, 12))
def test_escapes_are_whole_wherever_a_long_text_is_cut(octets: bytes, shift: int) -> None:
    text = b"y" * (PIECE - shift) + octets + b"z" * 600

    assert slowly(text) == lax_unquote(text)


def test_a_flood_of_broken_escapes_is_refused_and_a_few_are_taken_as_they_are() -> None:
    few = b"a=" + b"100%, " * 10_000

    assert few[2:].decode() == decode(few, limits=REST_LIMITS, strict=False)["a"]
    with pytest.raises(TooLarge, match="broken escapes"):
        decode(b"a=" + b"%" * 1_000_000, limits=REST_LIMITS, strict=False)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":[' + b"[]," * MOST + b"[]]}",
        b'{"a":[' + b"1," * (MOST + 1) + b"1]}",
        b"{" + b",".join(b'"%d":1' % number for number in range(MOST + 2)) + b"}",
        b'{"a":[' + b'"",' * (MOST + 1) + b'""]}',
        b'""' * 3 * MOST + b"," * (MOST + 1),
        b'{"a":' + b"1" * 1_000 + b"}",
        b'{"a":["x",-' + b"9" * 300 + b"]}",
    ],
    ids=["lists", "numbers", "keys", "texts", "no JSON", "a long number", "a negative one"],
)
def test_json_that_is_a_flood_is_refused_before_it_is_decoded(body: bytes) -> None:
    with pytest.raises(TooLarge):
        decode_object(body, limits=REST_LIMITS)


@pytest.mark.parametrize("end", [b"", b"\\"])
def test_a_text_without_an_end_is_read_once(end: bytes) -> None:
    with pytest.raises(WireError):
        decode_object(b'{"' + b'\\"' * 1_000_000 + b"," * (MOST + 1) + end, limits=REST_LIMITS)


def test_texts_may_hold_whatever_signs_and_digits() -> None:
    text = "[,{" * MOST + "7" * 1_000 + '\\"'
    body = b'{"a": "' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'", "b": [1, 2]}'

    assert {"a": text, "b": [1, 2]} == decode_object(body, limits=REST_LIMITS)
