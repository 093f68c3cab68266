"""Attachments on the way in: ``FILES`` with new ones and ``{"505": "del"}``, ``UF_BLOG_POST_FILE``.

Source: api-reference/files/how-to-upload-files.md, how-to-update-files.md; contract 6.2, 6.3, 6.11
"""

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from livefeed.wire.form import JsonValue
from livefeed.wire.ids import FileId, decimal
from livefeed.wire.params import Params

_no_digit = re.compile(r"[^A-Za-z0-9+/]").sub


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """One new attachment."""

    name: str
    content: bytes

    def __repr__(self) -> str:
        return f"Upload(name={self.name!r}, {len(self.content)} bytes)"


class FileChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What a call does to the attachments of a post.

    Attributes:
        added: New ones; those that are there already stay.
        removed: Attachments to take away, by the number that ``FILES`` of ``log.blogpost.get`` shows.
        drive: Files of the Drive to attach, ``n505``; left out by the portal when ``added`` has any.
        clear: Take all away (``['empty']``).
    """

    added: tuple[Upload, ...] = ()
    removed: tuple[FileId, ...] = ()
    drive: tuple[int, ...] = ()
    clear: bool = False

    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not (self.added or self.removed or self.drive or self.clear)


_NO_CHANGE: Final = FileChanges()


def read_files(params: Params) -> FileChanges:
    """What ``FILES`` and ``UF_BLOG_POST_FILE`` ask for; an item that cannot be read is left out."""
    if not params.has("FILES") and not params.has("UF_BLOG_POST_FILE"):
        return _NO_CHANGE
    added: list[Upload] = []
    removed: list[FileId] = []
    for key, item in params.mapping("FILES").items():
        number = decimal(key)
        if item == "del" and number is not None:
            removed.append(FileId(number))
        elif (upload := _upload(item)) is not None:
            added.append(upload)
    own = params.texts("UF_BLOG_POST_FILE")
    numbers = [decimal(text.removeprefix("n")) for text in own]
    return FileChanges(
        added=tuple(added),
        removed=tuple(removed),
        drive=tuple(number for number in numbers if number),
        clear="empty" in own,
    )


def _upload(item: JsonValue) -> Upload | None:
    """A pair of name and base64 text, as a list or as ``[0]`` and ``[1]`` of a form."""
    pair = list(item.values()) if isinstance(item, Mapping) else item
    if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
        return None
    name, text = pair
    if not isinstance(name, str) or not isinstance(text, str) or not name:
        return None
    content = _base64(text)
    return Upload(name=name, content=content) if content or not text else None


def _base64(text: str) -> bytes:
    """Decode as PHP does: other characters are passed over, padding may be missing."""
    digits = _no_digit("", text)
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    return b64decode(digits + "=" * (-len(digits) % 4))
