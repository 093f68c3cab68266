"""The bounds of the server: what a stranger may send, how slowly, and how much of it at once."""

import msgspec

from livefeed.app.exchange import BODY_TIMEOUT_S


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one server takes.

    Attributes:
        target_bytes: Length of path and query.
        head_bytes: Names and values of all headers of a request.
        headers: How many there may be.
        waiting_bytes: What is held of a body that its reader has not asked for.
        exchanges: Requests of one connection read before the first of them is answered; about so many.
        connections: Open at a time.
        events: Events that may wait for their commit.
        events_bytes: Length of all these.
        head_s: From the first byte of a request to the end of its head.
        body_s: From there to the end of its body.
        idle_s: Without a request.
        write_s: How long a receiver may take nothing of its answers.
    """

    target_bytes: int = 8_192
    head_bytes: int = 32_768
    headers: int = 100
    waiting_bytes: int = 65_536
    exchanges: int = 64
    connections: int = 10_000
    events: int = 10_000
    events_bytes: int = 32 * 1024 * 1024
    head_s: float = 10.0
    body_s: float = BODY_TIMEOUT_S
    idle_s: float = 75.0
    write_s: float = 30.0
