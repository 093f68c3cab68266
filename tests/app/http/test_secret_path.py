"""The own server takes events at the secret path alone; elsewhere it has what it has at unknown addresses."""

import pytest
from tests.app.bodies import event_body
from tests.app.conftest import Opening

from livefeed.app import App
from livefeed.secrets import Secret
from livefeed.settings import AppSettings

from .conftest import Serving, split

SEGMENT = "Zk3-9x_Qw71LmPdTs0aB"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/events/{SEGMENT}", 200),
        (f"/events/{SEGMENT}?a=1", 200),
        ("/events", 404),
        ("/events?a=1", 404),
        (f"/events/{SEGMENT[:-1]}b", 404),
        ("/nothing", 404),
    ],
)
async def test_events_come_in_at_one_path(
    serve: Opening, serve_http: Serving, settings: AppSettings, path: str, status: int
):
    house = await serve(App(settings), secret_path=Secret(SEGMENT))
    assert 200 == (await house.install()).status
    own = await serve_http(house.server, house.server.events)
    body = event_body()
    head = f"POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {len(body)}\r\n"

    ((answered, _, said),) = split(
        await own.say(f"{head}content-type: application/x-www-form-urlencoded\r\n\r\n".encode() + body)
    )

    assert status == answered
    assert status == 200 or said == b"there is nothing here\n"
