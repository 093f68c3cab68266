"""Draining: how a listening socket is left without cutting off anybody who has come already."""

import asyncio
import contextlib
import ctypes
import select
import socket
import struct
import sys
from typing import Final

LAST_CALL_S: Final = 0.5
"""How long connections that are open may still send a request, each its last, once the port is closed."""

_LONGEST_S: Final = 1.0
_HANDSHAKE_S: Final = 0.02

_SO_ATTACH_FILTER: Final = 26
_INSTRUCTIONS: Final = (
    (0x30, 0, 0, 13),  # take the byte of flags of the TCP header
    (0x54, 0, 0, 0x12),  # of it SYN and ACK
    (0x15, 0, 1, 0x02),  # is it SYN alone, the first packet of a connection?
    (0x06, 0, 0, 0),  # then drop it
    (0x06, 0, 0, 0xFFFFFFFF),  # else let it pass
)


async def nobody_waits(listener: socket.socket) -> None:
    """Until every connection in the kernel's queue was accepted: one that is left when it closes is reset.

    From here on the kernel drops the first packet of a new connection, where it can (Linux): the client's
    kernel sends it again a second later, and meets a closed port or a successor instead of a reset.
    Elsewhere, under a crowd that never ends, a second at most.

    Source: socket filters, https://docs.kernel.org/networking/filter.html
    """
    until_s = asyncio.get_running_loop().time() + _LONGEST_S
    if _drop_newcomers(listener):
        await asyncio.sleep(_HANDSHAKE_S)  # who has begun to connect may end it
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while poll.poll(0) and asyncio.get_running_loop().time() < until_s:
        await asyncio.sleep(0.001)


def _drop_newcomers(listener: socket.socket) -> bool:
    """Whether new connections are now dropped; those that are open or have begun are not concerned."""
    if sys.platform != "linux":
        return False
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in _INSTRUCTIONS))
    program = struct.pack("HL", len(_INSTRUCTIONS), ctypes.addressof(code))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
        return True
    return False
