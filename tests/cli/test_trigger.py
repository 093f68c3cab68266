"""`livefeed trigger` sends what a portal would: any documented event, byte for byte where a body is known."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from click.testing import CliRunner, Result
from tests.system.world import Recorder

from livefeed.cli.trigger import trigger
from livefeed.wire.form import decode

WIRE = Path(__file__).parents[1] / "fixtures" / "wire"
DOCUMENTED = [json.loads(line)["value"] for line in (WIRE / "every_event.jsonl").read_text().splitlines()]
CHOSEN = {"event_handler_id", "ts"} | {
    f"auth[{name}]" for name in ("access_token", "refresh_token", "member_id", "application_token")
}


@pytest.fixture(scope="module")
def handler() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()


def sent(handler: Recorder, event: str, *arguments: str) -> bytes:
    done = CliRunner().invoke(trigger, [event, "--url", f"{handler.url}/events", "--json", *arguments])
    assert 0 == done.exit_code, done.output
    return handler.seen[-1].body


def test_a_body_is_the_documented_one_with_values_of_its_own(handler: Recorder):
    body = sent(handler, "OnLiveFeedPostUpdate", "--post", "205")
    own = dict(parse_qsl(body.decode()))
    documented = parse_qsl((WIRE / "bodies" / "post_update.form").read_text())
    expected = urlencode([(key, own[key] if key in CHOSEN else value) for key, value in documented])

    assert expected == body.decode()
    assert own["auth[access_token]"] != dict(documented)["auth[access_token]"]


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(one, f"{name}[{key}]" if name else str(key))
    else:
        yield name, str(value)


@pytest.mark.parametrize("documented", DOCUMENTED, ids=lambda one: one["event"])
def test_any_documented_event_is_sent_with_its_data(handler: Recorder, documented: dict[str, Any]):
    data = [
        word for key, value in leaves(documented.get("data", {})) for word in ("--data", f"{key}={value}")
    ]
    form = decode(sent(handler, documented["event"], *data, "--no-tokens", "--scope", "crm"), strict=True)

    assert documented["event"].upper() == form["event"]
    assert list(leaves(documented.get("data", {}))) == list(leaves(form.get("data", {})))
    assert "crm" == form["auth"]["scope"]
    assert "access_token" not in form["auth"]


def refused(*arguments: str) -> Result:
    return CliRunner().invoke(trigger, ["OnX", "--url", "http://127.0.0.1:9/", *arguments])


@pytest.mark.parametrize("pair", ["ID", "=7", "A" + 90 * "[B]" + "=7"])
def test_data_that_is_no_key_and_value_is_refused_in_one_line(pair: str):
    done = refused("--data", pair)

    assert (2, True) == (done.exit_code, "--data" in done.output)
