"""The run file of a running half, and commands that go through its administrator API."""

import contextlib
import hashlib
import http.client
import os
import socket
import ssl
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from livefeed.clock import fresh_hex
from livefeed.errors import ConnectFailed, LivefeedError, SettingsError
from livefeed.settings import DatabaseUrl


class Running(msgspec.Struct, frozen=True):
    """What ``<db>.run`` (mode 0600) says of the process that holds the database.

    Attributes:
        url: Where its administrator API listens: ``http://127.0.0.1:8024``.
        pid: Its process id.
        token: The administrator token of this run.
        fingerprint: SHA-256 of the certificate it serves https with, in hex; empty for http.
    """

    url: str
    pid: int
    token: str
    fingerprint: str = ""

    def __repr__(self) -> str:
        return f"Running(url={self.url!r}, pid={self.pid})"


class Refused(LivefeedError):
    """The running half refused an operation; the message is its own."""


def run_file_of(database: DatabaseUrl) -> Path:
    """The run file beside an SQLite database."""
    return database.path.with_name(database.path.name + ".run")


def fresh_token() -> str:
    """An administrator token for one run."""
    return fresh_hex(32)


@contextlib.contextmanager
def announced(database: DatabaseUrl, url: str, token: str, *, fingerprint: str = "") -> Generator[None]:
    """Keep the run file while the block runs."""
    path = run_file_of(database)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(Running(url, os.getpid(), token, fingerprint)))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def find_running(database: DatabaseUrl) -> Running | None:
    """The process that holds this database, or None if none is alive.

    A run file outlives a process that was killed, and its number may be another's by now, above all in a
    container: one whose address nobody listens at holds nothing. If it does all the same, its lock says so.
    """
    try:
        running = msgspec.json.decode(run_file_of(database).read_bytes(), type=Running)
        os.kill(running.pid, 0)
    except (FileNotFoundError, ProcessLookupError, msgspec.DecodeError):
        return None
    except PermissionError as exc:
        raise SettingsError(
            f"{run_file_of(database)} belongs to another user; run this command as that user"
        ) from exc
    return running if _is_listened_at(running) else None


def _is_listened_at(running: Running) -> bool:
    target = urlsplit(running.url)
    try:
        socket.create_connection((target.hostname or "127.0.0.1", target.port or 0), timeout=30).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return True  # whoever asks it is told what is wrong
    return True


def operate(running: Running, operation: str, params: dict[str, object]) -> dict[str, object]:
    """Ask the running half for one operation of its administrator API.

    Raises:
        Refused: It answered with an error.
        ConnectFailed: It does not answer.
    """
    connection = _connection(running)
    try:
        _check_certificate(connection, running)
        connection.request(
            "POST",
            f"/admin/api/{operation}",
            msgspec.json.encode(params),
            {"Authorization": f"Bearer {running.token}", "Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        document = msgspec.json.decode(answer.read(), type=dict[str, object])
    except (OSError, http.client.HTTPException, msgspec.DecodeError) as exc:
        raise ConnectFailed(f"process {running.pid} does not answer at {running.url}: {exc}") from exc
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise Refused(str(document.get("error_description") or document.get("error") or answer.status))
    return document


def _connection(running: Running) -> http.client.HTTPConnection:
    target = urlsplit(running.url)
    host = target.hostname or "127.0.0.1"
    if not running.fingerprint:
        return http.client.HTTPConnection(host, target.port, timeout=30)
    # The name in the certificate is the public one; its fingerprint is compared before the token is sent.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, target.port, timeout=30, context=context)


def _check_certificate(connection: http.client.HTTPConnection, running: Running) -> None:
    if not running.fingerprint:
        return
    connection.connect()
    shown = (
        connection.sock.getpeercert(binary_form=True) if isinstance(connection.sock, ssl.SSLSocket) else None
    )
    if hashlib.sha256(shown or b"").hexdigest() != running.fingerprint:
        raise ConnectFailed(f"{running.url} is served by another process than {running.pid}")
