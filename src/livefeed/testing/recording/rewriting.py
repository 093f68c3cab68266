"""Rewriting: values of a request replaced one by one, whatever form they come in; the rest stays as it is.

Forms, JSON, multipart/form-data, URLs, and all of these within one another. What is none of them is taken
word by word.
"""

import base64
import binascii
import json
import quopri
import re
from collections.abc import Callable
from typing import Final, TypeAlias
from urllib.parse import quote, quote_plus, unquote, unquote_plus, unquote_to_bytes

Keys: TypeAlias = tuple[str, ...]
"""Where a value stands, from outside to inside, in lower case: ``("auth", "access_token")``."""

Rewrite: TypeAlias = Callable[[Keys, str], str]
"""Gets the place of a value and the value; returns what takes its place."""

NAME: Final = "\0name"
"""The last key where it is no value that is rewritten, but a key."""
SEGMENT: Final = "\0segment"
"""The last key of a part of a path."""
CODE: Final = "\0code"
"""The last key of what stands for the code of a webhook in a path: ``/rest/1/<code>/``."""
WORD: Final = "\0word"
"""The last key of a word in a text that has no keys."""
LOGIN: Final = "\0login"
"""The last key of what stands before the host of a URL: ``name:password``."""

_DEPTH: Final = 4
_PART: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_LONG_WORD: Final = re.compile(r"[A-Za-z0-9_~.+/=-]{8,}")
_URL: Final = re.compile(r"((?:https?|postgres(?:ql)?)://)([^\s\"'<>\[\]]+)", re.IGNORECASE)
_FORM: Final = re.compile(r"[^\s=&<>{}]+=[^&]*(?:&[^\s=&<>{}]+=[^&]*)*")
_ODD_KEY: Final = re.compile(r"[\s<>{}\"']")
_BOUNDARY: Final = re.compile(rb'boundary="?([^";,\s]+)', re.IGNORECASE)
_FIRST_LINE: Final = re.compile(rb"\s*--([^\r\n]{1,200})\r?\n(?=[A-Za-z-]+:)")
_NAMED: Final = re.compile(r"""\bname(\*?)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))""", re.IGNORECASE)
_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")


def rewritten(content: bytes, content_type: str, rewrite: Rewrite, outer: Keys = ()) -> bytes:
    """A body with other values; what it is is seen from itself, as senders are wrong about it at times."""
    kind = content_type.lower()
    boundary = _BOUNDARY.search(content_type.encode("latin-1", "replace")) if "multipart" in kind else None
    boundary = boundary or _FIRST_LINE.match(content)
    if boundary is not None and b"--" + boundary[1] in content:
        return _multipart(content, boundary[1], rewrite, outer)
    document = _json_text(content)
    if document is not None:
        text, encoding = document
        return json_rewritten(text, rewrite, outer).encode(encoding, "surrogatepass")
    return form_rewritten(content.decode("latin-1"), rewrite, outer).encode("latin-1")


def form_rewritten(text: str, rewrite: Rewrite, outer: Keys = (), *, depth: int = _DEPTH) -> str:
    """A form or a query, its bytes as latin-1; a pair keeps its encoding where nothing changes."""
    return "&".join(_pair(pair, rewrite, outer, depth) for pair in text.split("&"))


def json_rewritten(text: str, rewrite: Rewrite, outer: Keys = (), *, depth: int = _DEPTH) -> str:
    """JSON with other strings and numbers; white space and order stay."""
    parts: list[str] = []
    end = 0
    scopes: list[str | None] = []  # of each open object and list its key; None: a list
    is_key = False
    for match in _PART.finditer(text):
        part = match[0]
        parts.append(text[end : match.start()])
        end = match.end()
        if part in "{[":
            scopes.append("" if part == "{" else None)
            is_key = part == "{"
        elif part in "}]":
            scopes.pop()
        elif part == ",":
            is_key = scopes[-1] is not None
        elif part == ":":
            is_key = False
        elif is_key:
            name: str = json.loads(part)
            scopes[-1] = name.lower()
            part = _literal(part, rewrite((*outer, NAME), name))
        else:
            inside = (one for scope in scopes if scope for one in parts_of(scope))
            part = _scalar(part, rewrite, (*outer, *inside), depth)
        parts.append(part)
    return "".join((*parts, text[end:]))


def path_rewritten(path: str, rewrite: Rewrite, outer: Keys = ()) -> str:
    """A path with other parts, each encoded or not as it was."""
    segments = path.split("/")
    for at, segment in enumerate(segments):
        is_code = at > 1 and segments[at - 2].lower() == "rest" and segments[at - 1].isdecimal()
        value = unquote(segment)
        other = rewrite((*outer, CODE if is_code else SEGMENT), value)
        if other != value:
            segments[at] = quote(other, safe="")
    return "/".join(segments)


def address_rewritten(address: str, rewrite: Rewrite, outer: Keys = (), *, depth: int = _DEPTH) -> str:
    """A path with its query and its fragment."""
    path, is_asked, rest = address.partition("?")
    query, is_marked, fragment = rest.partition("#")
    path = path_rewritten(path, rewrite, outer)
    query = form_rewritten(query, rewrite, outer, depth=depth)
    return path + is_asked + query + is_marked + form_rewritten(fragment, rewrite, outer, depth=depth)


