"""Masking: what was sent, with each secret replaced by as many dots, so that it can be shown."""

import re
from collections.abc import Mapping
from typing import Final

DOT: Final = "•"

_SECRET_KEYS: Final = re.compile(
    r"(?:access_token|refresh_token|application_token)(?:\]|%5D)?$", re.IGNORECASE
)
_SIGNATURE: Final = "webhook-signature"


def masked_body(body: bytes) -> str:
    """A form as it went over the wire, the values of its secrets as dots of the same length."""
    pairs = (pair.partition("=") for pair in body.decode("ascii", "replace").split("&"))
    return "&".join(f"{key}{sign}{_shown(key, value)}" for key, sign, value in pairs)


def masked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers, the signature as dots behind its version."""
    return {name: _unsigned(value) if name == _SIGNATURE else value for name, value in headers.items()}


def _shown(key: str, value: str) -> str:
    return DOT * len(value) if _SECRET_KEYS.search(key) else value


def _unsigned(value: str) -> str:
    version, comma, signature = value.partition(",")
    return f"{version}{comma}{DOT * len(signature)}"
