"""A portal over https: files are checked, commands still reach it, the demo brings its own authority."""

import json
import ssl
import stat
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from tests.system.demo import Demo
from tests.system.test_bad_cli import SECRET, refusal
from tests.system.world import Process, eventually, free_port, livefeed, rows

from livefeed.cli.running import Running, find_running, operate
from livefeed.errors import ConnectFailed
from livefeed.settings import DatabaseUrl

pytestmark = pytest.mark.system


class Files:
    """A certificate with its key, and files that only look like them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        issued, other = self.authority.issue_cert("127.0.0.1"), self.authority.issue_cert("elsewhere.example")
        self.authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
        issued.private_key_pem.write_to_path(str(folder / "key.pem"))
        other.private_key_pem.write_to_path(str(folder / "other.pem"))
        (folder / "text").write_text("this is no certificate\n")
        (folder / "binary").write_bytes(b"\xff\xfe\x00")
        locked = load_pem_private_key(issued.private_key_pem.bytes(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(SECRET.encode())
        )
        (folder / "locked.pem").write_bytes(locked)

    def path(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('portal') / 'portal.db'}"
    livefeed("portal", "init", "--db", url, "--seed", "empty", "--public-url", "http://feed.example")
    return url


@pytest.mark.parametrize(
    ("cert", "key", "says"),
    [
        ("cert.pem", None, "--tls-cert needs --tls-key beside it"),
        (None, "key.pem", "--tls-key needs --tls-cert beside it"),
        ("missing.pem", "key.pem", "cannot be read: No such file or directory"),
        ("cert.pem", "missing.pem", "cannot be read: No such file or directory"),
        (".", "key.pem", "cannot be read: Is a directory"),
        ("text", "key.pem", "holds no certificate in PEM"),
        ("binary", "key.pem", "is not in PEM"),
        ("cert.pem", "text", "holds no key in PEM"),
        ("cert.pem", "other.pem", "is not the key of --tls-cert"),
        ("cert.pem", "locked.pem", "has a password; give a key without one"),
        ("key.pem", "cert.pem", "holds no certificate in PEM"),
    ],
)
def test_files_that_cannot_serve_https_are_refused_in_one_line(
    files: Files, database: str, cert: str | None, key: str | None, says: str
):
    given = [("--tls-cert", cert), ("--tls-key", key)]
    flags = [word for flag, name in given if name is not None for word in (flag, files.path(name))]

    assert says in refusal("portal", "serve", "--db", database, "--port", str(free_port()), *flags)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing.pem", "cannot be read: No such file or directory"),
        ("text", "holds no certificate in PEM"),
        ("key.pem", "holds no certificate in PEM"),
        ("binary", "holds no certificate in PEM"),
    ],
)
def test_an_authority_that_cannot_be_trusted_is_refused_in_one_line(
    files: Files, tmp_path: Path, name: str, says: str
):
    db = f"sqlite:///{tmp_path / 'app.db'}"
    env = {"LIVEFEED_CA_FILE": files.path(name)}

    assert says in refusal("notifier", "serve", "--db", db, "--port", str(free_port()), env=env)


@pytest.fixture(scope="module")
def served(files: Files, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a portal that is served over https."""
    port = str(free_port())
    log = tmp_path_factory.mktemp("log") / "portal.log"
    flags = ["--tls-cert", files.path("cert.pem"), "--tls-key", files.path("key.pem")]
    process = Process(log, "portal", "serve", "--db", database, "--port", port, *flags)
    url = f"https://127.0.0.1:{port}"
    eventually(lambda: process.fail_if_dead() or fetched(f"{url}/readyz", files), what="the portal is ready")
    yield url
    assert 0 == process.stop()


def fetched(url: str, files: Files) -> bytes:
    context = ssl.create_default_context(cafile=files.path("ca.pem"))
    try:
        with urllib.request.urlopen(url, timeout=5, context=context) as answer:
            return answer.read()
    except OSError:
        return b""


def test_a_portal_served_over_https_is_known_under_https(served: str, files: Files, database: str):
    url = json.loads(livefeed("portal", "webhook", "add", "--user", "1", "--db", database, "--json").stdout)[
        "url"
    ]

    assert url.startswith("https://feed.example/rest/1/")
    answer = fetched(f"{served}/rest/{url.partition('/rest/')[2]}user.current", files)
    assert "1" == json.loads(answer)["result"]["ID"]


def test_a_stranger_at_the_address_of_a_portal_never_sees_the_token(served: str, database: str):
    running = find_running(DatabaseUrl.parse(database))
    assert running is not None
    stranger = Running(running.url, running.pid, running.token, "00" * 32)

    with pytest.raises(ConnectFailed, match="another process"):
        operate(stranger, "app_add", {"name": "Shop"})


def test_the_demo_over_https_installs_its_notifier_and_keeps_its_keys_to_itself(tmp_path: Path):
    demo = Demo(tmp_path, "--tls")
    try:
        kept = [demo.data / name for name in ("ca.pem", "portal.pem", "portal.key")]

        assert demo.document["portal_url"].startswith("https://127.0.0.1:")
        assert demo.document["app"]["installed"] is True
        assert [0o600] * 3 == [stat.S_IMODE(path.stat().st_mode) for path in kept]
        assert str(kept[0]) in demo.process.log.read_text()
        assert b"PRIVATE" not in kept[0].read_bytes()

        livefeed("portal", "edit", "2", "--text", "From Monday on: the 14th.", "--db", demo.portal_db)
        sent = eventually(
            lambda: [row for row in rows("notices", "--db", demo.notifier_db) if row["post"] == 2],
            what="somebody is told",
        )
        assert sent
    finally:
        demo.process.stop()
