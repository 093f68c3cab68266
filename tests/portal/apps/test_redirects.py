"""Addresses codes may be sent to, and what an application's card takes."""

import pytest

from livefeed.errors import LivefeedError
from livefeed.portal.apps.redirects import is_redirect_uri, origin_of

from ..site import Site

GOOD = {
    "https://app.example/cb": "https://app.example",
    "http://127.0.0.1:8025/oauth?x=1&y=2": "http://127.0.0.1:8025",
    "https://app.example": "https://app.example",
    "https://xn--e1afmkfd.example:8443/a%20b": "https://xn--e1afmkfd.example:8443",
    "http://[::1]:8025/cb": "http:",
}
BAD = [
    "",
    "/cb",
    "//app.example/cb",
    "app.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://app.example/",
    "https://",
    "https://user@app.example/",
    "https://user:pw@app.example/",
    "https://app.example/#part",
    "https://app.example/ x",
    "https://app.example/\n",
    "https://app.example/\x00",
    "https://app.example\\@evil.example/",
    "https://app.example;script-src *",
    "https://*.example/",
    "https://app.example:port/",
    "https://почта.example/",
    'https://app.example/"',
    f"https://app.example/{'x' * 2_000}",
]


@pytest.mark.parametrize("address", GOOD)
def test_an_address_of_an_application_is_taken_and_has_an_origin(address: str) -> None:
    assert is_redirect_uri(address)
    assert origin_of(address) == GOOD[address]


@pytest.mark.parametrize("address", BAD)
def test_any_other_address_is_not_one(address: str) -> None:
    assert not is_redirect_uri(address)


@pytest.mark.parametrize("address", BAD[1:])
async def test_an_application_with_such_an_address_is_not_registered(site: Site, address: str) -> None:
    with pytest.raises(LivefeedError, match="is not an http or https URL"):
        await site.add_app(redirect_uri=address)
