"""A portal as a process of its own."""

import threading
from typing import Any

import pytest

from livefeed.testing.process import ProcessPortal
from livefeed.testing.serving.sites import serving_wsgi

from .shop import Shop

pytestmark = pytest.mark.system


def test_a_portal_that_is_killed_delivers_what_it_has_promised(portal_process: ProcessPortal):
    portal, shop, killed = portal_process, Shop(), threading.Event()

    def kill_once(_: Any) -> None:
        if not killed.is_set():
            portal.kill()
            killed.set()

    shop.on_event = kill_once
    with serving_wsgi(shop) as url:
        app = portal.install(install_url=f"{url}/install", scope="log")
        with pytest.raises(AssertionError, match=r"(?s)did not happen within 0 s.*there was"):
            portal.wait_delivered(times=9, timeout_s=0)
        assert killed.wait(10)
        portal.start()
        portal.wait_delivered()
        post = portal.add_post("Hello", title="Hi")
        portal.edit(post, "Hello again", as_automation=True)

    assert {auth["application_token"] for auth in shop.auths} == {app["application_token"]}
    assert portal.call("log.blogpost.get", POST_ID=post)[0]["DETAIL_TEXT"] == "Hello again"
    with pytest.raises(AssertionError, match=r"edit_post: .*there is no post 999"):
        portal.edit(999, "x")
