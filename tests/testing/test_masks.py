"""Whatever form a request comes in, no secret of it stands in its recording, which has the same shape."""

import base64
import gzip
import json
import urllib.parse
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.security.spelling import spellings

from livefeed.testing.recording.masks import Masks
from livefeed.testing.recording.rewriting import parts_of
from livefeed.testing.recording.tape import Request, Tape, read_tape

BOUNDARY = "----a-boundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"

tokens = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=16, max_size=70).filter(
    lambda one: len(set(one)) > 5
)
passwords = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=9, max_size=30).filter(
    lambda one: len(set(one)) > 5 and one.strip() == one and not one.isascii()
)
secrets = tokens | passwords
words = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20).filter(
    lambda one: not {"=", "/", "{", "["} & set(one)
)
SECRET_NAMES = (
    *("access_token", "refresh_token", "application_token", "client_secret", "AUTH_ID", "REFRESH_ID"),
    *("APP_SID", "authToken", "password", "code", "signing_secret"),
)
bodies = st.fixed_dictionaries(
    {
        "event": st.sampled_from(["ONLIVEFEEDPOSTUPDATE", "ONAPPINSTALL"]),
        "data": st.fixed_dictionaries({"FIELDS": st.fixed_dictionaries({"POST_ID": st.just("205")})}),
        "ts": st.just("1466439714"),
        "words": st.lists(words, max_size=3),
        "auth": st.fixed_dictionaries(
            {
                "domain": st.just("acme.bitrix24.com"),
                "scope": st.just("log,user"),
                "member_id": st.just("a223c6b3710f85df22e9377d6c4f7553"),
                "whatever_comes_next": secrets,
            }
        ),
    },
    optional=dict.fromkeys(SECRET_NAMES, secrets),
)
pairs_of_tokens = st.dictionaries(st.sampled_from(SECRET_NAMES), secrets, max_size=3)


def flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """As PHP has it: ``auth[access_token]``."""
    match value:
        case dict():
            return [
                pair for key, one in value.items() for pair in flat(one, f"{name}[{key}]" if name else key)
            ]
        case list():
            return [pair for key, one in enumerate(value) for pair in flat(one, f"{name}[{key}]")]
        case _:
            return [(name, value)]


def secrets_in(value: Any) -> set[str]:
    open_names = {"domain", "scope", "member_id", "POST_ID", "event", "ts"}
    return {
        one for name, one in flat(value) if not name.startswith("words") and parts_of(name)[-1] not in
        {open_name.lower() for open_name in open_names}
    }  # what belongs together in a line # fmt: skip


def as_form(document: Any, *, is_raw: bool = False, times: int = 1) -> bytes:
    """Both bracket styles, and names that were encoded twice."""

    def named(name: str) -> str:
        for _ in range(times):
            name = urllib.parse.quote(name, safe="[]" if is_raw else "")
        return name

    pairs = (f"{named(name)}={urllib.parse.quote_plus(value)}" for name, value in flat(document))
    return "&".join(pairs).encode()


def as_multipart(document: Any) -> bytes:
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}' for name, value in flat(document)
    ]
    return "".join(f"--{BOUNDARY}\r\n{part}\r\n" for part in parts).encode() + f"--{BOUNDARY}--\r\n".encode()


