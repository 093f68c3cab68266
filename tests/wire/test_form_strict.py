"""The strict reading: what ``http_build_query`` cannot have written is refused with a clear error."""

import pytest

from livefeed.errors import TooLarge, WireError
from livefeed.wire.form import DOOR_LIMITS, Limits, as_form, as_list, decode, encode
from wire.documented import body, event


def strict(raw: bytes, limits: Limits = DOOR_LIMITS):
    return decode(raw, limits=limits, strict=True)


def test_the_documented_body_decodes_to_the_documented_event():
    assert strict(body("post_update")) == event("post_update")


def test_raw_brackets_are_read_as_encoded_ones():
    raw = body("post_update").replace(b"%5B", b"[").replace(b"%5D", b"]")

    assert strict(raw) == event("post_update")


def test_lower_case_escapes_and_any_key_order_are_read():
    assert strict(b"b%5bx%5d=%c3%a9&a=1") == {"b": {"x": "é"}, "a": "1"}


def test_raw_utf8_is_read():
    assert strict("a=ёж".encode()) == {"a": "ёж"}


@pytest.mark.parametrize("raw", [b"", b"&", b"&&a=1&", b"a=1&"])
def test_empty_pairs_are_passed_over(raw: bytes):
    assert strict(raw) in ({}, {"a": "1"})


def test_a_key_without_a_value_is_empty_text():
    assert strict(b"a&b[c]") == {"a": "", "b": {"c": ""}}


def test_lists_are_dicts_of_their_indexes():
    form = strict(b"a[0]=x&a[1]=y&b=z")

    assert form == {"a": {"0": "x", "1": "y"}, "b": "z"}
    assert as_list(form["a"]) == ["x", "y"]
    assert as_list(form["b"]) == ["z"]
    assert as_list(None) == []


def test_an_append_takes_the_index_after_the_greatest():
    assert strict(b"a[]=x&a[7]=y&a[]=z&a[b]=q&a[][c]=r") == {
        "a": {"0": "x", "7": "y", "8": "z", "b": "q", "9": {"c": "r"}}
    }


@pytest.mark.parametrize(
    "raw",
    [
        b"a=%zz",
        b"a=%",
        b"a=%4",
        b"%zz=1",
        b"a=%2F%3",
        b"a=%%3A41",
        b"a=%4%2F1",
        b"a=%+41",
        b"a=x%2Fy%g0",
    ],
)
def test_broken_percent_encoding_is_refused(raw: bytes):
    with pytest.raises(WireError, match="two hex digits"):
        strict(raw)


@pytest.mark.parametrize(
    "raw", [b"a=\xff", b"a=%FF", b"a=%C3", b"a=%ED%A0%80", b"a=%C0%AF", b"%FF=1", b"a=\xc3%A9"]
)
def test_text_that_is_not_utf8_is_refused(raw: bytes):
    with pytest.raises(WireError, match="UTF-8"):
        strict(raw)


@pytest.mark.parametrize("raw", [b"a=1&a=1", b"a=&a=", b"a[b]=1&a%5Bb%5D=2", b"a[]=1&a[0]=2"])
def test_a_key_given_twice_is_refused(raw: bytes):
    with pytest.raises(WireError, match="once"):
        strict(raw)


@pytest.mark.parametrize("raw", [b"a=1&a[x]=2", b"a[x]=2&a=1", b"a[b]=1&a[b][c]=2", b"a=&a[x]=2"])
def test_a_name_cannot_be_text_and_array(raw: bytes):
    with pytest.raises(WireError):
        strict(raw)


@pytest.mark.parametrize("raw", [b"a=\0", b"a=%00", b"a%00=1", b"a=x%00y", b"\0"])
def test_a_nul_byte_is_refused(raw: bytes):
    with pytest.raises(WireError, match="NUL"):
        strict(raw)


@pytest.mark.parametrize(
    "raw", [b"a[b=1", b"a]=1", b"a[b]c=1", b"[a]=1", b"=1", b"a[[b]]=1", b"a[b]]=1", b"a[b][=1"]
)
def test_unbalanced_brackets_and_missing_names_are_refused(raw: bytes):
    with pytest.raises(WireError):
        strict(raw)


def test_a_long_body_is_refused_before_it_is_read():
    with pytest.raises(TooLarge, match="bytes"):
        strict(b"%zz=" + b"x" * (10 * 1024 * 1024))


def test_the_greatest_allowed_body_is_read():
    assert strict(b"a=" + b"x" * (DOOR_LIMITS.max_bytes - 2))["a"] == "x" * (DOOR_LIMITS.max_bytes - 2)


def test_ten_thousand_keys_are_refused():
    with pytest.raises(TooLarge, match="keys"):
        strict(b"&".join(b"%x=" % number for number in range(10_000)))


def test_a_depth_of_a_thousand_is_refused():
    with pytest.raises(TooLarge, match="levels"):
        strict(b"a" + b"[b]" * 999 + b"=1")


def test_the_greatest_allowed_depth_is_read():
    raw = b"a" + b"[b]" * (DOOR_LIMITS.max_depth - 1) + b"=1"

    assert encode(strict(raw)) == raw.replace(b"[", b"%5B").replace(b"]", b"%5D")


def test_an_index_of_too_many_digits_is_refused():
    with pytest.raises(TooLarge, match="digits"):
        strict(b"a[" + b"9" * 19 + b"]=1")


def test_a_path_learned_under_wide_limits_is_checked_again_under_narrow_ones():
    raw = b"narrow[a][b][12345]=1"
    assert strict(raw)

    with pytest.raises(TooLarge):
        strict(raw, Limits(max_bytes=100, max_keys=10, max_depth=3))
    with pytest.raises(TooLarge):
        strict(raw, Limits(max_bytes=100, max_keys=10, max_depth=9, max_digits=4))


def test_a_flood_of_new_keys_does_not_change_what_is_read():
    for number in range(6_000):
        assert strict(b"flood%d[x]=%d" % (number, number)) == {f"flood{number}": {"x": str(number)}}


def test_an_error_shows_no_value():
    with pytest.raises(WireError) as caught:
        strict(b"auth[access_token]=s3cret%zz")

    assert "s3cret" not in str(caught.value)
    assert caught.value.path == "auth[access_token]"


def test_equal_inputs_share_nothing():
    first, second = strict(b"a[b]=1"), strict(b"a[b]=1")
    assert isinstance(first["a"], dict)
    first["a"]["b"] = "2"

    assert second == {"a": {"b": "1"}}


def test_as_form_drops_what_holds_nothing():
    assert as_form({"a": [], "b": {"c": [{}]}, "d": [True, None, 2.5]}) == {
        "d": {"0": "1", "1": "", "2": "2.5"}
    }
