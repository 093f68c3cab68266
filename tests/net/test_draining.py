"""A listening socket is left so that nobody is cut off: neither who has come, nor who is just coming."""

import errno
import select
import socket
import sys

import pytest

from livefeed.net.draining import nobody_waits

PATIENCE_S = 30.0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops the first packet of a connection")
@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["ipv4", "ipv6"]
)
async def test_who_comes_while_a_port_is_left_is_refused_and_never_reset(
    family: socket.AddressFamily, address: str
):
    with socket.socket(family) as listener, socket.socket(family) as late:
        listener.bind((address, 0))
        listener.listen()
        place = listener.getsockname()[:2]
        with socket.create_connection(place) as early:
            accepted, _ = listener.accept()
            with accepted:
                await nobody_waits(listener)
                late.setblocking(False)
                assert late.connect_ex(place) == errno.EINPROGRESS

                early.sendall(b"still here")
                assert accepted.recv(16) == b"still here"

                listener.close()
                assert select.select([], [late], [], PATIENCE_S)[1] == [late]
                assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
