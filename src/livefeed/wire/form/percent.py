"""Percent-encoding, read strictly or as PHP reads it; ``+`` is a space in both."""

import binascii
import re
from collections.abc import Iterator
from typing import Final

from livefeed.errors import TooLarge, WireError
from livefeed.wire.form.paths import shown

_HEX_DIGITS: Final = "0123456789abcdefABCDEF"
_BYTE_OF: Final = {a + b: bytes.fromhex(a + b) for a in _HEX_DIGITS for b in _HEX_DIGITS}
_BYTE_OF_OCTETS: Final = {pair.encode(): byte for pair, byte in _BYTE_OF.items()}
_PIECE_BYTES: Final = 65_536
_SHORT_BYTES: Final = 512
_BROKEN: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_MOST_BROKEN: Final = 100_000
_CHAR_OF: Final = {pair: byte.decode("ascii") for pair, byte in _BYTE_OF.items() if byte < b"\x80"}


def strict_unquote(text: str, key: str) -> str:
    """Decode ``text``; ``key`` says in the error where it stood.

    Raises:
        WireError: A percent sign without two hex digits, or bytes that are not UTF-8.
    """
    # Addresses are most of what is escaped in events. Neither sign is a hex digit, so a broken escape in
    # front of one stays broken.
    text = text.replace("+", " ").replace("%2F", "/").replace("%3A", ":")
    if "%" not in text:
        return text
    first, *rest = text.split("%")
    try:
        return first + "".join([_CHAR_OF[part[:2]] + part[2:] for part in rest])
    except KeyError:
        return _strict_unquote_bytes(first, rest, key)


def _strict_unquote_bytes(first: str, rest: list[str], key: str) -> str:
    """Decode what holds more than ASCII, or find out what is wrong with it."""
    try:
        octets = b"".join([_BYTE_OF[part[:2]] + part[2:].encode() for part in rest])
        return (first.encode() + octets).decode()
    except KeyError as exc:
        raise WireError(shown(key), "two hex digits after each percent sign", "a broken escape") from exc
    except UnicodeDecodeError as exc:
        raise WireError(shown(key), "UTF-8", "other bytes") from exc


def lax_unquote(octets: bytes) -> str:
    """Decode as PHP does: a broken escape stays as it is; what is not UTF-8 becomes U+FFFD.

    Raises:
        TooLarge: There are more broken escapes than anybody writes by mistake.
    """
    if b"+" in octets:
        octets = octets.replace(b"+", b" ")
    if b"%" in octets:
        octets = _lax_octets(octets) if len(octets) <= _SHORT_BYTES else _lax_long(octets)
    return octets.decode(errors="replace")


def _lax_long(octets: bytes) -> bytes:
    """The same for millions of escapes, which a caller may send before anybody knows him."""
    decoded: list[bytes] = []
    broken = 0
    for piece in _pieces(octets):
        whole = _unescaped(piece)
        if whole is None:
            mended, count = _BROKEN.subn(b"%25", piece)
            broken += count
            if broken > _MOST_BROKEN:
                raise TooLarge("body", f"at most {_MOST_BROKEN} broken escapes", "more")
            whole = _unescaped(mended)
            assert whole is not None, "none is broken any more"
        decoded.append(whole)
    return b"".join(decoded)


def _unescaped(octets: bytes) -> bytes | None:
    """Decoded in C, by the decoder of another encoding that differs in its sign; None: an escape is broken.

    Where it does not find two hex digits it leaves more than an escape would, but for a line that ends in its
    sign.
    """
    if b"%\n" in octets or b"%\r" in octets:
        return None
    other = octets.replace(b"=", b"%3D").replace(b"%", b"=")
    decoded = binascii.a2b_qp(other)
    return decoded if len(decoded) == len(other) - 2 * other.count(b"=") else None


def _pieces(octets: bytes) -> Iterator[bytes]:
    """Cut a long text, never within an escape, so that millions of escapes are not held at once."""
    start = 0
    while len(octets) - start > _PIECE_BYTES:
        end = start + _PIECE_BYTES
        cut = octets.find(b"%", end - 2, end)
        end = end if cut < 0 else cut
        yield octets[start:end]
        start = end
    yield octets[start:] if start else octets


def _lax_octets(octets: bytes) -> bytes:
    first, *rest = octets.split(b"%")
    return first + b"".join([_lax_part(part) for part in rest])


def _lax_part(part: bytes) -> bytes:
    byte = _BYTE_OF_OCTETS.get(part[:2])
    return b"%" + part if byte is None else byte + part[2:]
