"""Draining: how a listening socket is left without cutting off anybody who has come already."""

import asyncio
import select
import socket
from typing import Final

LAST_CALL_S: Final = 0.5
"""How long connections that are open may still send a request, each its last, once the port is closed."""

_LONGEST_S: Final = 1.0


async def nobody_waits(listener: socket.socket) -> None:
    """Until every connection in the kernel's queue was accepted: one that is left when it closes is reset.

    Under a crowd that never ends, a second at most.
    """
    until_s = asyncio.get_running_loop().time() + _LONGEST_S
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while poll.poll(0) and asyncio.get_running_loop().time() < until_s:
        await asyncio.sleep(0.001)
