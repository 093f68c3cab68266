"""Names of cookies: browsers send those of a host to all of its ports, where other servers may listen."""

from typing import Final

_PORT_DIGITS: Final = 5


def cookie_name(kind: str, host: str) -> str:
    """What a cookie is called at ``host``: ``livefeed_session_8024`` at ``localhost:8024``."""
    _, colon, port = host.rpartition(":")
    is_port = colon and port.isascii() and port.isdecimal() and len(port) <= _PORT_DIGITS
    return f"{kind}_{port}" if is_port else kind
