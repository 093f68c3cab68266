"""One way to make a listening socket: what is refused is one clear line, and leaves nothing open."""

import socket

import pytest

from livefeed.errors import SettingsError
from livefeed.net.listening import bound, listening


def test_a_listening_socket_takes_connections_and_says_that_it_is_tcp():
    with listening("127.0.0.1", 0) as made, socket.create_connection(made.getsockname()) as caller:
        made.setblocking(True)
        taken, address = made.accept()
        taken.close()

        assert caller.getsockname() == address
        assert socket.IPPROTO_TCP == made.proto, "or Nagle stays on"


def test_a_bound_socket_keeps_its_port_and_refuses_connections():
    with bound("127.0.0.1", 0) as made:
        assert not made.getblocking()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(made.getsockname())


def test_a_port_is_shared_among_those_who_all_say_so():
    with listening("127.0.0.1", 0, is_shared=True) as first:
        port = first.getsockname()[1]
        with listening("127.0.0.1", port, is_shared=True) as second:
            assert first.getsockname() == second.getsockname()
        with pytest.raises(SettingsError, match=f"127.0.0.1:{port}: .*in use; choose another --port"):
            listening("127.0.0.1", port, flag="--port")


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", 70_000), ("203.0.113.7", 0), ("a" * 70, 0), ("::ffff:203.0.113.7", 0)]
)
def test_an_address_that_is_none_of_this_machine_is_one_clear_line(host: str, port: int):
    with pytest.raises(SettingsError, match=f"cannot listen on {host}:{port}: .+; choose another port"):
        listening(host, port)