def as_part(document: Any) -> bytes:
    """JSON and a form within one part each, both in base64."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="x"\r\nContent-Type: '
    coded = "\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    parts = [
        head + kind + coded + base64.b64encode(body).decode() + "\r\n"
        for kind, body in ((JSON, as_json(document)), (FORM, as_form(document)))
    ]
    return "".join(parts).encode() + f"--{BOUNDARY}--\r\n".encode()


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


def from_form(content: bytes) -> Any:
    pairs = urllib.parse.parse_qsl(content.decode(), keep_blank_values=True, strict_parsing=True)
    return [("/".join(parts_of(name)), value) for name, value in pairs]


def from_multipart(content: bytes) -> Any:
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {MULTIPART}\r\n\r\n".encode() + content)
    parts = list(message.iter_parts())
    return [
        (one.get_param("name", header="content-disposition"), one.get_payload(decode=True).decode())
        for one in parts
    ]


def leaves(value: Any) -> list[tuple[str, str]]:
    return value if isinstance(value, list) else flat(value)


WAYS: dict[str, tuple[Any, str, Any]] = {
    "form": (as_form, FORM, from_form),
    "raw brackets": (lambda one: as_form(one, is_raw=True), FORM, from_form),
    "encoded twice": (lambda one: as_form(one, times=2), FORM, from_form),
    "form that calls itself JSON": (as_form, JSON, from_form),
    "json": (as_json, JSON, json.loads),
    "json in utf-8, indented": (
        lambda one: json.dumps(one, ensure_ascii=False, indent=2).encode(), JSON, json.loads,
    ),
    "json in utf-16": (lambda one: json.dumps(one).encode("utf-16"), JSON, json.loads),
    "json that says nothing": (as_json, "", json.loads),
    "json in a form": (
        lambda one: as_form({"PLACEMENT_OPTIONS": json.dumps(one)}), FORM,
        lambda got: json.loads(from_form(got)[0][1]),
    ),
    "a form in json": (
        lambda one: as_json({"body": as_form(one).decode()}), JSON,
        lambda got: from_form(json.loads(got)["body"].encode()),
    ),
    "a URL in json": (
        lambda one: as_json({"url": f"https://acme.example/x?{as_form(one).decode()}"}), JSON,
        lambda got: from_form(json.loads(got)["url"].partition("?")[2].encode()),
    ),
    "multipart": (as_multipart, MULTIPART, from_multipart),
    "multipart that says nothing": (as_multipart, "", from_multipart),
    "parts in base64": (as_part, MULTIPART, lambda got: json.loads(from_multipart(got)[0][1])),
}  # what belongs together in a line # fmt: skip


def recorded(content: bytes, headers: dict[str, str], path: str = "/events") -> tuple[Request, str]:
    with TemporaryDirectory() as folder:
        tape = Path(folder) / "tape.jsonl"
        Tape(tape).add(at_ms=0, method="POST", path=path, headers=headers, body=content)
        (request,) = read_tape(tape)
        return request, tape.read_text()


def found(all_secrets: set[str], text: str, content: bytes = b"") -> list[str]:
    return [
        secret
        for secret in all_secrets
        if any(one in text or one.encode() in content for one in spellings(secret))
    ]


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=25, deadline=None)
@given(document=bodies)
def test_no_secret_of_a_body_stands_in_its_recording(way: str, document: Any):
    encode, content_type, decode = WAYS[way]
    content = encode(document)
    request, written = recorded(content, {"content-type": content_type})

    assert found(secrets_in(document), written, request.content) == []
    before, after = leaves(decode(content)), leaves(decode(request.content))
    assert [name for name, _ in before] == [name for name, _ in after]
    named = secrets_in(document)
    pairs = [(old, new) for (_, old), (_, new) in zip(before, after, strict=True)]
    assert [old == new for old, new in pairs if not found(named, old)] == [True] * sum(
        not found(named, old) for old, _ in pairs
    ), "what is no secret stays"
    assert all(len(old) == len(new) for old, new in pairs)
    assert len(set(pairs)) == len({old for old, _ in pairs}) == len({new for _, new in pairs}), (
        "one secret, one mask"
    )


@settings(max_examples=50, deadline=None)
@given(document=bodies, token=tokens, code=tokens, cookie=tokens, password=tokens)
def test_what_authorizes_and_what_stands_in_the_address_is_masked_everywhere(
    document: Any, token: str, code: str, cookie: str, password: str
):
    hidden = {token, code, cookie, password}
    basic = base64.b64encode(f"client:{password}".encode()).decode()
    headers = {
        "content-type": FORM,
        "authorization": f"Bearer {token}",
        "proxy-authorization": f"Basic {basic}",
        "cookie": f"PHPSESSID={cookie}; lang=en",
        "user-agent": f"agent/1.0 ({cookie})",
    }
    told = f"see /rest/1/{code}/profile with {token} and {password}"
    content = as_form({**document, "text": told})
    path = f"/hooks/rest/1/{code}/log.blogpost.get?auth={token}&{as_form(document, is_raw=True).decode()}"
    request, written = recorded(content, headers, path)

    assert found(hidden | secrets_in(document), written) == []
    assert "authorization" not in request.headers
    assert request.path.startswith("/hooks/rest/1/")
    assert request.path.partition("?")[0].endswith("/log.blogpost.get")


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b'{"auth": {"access_token": "%s", "domain": "d"', JSON),
        (b"<auth kind='x'><access_token>%s</access_token></auth>", "text/xml"),
        (b"access_token: %s", "text/plain"),
        (b"%s", ""),
        (b'"%s"', JSON),
        (b"&&=&%s&a", FORM),
        (b"--" + BOUNDARY.encode() + b'\r\nContent-Disposition: form-data; name="code"\r\n\r\n%s', MULTIPART),
    ],
)
def test_what_is_broken_or_of_another_kind_is_masked_word_by_word(content: bytes, content_type: str):
    secret = b"s6u0m5ucr3t"
    request, written = recorded(content % secret, {"content-type": content_type})

    assert secret.decode() not in written
    assert len(request.content) == len(content % secret)


def test_a_packed_body_is_recorded_unpacked_and_one_that_cannot_be_is_left_out():
    document = {"auth": {"access_token": "abcdef0123456789abcdef"}, "event": "X"}
    headers = {"content-type": JSON, "content-encoding": "gzip"}
    packed, _ = recorded(gzip.compress(as_json(document)), headers)
    strange, _ = recorded(b"\x00abcdef0123456789abcdef", {**headers, "content-encoding": "br"})

    assert json.loads(packed.content)["event"] == "X"
    assert b"abcdef0123456789abcdef" not in packed.content
    assert strange.content == b""


def test_a_secret_that_is_learned_later_in_a_body_is_masked_before_it_too():
    content = b'{"first": "it is abcdef0123456789", "then": {"token": "abcdef0123456789", "code": 123456}}'
    masked = json.loads(Masks().body(content, JSON))

    assert masked["first"] == f"it is {masked['then']['token']}"
    assert masked["then"]["token"] != "abcdef0123456789"
    assert isinstance(masked["then"]["code"], int)
    assert 123456 != masked["then"]["code"] > 99_999
