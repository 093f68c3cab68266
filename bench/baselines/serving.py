"""How every server among the baselines is run: uvicorn on an inherited socket, pinned to one core.

argv of each: the listening file descriptor, a folder for its database, the core to run on (-1: any).
"""

import asyncio
import os
import signal
import socket
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import uvicorn
import uvloop


def serve(make: "type[AbstractAsyncContextManager[Any]] | Any") -> None:  # noqa: ANN401 - a factory of one
    """Serve the ASGI application that ``make(folder)`` yields until SIGTERM."""
    descriptor, folder, core = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    if core >= 0:
        os.sched_setaffinity(0, {core})
    uvloop.run(_serve(make, socket.socket(fileno=descriptor), folder))


async def _serve(make: Any, listener: socket.socket, folder: Path) -> None:  # noqa: ANN401 - as above
    async with make(folder) as application:
        server = uvicorn.Server(
            uvicorn.Config(
                application, http="httptools", ws="none", lifespan="off", access_log=False, log_config=None
            )
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, setattr, server, "should_exit", True)
        await server.serve(sockets=[listener])
