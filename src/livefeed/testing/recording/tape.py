"""The tape: one request a line, as JSON, without secrets."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from livefeed.clock import iso
from livefeed.errors import SettingsError
from livefeed.testing.recording.masks import Masks, unpacked

_KEPT: Final = ("content-type", "user-agent", "webhook-id", "webhook-timestamp")
"""What authorizes is not among them, nor a signature, which is over the secrets that are masked."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a tape.

    Attributes:
        at: ``2026-03-17T14:29:15+00:00``.
        method: ``POST``.
        path: With the query, as it was asked for.
        headers: Names in lower case.
        body: Bytes as latin-1, so that forms and JSON are readable and nothing is lost.
    """

    at: str
    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        return self.body.encode("latin-1")


class Tape:
    """Writes requests to a file, masked."""

    def __init__(self, path: Path) -> None:
        """Write to ``path``; what it holds is kept."""
        self._path = path
        self._masks = Masks()

    def add(self, *, at_ms: int, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Request:
        """Write one request, and return it as it was written."""
        masks = self._masks
        masks.learn_request(path, headers, body)
        plain = unpacked(body, headers)
        request = Request(
            at=iso(at_ms),
            method=method,
            path=masks.address(path),
            headers={name: masks.sentence(headers[name]) for name in _KEPT if name in headers},
            body=masks.body(plain, headers.get("content-type", "")).decode("latin-1"),
        )
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(request) + b"\n")
        return request


def read_tape(path: Path) -> Iterable[Request]:
    """The requests of a tape, in their order.

    Raises:
        SettingsError: The file is not one.
    """
    try:
        lines = path.read_bytes().splitlines()
        return [msgspec.json.decode(line, type=Request) for line in lines if line]
    except OSError as exc:
        raise SettingsError(f"the tape {path} cannot be read: {exc.strerror}") from exc
    except msgspec.DecodeError as exc:
        raise SettingsError(
            f"{path} is not a tape: {exc}; record one with livefeed.testing.recording"
        ) from exc
