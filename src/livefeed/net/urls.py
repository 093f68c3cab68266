"""Addresses as browsers read them: the origin of one, and one with a longer query."""

from collections.abc import Mapping

from pyreqwest.http import Url

from livefeed.errors import ConnectFailed


def origin_of(url: str) -> str:
    """The origin of ``url`` as a browser names it: ``https://app.example.com``, ``http://127.0.0.1:8024``.

    Raises:
        ConnectFailed: It is not a URL.
    """
    return _parsed(url).origin_ascii


def extended(url: str, query: Mapping[str, str]) -> str:
    """``url`` without its fragment and with ``query`` after the query it has.

    Raises:
        ConnectFailed: It is not a URL.
    """
    return str(_parsed(url).with_fragment(None).extend_query(dict(query)))


def _parsed(url: str) -> Url:
    try:
        return Url(url)
    except ValueError as exc:
        raise ConnectFailed(f"the address is not a URL: {exc}") from exc
