"""Sockets that wait for connections: one way to make them."""

import socket
from typing import Final

from livefeed.errors import SettingsError

_WAITING: Final = 2_048
"""How many connections may wait to be taken."""


def bound(host: str, port: int, *, flag: str = "port", is_shared: bool = False) -> socket.socket:
    """A socket with an address, to which nobody can connect yet.

    Args:
        host: An address of this machine, or its name.
        port: 0 takes a free one.
        flag: What an error tells people to change.
        is_shared: Others may have the same port, if all of them say so.

    Raises:
        SettingsError: The port is in use, or the address is not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol has to be named: asyncio turns Nagle off only for sockets that say they are TCP.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
    except (OSError, OverflowError, UnicodeError) as exc:
        made.close()
        raise _refused(host, port, flag, exc) from exc
    made.setblocking(False)
    return made


def listening(host: str, port: int, *, flag: str = "port", is_shared: bool = False) -> socket.socket:
    """A socket whose connections wait to be taken; the arguments are those of `bound`.

    Raises:
        SettingsError: The port is in use, or the address is not of this machine.
    """
    made = bound(host, port, flag=flag, is_shared=is_shared)
    try:
        made.listen(_WAITING)
    except OSError as exc:  # another one of those that share the address listens there
        made.close()
        raise _refused(host, port, flag, exc) from exc
    return made


def _refused(host: str, port: int, flag: str, error: Exception) -> SettingsError:
    said = error.strerror if isinstance(error, OSError) else error
    return SettingsError(f"cannot listen on {host}:{port}: {said}; choose another {flag}")
