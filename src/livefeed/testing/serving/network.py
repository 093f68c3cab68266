"""The way out: certificates, and a relay that leads the cloud's names to the portal."""

import asyncio
import contextlib
import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

AUTHORIZATION_HOSTS: Final = ("oauth.bitrix.info", "oauth.bitrix24.tech")
"""Bitrix24's own authorization servers, whose names SDKs have built in."""

CLOUD_HOST: Final = "portal.bitrix24.test"
RENAMED_HOST: Final = "renamed.bitrix24.test"
"""Under these names, without a port, SDKs know a test's portal before and after it is renamed."""

_LED: Final = (*AUTHORIZATION_HOSTS, CLOUD_HOST, RENAMED_HOST)
_CHUNK: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """PEM files: ``chain`` has key and certificate, ``authority`` is what clients have to trust."""

    chain: Path
    authority: Path


def certify(folder: Path) -> Certificate:
    """A development authority, and a certificate of it for this machine and the names that are led here.

    Raises:
        ImportError: ``trustme`` is not installed; it comes with ``livefeed[testing]``.
    """
    import trustme

    made = Certificate(chain=folder / "chain.pem", authority=folder / "authority.pem")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost", *_LED)
    authority.cert_pem.write_to_path(str(made.authority))
    issued.private_key_and_cert_chain_pem.write_to_path(str(made.chain))
    return made


class Relay:
    """An HTTP proxy that knows CONNECT alone, and leads a few names to one port of this machine.

    Attributes:
        asked: The hosts that were asked for; to others than those that are led here nothing was sent.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []
        self.url = ""
        self.asked: list[str] = []

    async def open(self) -> None:
        """Take connections from now on."""
        self._server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """End every connection."""
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*[writer.wait_closed() for writer in self._writers], return_exceptions=True)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            method, target, _ = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split(" ", 2)
            name, _, port = target.partition(":")
            self.asked.append(target)
            if method != "CONNECT" or port != "443" or name not in _LED:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                writer.close()
                return
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._port)
            self._writers.append(inner_writer)
            await asyncio.gather(_pass(reader, inner_writer), _pass(inner_reader, writer))


@contextlib.contextmanager
def environment(relay: Relay, certificate: Certificate) -> Generator[None]:
    """For this process, the relay is the way out and the certificate's authority is trusted."""
    names = {
        "HTTPS_PROXY": relay.url,
        "https_proxy": relay.url,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "REQUESTS_CA_BUNDLE": str(certificate.authority),
        "SSL_CERT_FILE": str(certificate.authority),
    }
    before = {name: os.environ.get(name) for name in names}
    _set(names)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()
