"""Ports for servers of tests: none is given twice, whoever else runs tests on this machine.

They lie below those from which the kernel chooses for outgoing connections and for port 0, so that nothing
takes one between the moment it is given and the moment a process that has just been started listens on it.
"""

import contextlib
import fcntl
import os
import random
import socket
import tempfile
import threading
from pathlib import Path
from typing import Final

_LOWEST: Final = 10_100  # browsers refuse to open 10080
_ENOUGH: Final = 2_000
_OUTGOING: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")

_lock = threading.Lock()
_claims: list[int] = []  # one open file: closing any other of it would let go of every claim
_given: set[int] = set()  # a process may lock a byte again that it has locked


def free_port() -> int:
    """A port that nobody listens on, and that belongs to this process until it ends."""
    end = _end()
    if end - _LOWEST < _ENOUGH:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])
    with _lock:
        while True:
            port = random.randrange(_LOWEST, end)
            if _is_claimed(port) and _is_free(port):
                return port


def _end() -> int:
    try:
        return int(_OUTGOING.read_text().split()[0])
    except (OSError, ValueError):
        return 0


def _is_claimed(port: int) -> bool:
    """Lock the byte with the port's number in a file that all processes of this user have open."""
    if not _claims:
        path = Path(tempfile.gettempdir()) / f"livefeed-ports-{os.geteuid()}"
        _claims.append(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    if port in _given:
        return False
    with contextlib.suppress(BlockingIOError):
        fcntl.lockf(_claims[0], fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        _given.add(port)
        return True
    return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
