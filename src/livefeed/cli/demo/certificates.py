"""Development TLS of the demo: an authority for this folder alone, and the portal's certificate.

The authority's key is forgotten as soon as it has signed, so that who trusts it trusts these two files only.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from livefeed.errors import SettingsError

_NAMES: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """The three files (mode 0600) in the data folder.

    Attributes:
        authority: What clients have to trust.
        cert: The portal's certificate, for this machine's own names.
        key: Its key.
    """

    authority: Path
    cert: Path
    key: Path

    @classmethod
    def within(cls, data: Path) -> "Certificates":
        """Where they lie in a data folder."""
        return cls(authority=data / "ca.pem", cert=data / "portal.pem", key=data / "portal.key")


def certificates(data: Path) -> Certificates:
    """The certificates of a data folder; made the first time, and anew where one of the files is gone.

    Raises:
        SettingsError: The portal's extra is not installed.
    """
    files = Certificates.within(data)
    if not all(path.exists() for path in (files.authority, files.cert, files.key)):
        _make(files)
    return files


def _make(files: Certificates) -> None:
    try:
        import trustme
    except ImportError as exc:
        raise SettingsError("--tls needs the package trustme: pip install 'livefeed[portal]'") from exc
    authority = trustme.CA(organization_name="livefeed development")
    issued = authority.issue_cert(*_NAMES)
    _write(files.key, issued.private_key_pem.bytes())
    _write(files.cert, b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    _write(files.authority, authority.cert_pem.bytes())


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
