"""The blocks of the operators' page for proxies that speak TLS run: a portal is used through each of them."""

import contextlib
import http.client
import http.cookies
import json
import os
import re
import socket
import ssl
import subprocess
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.required import require_or_skip
from tests.system.world import Process, buried, closing_all, eventually, free_port, livefeed

from livefeed.portal.apps.oauth import FAILURES

pytestmark = pytest.mark.system

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
HOST = "feed.example.com"
MIB = 1024 * 1024
ONE, OTHER = "127.0.0.2", "127.0.0.3"


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text of the page for this machine: other ports, another certificate."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def nginx(block: str, folder: Path, portal: int, port: int) -> list[str]:
    block = changed(
        block,
        ("127.0.0.1:8024", f"127.0.0.1:{portal}"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        (f"/etc/letsencrypt/live/{HOST}/fullchain.pem", f"{folder}/cert.pem"),
        (f"/etc/letsencrypt/live/{HOST}/privkey.pem", f"{folder}/key.pem"),
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    around = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\npid {folder}/pid;\nerror_log stderr warn;\nevents {{ }}\n"
        f"http {{\naccess_log off;\n{around}{block}}}\n"
    )
    return [require_or_skip("nginx"), "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]


def caddy(block: str, folder: Path, portal: int, port: int) -> list[str]:
    block = changed(
        block,
        ("127.0.0.1:8024", f"127.0.0.1:{portal}"),
        (
            f"\n{HOST} {{\n",
            f"\nhttps://{HOST}:{port} {{\nbind 127.0.0.1\ntls {folder}/cert.pem {folder}/key.pem\n",
        ),
    )
    (folder / "Caddyfile").write_text(f"{{\nadmin off\nauto_https disable_redirects\n}}\n{block}")
    return [require_or_skip("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


class Proxy:
    """A proxy with a block of the page, and a portal behind it."""

    def __init__(self, kind: str, command: Callable[..., list[str]], folder: Path) -> None:
        self.kind = kind
        authority = trustme.CA()
        issued = authority.issue_cert(HOST)
        issued.private_key_pem.write_to_path(str(folder / "key.pem"))
        for blob in issued.cert_chain_pems:
            blob.write_to_path(str(folder / "cert.pem"), append=True)
        self.context = ssl.create_default_context()
        authority.configure_trust(self.context)
        self.port, portal = free_port(), free_port()
        [block] = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
        started = command(block, folder, portal, self.port)
        env = {"LIVEFEED_DB": f"sqlite:///{folder}/portal.db", "LIVEFEED_KEY_FILE": str(folder / "keys")}
        founded = json.loads(
            livefeed("portal", "init", "--public-url", f"https://{HOST}", "--json", env=env).stdout
        )
        self.hook = urllib.parse.urlsplit(founded["admin_webhook_url"]).path
        self.administrator = {"login": founded["admin_login"], "password": founded["admin_password"]}
        self.portal = Process(folder / "portal.log", "portal", "serve", "--port", str(portal), env=env)
        self.portal.wait_ready(f"http://127.0.0.1:{portal}")
        self.log = folder / "proxy.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                started,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)},
            )
        try:
            eventually(lambda: self.fail_if_dead() or self.is_up(), what=f"{kind} answers", within_s=30)
        except AssertionError:
            self.close()
            raise

    def fail_if_dead(self) -> None:
        assert self.process.poll() is None, self.log.read_text()

    def is_up(self) -> bool:
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def connection(self, address: str = "127.0.0.1") -> http.client.HTTPSConnection:
        """One from this address, as that of the host on the page."""
        made = http.client.HTTPSConnection(HOST, timeout=30)
        plain = socket.create_connection(("127.0.0.1", self.port), 30, (address, 0))
        made.sock = self.context.wrap_socket(plain, server_hostname=HOST)
        return made

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, address: str = "127.0.0.1", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = self.connection(address)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def call(self, method: str, **params: Any) -> tuple[int, Any]:
        body = json.dumps(params).encode()
        status, _, answer = self.ask("POST", f"{self.hook}{method}", body, Content_Type="application/json")
        return status, json.loads(answer) if answer[:1] == b"{" else answer

    def close(self) -> None:
        self.portal.stop()
        self.process.terminate()
        buried(self.process)


@pytest.fixture(scope="module", params=[("nginx", nginx), ("caddyfile", caddy)], ids=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    kind, command = request.param
    require_or_skip({"caddyfile": "caddy"}.get(kind, kind))
    running = Proxy(kind, command, tmp_path_factory.mktemp(kind))
    with closing_all(running):
        yield running


def test_a_portal_is_called_through_the_proxy_and_what_is_for_the_machine_is_not(proxy: Proxy):
    status, added = proxy.call("log.blogpost.add", POST_MESSAGE="through a proxy", DEST=["UA"])
    _, found = proxy.call("log.blogpost.get", POST_ID=added["result"])

    assert (200, "through a proxy") == (status, found["result"][0]["DETAIL_TEXT"])
    for path in ("/metrics", "/admin/api/processes"):
        assert 404 == proxy.ask("GET", path)[0], path


def test_a_body_as_large_as_rest_takes_passes(proxy: Proxy):
    status, answer = proxy.call("log.blogpost.get", POST_ID=1, MORE="x" * 31 * MIB)
    assert (200, "1") == (status, str(answer["result"][0]["ID"]))
    if proxy.kind != "nginx":
        return  # the portal refuses a larger one, and it may be cut meanwhile
    with contextlib.closing(proxy.connection()) as connection:
        connection.putrequest("POST", f"{proxy.hook}log.blogpost.get")
        connection.putheader("Content-Length", str(33 * MIB))
        connection.endheaders()
        assert 413 == connection.getresponse().status


def test_people_sign_in_over_https_and_an_open_page_hears_of_an_edit_at_once(proxy: Proxy):
    _, headers, page = proxy.ask("GET", "/login")
    jar = http.cookies.SimpleCookie(headers["set-cookie"])
    token = re.findall(rb'name="token" value="(\w+)"', page)[0]
    form = {**proxy.administrator, "token": token.decode()}
    status, headers, _ = proxy.ask(
        *("POST", "/login", urllib.parse.urlencode(form).encode()),
        Cookie=jar.output([], "", "; ").strip(),
        Content_Type="application/x-www-form-urlencoded",
        Origin=f"https://{HOST}",
    )
    jar.load(headers["set-cookie"])
    assert (303, True) == (status, all(one["secure"] for one in jar.values()))
    assert urllib.parse.urlsplit(headers["location"]).netloc in ("", HOST)

    with contextlib.closing(proxy.connection()) as connection:
        connection.request("GET", "/live", headers={"Cookie": jar.output([], "", "; ").strip()})
        stream = connection.getresponse()
        assert (b"retry: 2000\n", b"\n") == (stream.readline(), stream.readline())
        proxy.call("log.blogpost.update", POST_ID=1, POST_TITLE="New words")
        assert stream.readline().startswith(b"data: ")


def test_tries_are_counted_by_the_address_of_the_caller_whatever_he_says(proxy: Proxy):
    def guess(address: str, **headers: str) -> int:
        form = {
            "grant_type": "refresh_token",
            "client_id": "local.1",
            "client_secret": "x",
            "refresh_token": "y",
        }
        path = f"/oauth/token/?{urllib.parse.urlencode(form)}"
        return proxy.ask("GET", path, address=address, **headers)[0]

    said = [guess(ONE) for _ in range(FAILURES + 5)]
    assert {400, 429} == set(said)
    assert 429 == said[-1]
    assert 429 == guess(ONE, X_Forwarded_For="203.0.113.7")
    assert 429 != guess(OTHER)
