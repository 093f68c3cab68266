"""The other reading: odd input is taken as PHP takes it, within bounds."""

import base64
import json
import subprocess
from functools import partial

import pytest
from tests.growth import assert_linear
from tests.required import require_or_skip

from livefeed.errors import TooLarge, WireError
from livefeed.wire.form import REST_LIMITS, Form, decode, nest


def as_php(raw: bytes) -> Form:
    return decode(raw, limits=REST_LIMITS, strict=False)


READINGS: list[tuple[bytes, object]] = [
    (b"a=%zz", {"a": "%zz"}),
    (b"a=100%", {"a": "100%"}),
    (b"a=%4", {"a": "%4"}),
    (b"a=%%41", {"a": "%A"}),
    (b"a=%25zz", {"a": "%zz"}),
    (b"a=1&a=2", {"a": "2"}),
    (b"a[x]=1&a[x]=2", {"a": {"x": "2"}}),
    (b"a=1&a[x]=2", {"a": {"x": "2"}}),
    (b"a[x]=2&a=1", {"a": "1"}),
    (b"a[b]=1&a[b][c]=2", {"a": {"b": {"c": "2"}}}),
    (b"a[]=x&a[]=y", {"a": {"0": "x", "1": "y"}}),
    (b"a[5]=x&a[]=y&a[2]=z&a[]=w", {"a": {"5": "x", "6": "y", "2": "z", "7": "w"}}),
    (b"a[][b]=x&a[][b]=y", {"a": {"0": {"b": "x"}, "1": {"b": "y"}}}),
    (b"a[ ]=x", {"a": {"0": "x"}}),
    (b"a.b=1", {"a_b": "1"}),
    (b"a b=1", {"a_b": "1"}),
    (b"+a=1", {"a": "1"}),
    (b"a[b.c]=1", {"a": {"b.c": "1"}}),
    (b"a[b=1", {"a_b": "1"}),
    (b"a[b.c d=1", {"a_b_c_d": "1"}),
    (b"a[b]c=1", {"a": {"b": "1"}}),
    (b"a[b][c=1", {"a": {"b": "1"}}),
    (b"a[b]]=1", {"a": {"b": "1"}}),
    (b"a]=1", {"a]": "1"}),
    (b"[a]=1", {}),
    (b"=1", {}),
    (b"a", {"a": ""}),
    (b"a[b]", {"a": {"b": ""}}),
    (b"&&a=1&", {"a": "1"}),
    (b"a=b=c", {"a": "b=c"}),
    (b"a=x+y%20z", {"a": "x y z"}),
    (b"a%5Bb%5D=1", {"a": {"b": "1"}}),
    (b"a[[b]=1", {"a": {"[b": "1"}}),
    (b"a=%C3%A9\xc3%A9", {"a": "éé"}),
    (b"a[01]=x&a[1]=y", {"a": {"01": "x", "1": "y"}}),
]


@pytest.mark.parametrize(("raw", "expected"), READINGS, ids=[raw.decode("latin-1") for raw, _ in READINGS])
def test_rest_reads_it_so(raw: bytes, expected: object):
    assert as_php(raw) == expected


def test_php_reads_it_so_too():
    script = (
        "foreach (json_decode(stream_get_contents(STDIN)) as $raw) {"
        ' parse_str(base64_decode($raw), $form); echo json_encode($form, JSON_FORCE_OBJECT), "\\n"; }'
    )
    asked = json.dumps([base64.b64encode(raw).decode() for raw, _ in READINGS])
    done = subprocess.run(
        [require_or_skip("php"), "-n", "-r", script], input=asked, capture_output=True, text=True, check=True
    )

    assert [json.loads(line) for line in done.stdout.splitlines()] == [expected for _, expected in READINGS]


@pytest.mark.parametrize("raw", [b"a=\xff", b"a=%FF"])
def test_what_is_not_utf8_becomes_the_replacement_character(raw: bytes):
    assert as_php(raw) == {"a": "\ufffd"}


@pytest.mark.parametrize("raw", [b"a=%00", b"a=\0", b"a%00b=1"])
def test_a_nul_byte_is_refused_here_too(raw: bytes):
    with pytest.raises(WireError, match="NUL"):
        as_php(raw)


def test_ten_thousand_keys_are_read_and_one_more_is_not():
    keys = [b"k%d[]=1" % (number % 7) for number in range(10_000)]

    assert sum(len(item) for item in as_php(b"&".join(keys)).values()) == 10_000
    with pytest.raises(TooLarge, match="keys"):
        as_php(b"&".join([*keys, b"k=1"]))


def test_a_depth_of_a_thousand_is_refused():
    with pytest.raises(TooLarge, match="levels"):
        as_php(b"a" + b"[b]" * 999 + b"=1")


def test_a_long_index_is_refused():
    with pytest.raises(TooLarge, match="digits"):
        as_php(b"a[" + b"1" * 5_000 + b"]=1")


@pytest.mark.parametrize("unit", [b"x", b"%2B", b"x%2B", b"+", b"=", b"100%25, " * 9 + b"100%, "])
def test_the_work_for_megabytes_grows_with_their_number_alone(unit: bytes):
    def read(body: bytes) -> None:
        assert "FILES" in as_php(body)

    # A broken escape in seventy bytes; many more are refused.
    assert_linear(lambda size: partial(read, b"FILES[0][1]=" + unit * (size // len(unit))), 4 << 20)


@pytest.mark.parametrize("lead", range(4))
def test_an_escape_is_never_cut_in_a_long_text(lead: int):
    assert as_php(b"a=" + b"x" * lead + b"%41" * 50_000) == {"a": "x" * lead + "A" * 50_000}


def test_forty_megabytes_are_refused():
    with pytest.raises(TooLarge, match="bytes"):
        as_php(b"a=" + b"x" * (40 * 1024 * 1024))


def test_multipart_pairs_nest_as_form_pairs_do():
    assert nest([("a[b]", "x+%41"), ("a[]", "y"), ("", "z")]) == {"a": {"b": "x+%41", "0": "y"}}


@pytest.mark.parametrize("pair", [("a\0", "x"), ("a", "\0")])
def test_a_nul_in_multipart_is_refused(pair: tuple[str, str]):
    with pytest.raises(WireError, match="NUL"):
        nest([pair])


def test_too_many_multipart_pairs_are_refused():
    with pytest.raises(TooLarge, match="keys"):
        nest((f"k{number}", "") for number in range(10_001))
