"""Real bodies become fixtures without their secrets, and are sent again as they were."""

from pathlib import Path

import pytest

from livefeed.errors import SettingsError
from livefeed.testing.portal import LocalPortal
from livefeed.testing.recording import read_tape, recorder, replay, save_deliveries
from livefeed.wire.form import decode

from .shop import Installed, ask, installed


def test_what_arrives_is_recorded_handed_on_and_replayed_with_another_token(
    portal: LocalPortal, tmp_path: Path
):
    edits, tape = installed(portal), tmp_path / "events.jsonl"
    with recorder(tape, forward_to=edits.url) as recording:
        edits.app.bind("OnLiveFeedPostDelete", f"{recording.url}/events")
        for post in portal.posts[:2]:
            post.delete()
        made = portal.deliver()

    assert [form["event"] for form in edits.shop.got] == ["ONLIVEFEEDPOSTDELETE"] * 2
    written = tape.read_text()
    secrets = {edits.app.application_token, *(one.auth["access_token"] for one in made)}
    assert not [secret for secret in secrets if secret in written]
    first, second = read_tape(tape)
    one, two = (decode(request.content, strict=True)["auth"] for request in (first, second))
    assert one["application_token"] == two["application_token"]
    assert len(one["access_token"]) == len(made[0].auth["access_token"])
    assert "webhook-signature" not in first.headers

    edits.shop.got.clear()
    edits.shop.bodies.clear()
    sent = replay(tape, edits.url, application_token="0" * 32, values={"member_id": "1" * 32})
    assert [one.status for one in sent] == [200, 200]
    assert [auth["application_token"] for auth in edits.shop.auths] == ["0" * 32] * 2
    assert edits.shop.auths[0]["member_id"] == "1" * 32
    same = first.content.replace(one["application_token"].encode(), b"0" * 32)
    assert edits.shop.bodies[0] == same.replace(portal.member_id.encode(), b"1" * 32)


def test_deliveries_of_a_test_become_a_tape(edits: Installed, tmp_path: Path):
    edits.portal.posts[0].edit("a")
    tape = tmp_path / "events.jsonl"
    (request,) = save_deliveries(tape, edits.portal.deliver())

    assert (request.method, request.path) == ("POST", "/events")
    assert [request] == list(read_tape(tape))
    masked, real = decode(request.content, strict=True), edits.shop.got[0]
    assert masked["data"] == real["data"]
    assert masked["auth"]["refresh_token"] != real["auth"]["refresh_token"]
    assert replay(tape, "http://127.0.0.1:1/nobody")[0].error == "connect"
    with recorder(tmp_path / "other.jsonl", forward_to="http://127.0.0.1:1/nobody") as recording:
        assert [one.status for one in replay(tape, recording.url)] == [502]


def test_json_and_queries_are_masked_too(tmp_path: Path):
    tape = tmp_path / "frames.jsonl"
    with recorder(tape) as recording:
        ask(f"{recording.url}/frame?APP_SID=secret-sid&LANG=de", AUTH_ID="secret-id", PLACEMENT="DEFAULT")
        import urllib.request

        body = b'{"auth": {"access_token": "secret-\xc3\xa9", "domain": "d"}, "list": [1, "x"]}'
        asked = urllib.request.Request(f"{recording.url}/j", body, {"content-type": "application/json"})
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked).close()

    assert "secret" not in tape.read_text()
    frame, document = read_tape(tape)
    assert frame.path.endswith("&LANG=de")
    assert b"PLACEMENT=DEFAULT" in frame.content
    assert b'"domain": "d"}, "list": [1, "x"]}' in document.content


def test_a_file_that_is_no_tape_is_named(tmp_path: Path):
    (tmp_path / "x").write_text("hello")

    with pytest.raises(SettingsError, match="is not a tape"):
        read_tape(tmp_path / "x")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_tape(tmp_path / "y")
