"""TLS of a half that serves: the two files are checked before anything listens."""

import ssl
from pathlib import Path
from typing import Final

import click
import msgspec

from livefeed.errors import SettingsError

_FILE: Final = click.Path(path_type=Path)

cert_option: Final = click.option(
    "--tls-cert",
    type=_FILE,
    default=None,
    metavar="FILE",
    help="Serve https with this certificate and its chain, in PEM; public URLs become https.",
)
key_option: Final = click.option(
    "--tls-key",
    type=_FILE,
    default=None,
    metavar="FILE",
    help="The key of --tls-cert, in PEM, without a password.",
)


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate and its key, which belong together.

    Attributes:
        cert: PEM file of the certificate, its chain behind it.
        key: PEM file of the key.
        fingerprint: SHA-256 of the certificate, in hex; tells this process from another at its address.
    """

    cert: Path
    key: Path
    fingerprint: str


def usable(cert: Path | None, key: Path | None) -> Tls | None:
    """The pair to serve with; None where neither was given.

    Raises:
        SettingsError: One is missing, cannot be read, is not PEM, or they do not belong together.
    """
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        given, other = ("--tls-key", "--tls-cert") if cert is None else ("--tls-cert", "--tls-key")
        raise SettingsError(f"{given} needs {other} beside it")
    fingerprint = _fingerprint(cert)
    if "PRIVATE KEY" not in _text(key, "--tls-key"):
        raise SettingsError(f"--tls-key {key} holds no key in PEM")
    _check_pair(cert, key)
    return Tls(cert=cert, key=key, fingerprint=fingerprint)


def _fingerprint(path: Path) -> str:
    """SHA-256 of the first certificate in a file, in hex."""
    from cryptography import x509  # three megabytes that a server without TLS has no use for
    from cryptography.hazmat.primitives.hashes import SHA256

    text = _text(path, "--tls-cert")
    try:
        return x509.load_pem_x509_certificate(text.encode()).fingerprint(SHA256()).hex()
    except ValueError as exc:
        raise SettingsError(f"--tls-cert {path} holds no certificate in PEM") from exc


def _text(path: Path, flag: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as exc:
        raise SettingsError(f"{flag} {path} cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise SettingsError(f"{flag} {path} is not in PEM") from exc


def _check_pair(cert: Path, key: Path) -> None:
    """Load both as the server will; a password is never asked for."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
    except ssl.SSLError as exc:
        if exc.reason == "KEY_VALUES_MISMATCH":
            raise SettingsError(f"--tls-key {key} is not the key of --tls-cert {cert}") from exc
        if "ENCRYPTED" in _text(key, "--tls-key"):
            raise SettingsError(f"--tls-key {key} has a password; give a key without one") from exc
        raise SettingsError(f"--tls-cert {cert} and --tls-key {key} cannot be used together") from exc
