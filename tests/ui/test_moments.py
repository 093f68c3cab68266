"""Times are told in the reader's zone, whatever his profile calls it; cookies are told apart by port."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from livefeed.ui.cookies import cookie_name
from livefeed.ui.moments import Moment, exact, moment, zone_of

AT_MS = 1_773_757_754_000
BERLIN = ZoneInfo("Europe/Berlin")


def test_a_time_is_told_in_the_zone_and_the_language_of_the_reader():
    assert Moment(iso="2026-03-17T14:29:14+00:00", text="17 марта 2026, 15:29") == moment(AT_MS, BERLIN, "ru")
    assert "2026-03-17 15:29:14" == exact(AT_MS, BERLIN).text


@pytest.mark.parametrize("name", ["", "Europe", "Europe/Nowhere", "../etc/passwd", "/etc/passwd", "a\0b"])
def test_a_zone_that_is_none_is_utc(name: str):
    assert UTC is zone_of(name)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost:8024", "kind_8024"),
        ("localhost", "kind"),
        ("", "kind"),
        ("[::1]", "kind"),
        ("localhost:٣", "kind"),
        ("localhost:123456", "kind"),
    ],
)
def test_a_cookie_is_called_after_the_port_if_one_is_named(host: str, name: str):
    assert name == cookie_name("kind", host)
