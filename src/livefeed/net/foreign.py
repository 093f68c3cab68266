"""The edge at which the HTTP library's errors become ours; none of its texts that could hold a URL leaves."""

from typing import Final

from pyreqwest.exceptions import DecodeError, DetailedPyreqwestError, NetworkError, RequestTimeoutError

from livefeed.errors import ConnectFailed, ConnectionReset, TimedOut, TlsFailed, TransportError

# What the library's connector says before TLS begins; every other failure to connect is one of the handshake.
_BEFORE_TLS: Final = ("tcp ", "dns error", "unsupported")


def translate(exc: Exception) -> TransportError:
    """Our error for one of the library's; its message is the innermost cause, which names no URL."""
    causes = _causes(exc)
    inner = causes[-1] if causes else "the request could not be made"
    match exc:
        case RequestTimeoutError():
            return TimedOut("no complete answer in time")
        case NetworkError() if "client error (Connect)" in causes:
            return ConnectFailed(inner) if _is_before_tls(causes) else TlsFailed(inner)
        case NetworkError() | DecodeError():
            return ConnectionReset(inner)
        case _:
            return ConnectFailed(inner)


def _is_before_tls(causes: list[str]) -> bool:
    after = causes[causes.index("client error (Connect)") + 1 :]
    return not after or after[0].startswith(_BEFORE_TLS)


def _causes(exc: Exception) -> list[str]:
    if not isinstance(exc, DetailedPyreqwestError):
        return []
    return [cause["message"] for cause in exc.details["causes"] or [] if " for url (" not in cause["message"]]
