"""What must hold for any input: decoding undoes encoding, and no bytes make a parser fall over."""

import base64
import json
import random
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.required import require_or_skip

from livefeed.errors import WireError
from livefeed.wire.batch import substitute
from livefeed.wire.events import envelope_form, from_json, parse_envelope, parse_json_envelope, to_json, typed
from livefeed.wire.form import REST_LIMITS, Form, as_form, decode, decode_object, encode

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
names = st.text(
    st.characters(exclude_characters="\0[]", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: not (name.isdecimal() and len(name) > 18))
scalars = texts | st.integers() | st.booleans() | st.none()
values = st.dictionaries(
    names,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=6,
)
forms = st.dictionaries(
    names,
    st.recursive(texts, lambda inner: st.dictionaries(names, inner, min_size=1, max_size=4), max_leaves=12),
    max_size=6,
)
# Bytes that look like a form much more often than chance would have it.
odd_bodies = st.lists(
    st.sampled_from(
        [
            b"a",
            b"b",
            b"[",
            b"]",
            b"=",
            b"&",
            b"%",
            b"%5B",
            b"%5D",
            b"+",
            b"1",
            b"\0",
            b"\xc3",
            b"\xa9",
            b".",
            b" ",
            b"auth",
            b"event",
        ]
    ),
    max_size=40,
).map(b"".join) | st.binary(max_size=200)


@given(values)
def test_decoding_undoes_encoding(value: dict[str, object]):
    assert decode(encode(value), strict=True) == as_form(value)


@given(forms)
def test_a_form_survives_unchanged(form: Form):
    assert decode(encode(form), strict=True) == form == as_form(form)


@given(st.dictionaries(names.filter(lambda name: not set(name) & set(" .")), texts))
def test_both_readings_agree_on_what_php_writes(form: Form):
    assert decode(encode(form), strict=True) == decode(encode(form), limits=REST_LIMITS, strict=False)


@given(odd_bodies)
@settings(max_examples=1_000)
def test_any_bytes_are_a_form_or_a_wire_error(body: bytes):
    for strict in (True, False):
        try:
            form = decode(body, strict=strict)
            typed(parse_envelope(form))
        except WireError:
            continue


@given(odd_bodies)
@settings(max_examples=1_000)
def test_what_the_strict_reading_takes_php_takes_too(body: bytes):
    try:
        form = decode(body, strict=True)
    except WireError:
        return
    if not any(set(name) & set(" .") for name in form):
        assert decode(body, strict=False) == form


@given(
    st.binary(max_size=100)
    | st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner)).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_any_json_is_an_object_or_a_wire_error(body: bytes):
    for read in (parse_json_envelope, lambda raw: decode_object(raw, limits=REST_LIMITS)):
        try:
            read(body)
        except WireError:
            continue


@given(forms)
def test_an_envelope_loses_nothing_of_a_form(form: Form):
    form = {"event": "ONLIVEFEEDPOSTUPDATE"} | {key: value for key, value in form.items() if key != "event"}
    envelope = parse_envelope(form)

    kept = {
        key: value
        for key, value in form.items()
        if value or key not in {"data", "ts", "auth", "event_handler_id"}
    }
    assert envelope_form(envelope) == kept
    assert from_json(to_json(envelope)) == envelope


@given(texts, st.dictionaries(names, scalars))
def test_substitution_never_fails(value: str, results: dict[str, object]):
    substitute("$result" + value, results)
    substitute("$result[" + value, results)


def corpus(size: int) -> list[bytes]:
    """Bodies that are odd in the ways bodies are."""
    draw = random.Random(20_260_821)
    pieces = [
        b"a",
        b"b.c",
        b"[",
        b"]",
        b"[]",
        b"[x]",
        b"[0]",
        b"[7]",
        b"=",
        b"=1",
        b"&",
        b"%",
        b"%5B",
        b"%5d",
        b"%41",
        b"+",
        b" ",
        b"%zz",
        b"1",
    ]
    return [b"".join(draw.choices(pieces, k=draw.randrange(1, 12))) for _ in range(size)]


def test_php_reads_odd_bodies_as_rest_does():
    bodies = corpus(3_000)
    script = (
        "foreach (json_decode(stream_get_contents(STDIN)) as $raw) {"
        " parse_str(base64_decode($raw), $form);"
        ' echo json_encode($form, JSON_FORCE_OBJECT | JSON_INVALID_UTF8_SUBSTITUTE), "\\n"; }'
    )
    asked = json.dumps([base64.b64encode(body).decode() for body in bodies])
    done = subprocess.run(
        [require_or_skip("php"), "-n", "-r", script], input=asked, capture_output=True, text=True, check=True
    )

    for body, line in zip(bodies, done.stdout.splitlines(), strict=True):
        assert (body, decode(body, limits=REST_LIMITS, strict=False)) == (body, json.loads(line))


def test_php_writes_the_same_bytes():
    draw = random.Random(731)
    letters = "aZ09-_.~ /:+%&=?[]ёж€\n*!'\"(),;@#$"
    forms = [
        {
            "k": {
                "".join(draw.choices("abc é[~", k=3)): "".join(draw.choices(letters, k=9)),
                "l": [True, False, 7, [], ["x"]],
            }
        }
        for _ in range(500)
    ]
    script = (
        "foreach (json_decode(stream_get_contents(STDIN), true) as $form) {"
        ' echo http_build_query($form), "\\n"; }'
    )
    done = subprocess.run(
        [require_or_skip("php"), "-n", "-r", script],
        input=json.dumps(forms),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == [encode(form).decode() for form in forms]
