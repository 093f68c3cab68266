"""Titles of posts that nobody gave one."""

import re
from typing import Final

_LENGTH: Final = 80
_LOOKED_AT: Final = 1_000
_TAG: Final = re.compile(r"\[/?[a-zA-Z*][^\[\]]{0,200}\]")
_SPACE: Final = re.compile(r"\s+")


def from_text(text: str) -> str:
    """The first words of ``text`` without BBCode, at most 80 characters; empty for a text without words.

    What log.blogpost.update makes of a title that is not given is silent in the documentation
    (contract 6.3); docs/adr/0032 says why it is taken from the text.
    """
    plain = _SPACE.sub(" ", _TAG.sub("", text[:_LOOKED_AT])).strip()
    if len(plain) <= _LENGTH:
        return plain
    words = plain[: _LENGTH - 1].rsplit(" ", 1)[0].rstrip(",.;:–— ")
    return f"{words}…"
