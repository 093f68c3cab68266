"""A certificate authority that is trusted beside the machine's own."""

import ssl
from pathlib import Path

from livefeed.errors import SettingsError


def authority_pem(path: str) -> bytes:
    """The PEM of the file that ``LIVEFEED_CA_FILE`` names; empty where none is named.

    Raises:
        SettingsError: It cannot be read, or holds no certificate.
    """
    if not path:
        return b""
    try:
        pem = Path(path).read_bytes()
        ssl.create_default_context(cadata=pem.decode("ascii"))
    except OSError as exc:
        if isinstance(exc, ssl.SSLError):
            raise SettingsError(f"LIVEFEED_CA_FILE {path} holds no certificate in PEM") from exc
        raise SettingsError(f"LIVEFEED_CA_FILE {path} cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise SettingsError(f"LIVEFEED_CA_FILE {path} holds no certificate in PEM") from exc
    return pem
