"""Masks: secrets replaced by others of the same length, wherever they stand; the same one by the same."""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

from livefeed.testing.recording.rewriting import (
    CODE,
    LOGIN,
    NAME,
    SEGMENT,
    WORD,
    Keys,
    address_rewritten,
    is_document,
    rewritten,
    text_rewritten,
)

SECRET_KEYS: Final = frozenset(
    (
        *("accesstoken", "refreshtoken", "applicationtoken", "clientsecret", "code", "auth", "authid"),
        *("refreshid", "appsid", "sid", "sessid", "sessionid", "session", "password", "passwd", "pwd"),
        *("authorization", "cookie", "setcookie", "signature", "apikey", "pass", "credentials"),
    )
)
"""Keys whose values are secrets, without what separates their words; so are all that end in ``token``,
``secret``, ``password`` or ``signature``."""

_SECRET_ENDS: Final = ("token", "secret", "password", "passwd", "signature", "apikey", "sessid")
_OPEN: Final = frozenset(
    (
        *("domain", "memberid", "scope", "status", "expires", "expiresin", "userid"),
        *("serverendpoint", "clientendpoint", "tokentype", "lang", "protocol"),
    )
)
"""What stands in an ``auth`` block and is no secret; anything else there is one."""

_SHORTEST: Final = 6  # what is shorter is replaced where it stands, and left alone where it only looks alike
_WORDS: Final = frozenset({"bitrix24", "oauth2"})
_FREE_SEGMENT: Final = re.compile(
    r"[a-z_.-]{1,15}|[a-z]+(?:\.[a-z]+)+(?:\.json|\.xml)?|[0-9]{1,9}", re.IGNORECASE
)
_HEADERS: Final = ("authorization", "proxy-authorization", "cookie")
_SCHEMES: Final = frozenset({"basic", "bearer", "digest"})
_SEPARATORS: Final = re.compile(r"[^a-z0-9]+")


class Masks:
    """Remembers what each secret was replaced by, over all requests of one recording."""

    def __init__(self) -> None:
        self._masks: dict[str, str] = {}
        self._spelled: dict[str, str] = {}

    def learn(self, value: str) -> str:
        """Take ``value`` for a secret; what stands for it: hex digits, as many as it has characters."""
        if value not in self._masks:
            name = f"{len(self._masks)} ".encode()
            digits = "".join(
                hashlib.sha256(name + str(part).encode()).hexdigest() for part in range(len(value) // 64 + 1)
            )
            mask = self._masks[value] = digits[: len(value)]
            if len(value) >= _SHORTEST:
                self._spelled |= dict.fromkeys(_spellings(value), mask)
        return self._masks[value]

    def learn_headers(self, headers: Mapping[str, str]) -> None:
        """Take what authorizes a request for secrets, whole and in its parts; names are in lower case."""
        for name in _HEADERS:
            for part in re.split(r"[\s;,]+", headers.get(name, "")):
                value = part.partition("=")[2].strip('"') if name == "cookie" else part
                if len(value) >= _SHORTEST and value.lower() not in _SCHEMES:
                    self.learn(value)
                    self.learn(_password_in(value))

    def learn_request(self, path: str, headers: Mapping[str, str], content: bytes) -> None:
        """Find the secrets of a request, so that they are known wherever they stand."""
        self.learn_headers(headers)
        self._address(path)
        self._body(unpacked(content, headers), headers.get("content-type", ""))

    def masked(self, keys: Keys, value: str) -> str:
        """What takes the place of ``value``, which stands at ``keys``."""
        return self.learn(value) if value and is_secret(keys, value) else self.text(value)

    def body(self, content: bytes, content_type: str) -> bytes:
        """A body with masks for secrets, those that were learned and those that it names itself."""
        self._body(content, content_type)
        return self._body(content, content_type)

    def address(self, address: str) -> str:
        """A path with its query, with masks for secrets."""
        self._address(address)
        return self.text(self._address(address))

    def text(self, text: str) -> str:
        """A text in which secrets that were seen before are replaced, however they are spelled."""
        for value in sorted((one for one in self._spelled if one in text), key=len, reverse=True):
            text = text.replace(value, self._spelled[value])
        return text

    def sentence(self, text: str) -> str:
        """A text for people, with masks for secrets of URLs in it, too."""
        return self.text(text_rewritten(text, self.masked))

    def _body(self, content: bytes, content_type: str) -> bytes:
        masked = rewritten(content, content_type, self.masked)
        return self.text(masked.decode("latin-1")).encode("latin-1")

    def _address(self, address: str) -> str:
        return address_rewritten(address, self.masked)


def is_secret(keys: Keys, value: str) -> bool:
    """Whether what stands at ``keys`` is a secret, or cannot be known not to be one."""
    last = keys[-1] if keys else ""
    if last in {NAME, ""}:
        return False
    if last in {CODE, LOGIN, WORD}:
        return True
    if last == SEGMENT:
        return value.lower() not in _WORDS and not _FREE_SEGMENT.fullmatch(value)
    name = _plain(last)
    if name == "auth":
        return not is_document(value)
    if name in SECRET_KEYS or name.endswith(_SECRET_ENDS):
        return True
    is_of_auth = any(_plain(one) == "auth" for one in keys[:-1])
    return is_of_auth and name not in _OPEN


def unpacked(content: bytes, headers: Mapping[str, str]) -> bytes:
    """A body without the compression that its headers name; nothing, where it cannot be undone."""
    for packing in reversed(headers.get("content-encoding", "").lower().split(",")):
        match packing.strip():
            case "" | "identity":
                pass
            case "gzip" | "x-gzip" | "deflate":
                try:
                    content = zlib.decompress(content, wbits=zlib.MAX_WBITS | 32)
                except zlib.error:
                    return b""
            case _:
                return b""
    return content


def _password_in(value: str) -> str:
    """What stands behind the name in a header of the scheme Basic; else the value."""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2] or value
    except ValueError:
        return value


def _plain(key: str) -> str:
    return _SEPARATORS.sub("", key)


def _spellings(value: str) -> Iterable[str]:
    """How a secret is written in forms, URLs and JSON; in latin-1 letters, as bodies are kept."""
    spelled = {value, quote(value, safe=""), quote(value), quote_plus(value)}
    spelled |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    spelled |= {one.encode("utf-8", "surrogatepass").decode("latin-1") for one in tuple(spelled)}
    return {one for one in spelled if len(one) >= _SHORTEST}
