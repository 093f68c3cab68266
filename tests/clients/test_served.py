"""The vendor's JavaScript SDK under Node against `livefeed portal serve --tls-cert`, a process of its own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.clients import sdk_js
from tests.clients.js_driver import Node, Refused
from tests.clients.sdks import Sdks
from tests.clients.world import SCOPES
from tests.required import require_package
from tests.system.world import Process, Recorder, eventually, free_port, livefeed

pytestmark = pytest.mark.system


@dataclass
class Served:
    """A portal in a process, a recorder of what it sends, and Node that trusts it."""

    url: str
    database: str
    recorder: Recorder
    node: Node

    def command(self, *arguments: str) -> dict[str, Any]:
        return json.loads(livefeed(*arguments, "--db", self.database, "--json").stdout)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    require_package("trustme")
    import trustme

    folder = tmp_path_factory.mktemp("served")
    modules = sdk_js.installed()
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    port = free_port()
    database, url = f"sqlite:///{folder / 'portal.db'}", f"https://127.0.0.1:{port}"
    livefeed("portal", "init", "--db", database, "--public-url", f"http://127.0.0.1:{port}")
    flags = ["--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem")]
    serve = ["portal", "serve", "--db", database, "--port", str(port), "--allow-private"]
    process = Process(folder / "portal.log", *serve, *flags)
    node, recorder = Node(modules, folder / "ca.pem"), Recorder()
    eventually(lambda: process.fail_if_dead() or "listening" in process.log.read_text(), what="it listens")
    yield Served(url, database, recorder, node)
    node.close()
    recorder.close()
    assert 0 == process.stop()


@pytest.fixture(scope="module")
def installed(served: Served) -> tuple[dict[str, str], dict[str, str]]:
    """The auth block of ONAPPINSTALL, and the application's secret as the SDK wants it."""
    made = served.command(
        "portal", "app", "add", "--name", "Shop", "--scope", SCOPES, "--auth-keys", "extended",
        "--install-url", f"{served.recorder.url}/install",
    )  # a flag beside its value # fmt: skip
    seen = eventually(lambda: served.recorder.seen, what="the application is told of its installation")[0]
    auth = {key[5:-1]: value for key, value in seen.form.items() if key.startswith("auth[")}
    return auth, {"clientId": made["client_id"], "clientSecret": made["client_secret"]}


@pytest.fixture(scope="module")
def clients(served: Served) -> Sdks:
    return Sdks(None, sdk_js.installed)  # its clients of another portal are not used


def test_the_hook_calls_batches_and_lists_over_the_served_certificate(served: Served, clients: Sdks):
    made = served.command("portal", "webhook", "add", "--user", "2", "--scope", "log,user,im")
    assert made["url"].startswith(f"{served.url}/rest/2/")
    js = clients.js_hook(served.url, made["url"].partition("/rest/")[2].rstrip("/"), served.node)

    post = js.call(
        "log.blogpost.add", POST_MESSAGE="from Node", POST_TITLE="Ünïcode", FILES=[["a.txt", "YQ=="]]
    )
    both = js.batch(
        {
            "row": {"method": "log.blogpost.get", "params": {"POST_ID": post}},
            "who": {"method": "user.current", "params": {}},
        }
    )
    people = js.list("user.get", filter={"ACTIVE": True})

    row = both["row"][0]
    assert ("from Node", "Ünïcode", "2") == (row["DETAIL_TEXT"], row["TITLE"], row["AUTHOR_ID"])
    assert 1 == len(row["FILES"])
    assert "James" == both["who"]["NAME"]
    assert [str(number) for number in range(1, len(people) + 1)] == [person["ID"] for person in people]
    with pytest.raises(Refused, match="No post found") as caught:
        js.call("log.blogpost.update", POST_ID=9_999, POST_MESSAGE="x")
    assert ("SONET_CONTROLLER_LIVEFEED_BLOGPOST_UPDATE_ERROR", 400) == (
        caught.value.code,
        caught.value.status,
    )


def test_oauth_renews_what_is_over_and_knows_who_is_an_administrator(
    served: Served, clients: Sdks, installed: tuple[dict[str, str], dict[str, str]]
):
    auth, secret = installed
    js = clients.js_oauth(served.url, auth, secret, served.node, expires=1)

    assert "Anna" == js.call("user.current")["NAME"]

    renewed = js.renewed()
    assert renewed["accessToken"] != auth["access_token"]
    assert f"{served.url}/rest/" == renewed["clientEndpoint"] == renewed["serverEndpoint"]
    assert js.is_admin() is True
    assert "L" == js.call("app.info")["STATUS"]