def text_rewritten(value: str, rewrite: Rewrite, keys: Keys = (), *, depth: int = _DEPTH) -> str:
    """A value that may be JSON, a form, or a text with URLs."""
    other = rewrite(keys, value)
    if other != value or depth == 0:
        return other
    start = value.lstrip()[:1]
    if start and start in "{[" and is_document(value):
        return json_rewritten(value, rewrite, keys, depth=depth - 1)
    if "://" in value:
        return _URL.sub(lambda url: url[1] + _target(url[2], rewrite, keys, depth - 1), value)
    if _FORM.fullmatch(value):
        return form_rewritten(value, rewrite, keys, depth=depth - 1)
    return value


def words_rewritten(text: str, rewrite: Rewrite, keys: Keys = ()) -> str:
    """A text without keys: every long word may be what it should not be."""
    return _LONG_WORD.sub(lambda word: rewrite((*keys, WORD), word[0]), text)


def parts_of(key: str) -> Keys:
    """``auth[access_token]``, however often it was percent-encoded, as its parts in lower case."""
    for _ in range(_DEPTH):
        plain = unquote_plus(key)
        if plain == key:
            break
        key = plain
    return tuple(part.lower() for part in re.split(r"[\[\].]+", key) if part)


def _target(target: str, rewrite: Rewrite, keys: Keys, depth: int) -> str:
    """Of a URL everything after its scheme."""
    authority, is_path, path = target.partition("/")
    if not is_path:
        authority, is_asked, query = target.partition("?")
        path = is_asked + query
    login, is_named, host = authority.rpartition("@")
    login = rewrite((*keys, LOGIN), login) if is_named else login
    return login + is_named + host + address_rewritten(is_path + path, rewrite, keys, depth=depth)


def _pair(pair: str, rewrite: Rewrite, outer: Keys, depth: int) -> str:
    raw_key, is_given, raw_value = pair.partition("=")
    name = _decoded(raw_key)
    if not is_given or _ODD_KEY.search(raw_key):
        return words_rewritten(pair, rewrite, outer)
    other_name = rewrite((*outer, NAME), name)
    raw_key = raw_key if other_name == name else quote_plus(other_name)
    value = _decoded(raw_value)
    other = text_rewritten(value, rewrite, (*outer, *parts_of(name)), depth=depth)
    return f"{raw_key}={raw_value if other == value else quote_plus(other)}"


def _decoded(raw: str) -> str:
    try:
        content = raw.encode("latin-1")
    except UnicodeEncodeError:  # a form within a text
        content = raw.encode("utf-8", "surrogatepass")
    plain = unquote_to_bytes(content.replace(b"+", b" "))
    try:
        return plain.decode()
    except UnicodeDecodeError:
        return plain.decode("latin-1")


def _scalar(part: str, rewrite: Rewrite, keys: Keys, depth: int) -> str:
    if part.startswith('"'):
        return _literal(part, text_rewritten(json.loads(part), rewrite, keys, depth=depth))
    if part in {"true", "false", "null"}:
        return part
    other = rewrite(keys, part)
    if other == part:
        return part
    digits = "".join(str(int(one, 16) % 10) for one in other if one in "0123456789abcdef")
    return "1" + digits[1:]


def _literal(part: str, value: str) -> str:
    return part if json.loads(part) == value else json.dumps(value, ensure_ascii=part.isascii())


def is_document(value: str) -> bool:
    """Whether a text is a JSON object or list."""
    return _json_text(value.encode("utf-8", "surrogatepass")) is not None


def _json_text(content: bytes) -> tuple[str, str] | None:
    """A document and its encoding; None: it is no object and no list."""
    encoding = json.detect_encoding(content)
    try:
        text = content.decode(encoding, "surrogatepass")
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return (text, encoding) if isinstance(document, dict | list) else None


def _multipart(content: bytes, boundary: bytes, rewrite: Rewrite, outer: Keys) -> bytes:
    line = b"--" + boundary
    return line.join(_part(part, rewrite, outer) for part in content.split(line))


def _part(part: bytes, rewrite: Rewrite, outer: Keys) -> bytes:
    blank = _BLANK_LINE.search(part)
    if blank is None:
        return part
    head, body = part[: blank.end()], part[blank.end() :]
    ending = b"\r\n" if body.endswith(b"\r\n") else b"\n" if body.endswith(b"\n") else b""
    body = body[: len(body) - len(ending)]
    said = head.decode("utf-8", "replace")
    keys = (*outer, *_name_of(said))
    other_head = text_rewritten(head.decode("latin-1"), rewrite, (*outer, NAME), depth=0).encode("latin-1")
    return other_head + _transferred(said, body, rewrite, keys) + ending


def _transferred(head: str, body: bytes, rewrite: Rewrite, keys: Keys) -> bytes:
    """The value of a part, in the encoding its head names."""
    words = head.lower()
    if "transfer-encoding: base64" in words:
        try:
            plain = base64.b64decode(body, validate=False)
        except binascii.Error:
            return body
        other = _value(plain, words, rewrite, keys)
        return body if other == plain else base64.b64encode(other)
    if "transfer-encoding: quoted-printable" in words:
        plain = quopri.decodestring(body)
        other = _value(plain, words, rewrite, keys)
        return body if other == plain else quopri.encodestring(other)
    return _value(body, words, rewrite, keys)


def _value(value: bytes, head: str, rewrite: Rewrite, keys: Keys) -> bytes:
    if "content-type:" in head and "text/plain" not in head:
        return rewritten(value, head.partition("content-type:")[2].partition("\n")[0], rewrite, keys)
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return text_rewritten(value.decode("latin-1"), rewrite, keys).encode("latin-1")
    return text_rewritten(text, rewrite, keys).encode()


def _name_of(head: str) -> Keys:
    named = _NAMED.search(head)
    if named is None:
        return ()
    name = named[2] if named[2] is not None else named[3]
    return parts_of(name.rpartition("'")[2] if named[1] else name)
