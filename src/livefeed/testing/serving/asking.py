"""Asking a portal in another process, and waiting for what happens there."""

import contextlib
import http.client
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

_LOOK_S: Final = 0.02
_PATIENCE_S: Final = 120.0  # many hours may have to be gone through before there is an answer


def ask(
    url: str, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    """Send one request to the server at ``url``, through no proxy; the status, and the document or text.

    Raises:
        OSError: There is no server, or it went away.
    """
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_PATIENCE_S)
    with contextlib.closing(connection):
        connection.request(method, path, body.encode(), dict(headers or {}))
        answer = connection.getresponse()
        content = answer.read()
    try:
        return answer.status, json.loads(content)
    except ValueError:
        return answer.status, content.decode()


def wait_for(check: Callable[[], T], timeout_s: float) -> T:
    """Repeat ``check`` until it gives something, or raises nothing and gives None.

    Raises:
        AssertionError: It did not in time; the check's own, or that it gave nothing.
    """
    end_s = time.monotonic() + timeout_s
    while True:
        try:
            found = check()
        except AssertionError:
            if time.monotonic() > end_s:
                raise
        else:
            if found or found is None:
                return found
            if time.monotonic() > end_s:
                raise AssertionError(f"after {timeout_s:g} s it was still {found!r}")
        time.sleep(_LOOK_S)
