"""From the one command to the first notice that somebody sees, in a browser, as a newcomer goes."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser.watching import Watched, chromium
from tests.system.demo import Demo
from tests.system.world import is_alone

pytestmark = pytest.mark.system

MOST_S = 60.0
MOST_STARTING_S = 5.0


def test_a_newcomer_sees_the_first_notice_within_a_minute_of_the_command(tmp_path: Path):
    with chromium() as browser:
        began = time.monotonic()
        demo = Demo(tmp_path)
        started_s = time.monotonic() - began
        newcomer = Watched(browser, demo.document["portal_url"], viewport={"width": 1280, "height": 900})
        try:
            page = newcomer.page()
            page.goto(demo.document["scene_url"])
            expect(page.get_by_text("Change the date in the post and press Save.")).to_be_visible()
            text = page.get_by_label("Text")
            text.fill(text.input_value().replace("from 1 to 14", "from 3 to 14"))
            page.get_by_role("button", name="Save").click()

            # The page changes by itself, leg by leg, until the last one is done.
            expect(page.locator(".leg.done")).to_have_count(5)
            page.get_by_role("button", name="at the bell of James Whitfield").click()
            page.wait_for_url("**/bell")
            expect(page.get_by_text("Anna Petrova changed «Holidays»")).to_be_visible()
            took_s = time.monotonic() - began
        finally:
            newcomer.close()
            assert 0 == demo.process.stop()

    assert [] == newcomer.complaints
    assert took_s < MOST_S
    assert started_s < (MOST_STARTING_S if is_alone() else MOST_S / 2), f"{started_s:.1f} s"


def test_without_a_script_a_newcomer_sees_it_too(tmp_path: Path):
    with chromium() as browser:
        demo = Demo(tmp_path, "--quiet-s", "0.2")
        newcomer = Watched(browser, demo.document["portal_url"], java_script_enabled=False)
        try:
            page = newcomer.page()
            page.goto("/scene")
            page.get_by_role("button", name="Change the date").click()
            again = page.get_by_role("link", name="Look again")
            bell = page.get_by_role("button", name="at the bell of James Whitfield")
            for _ in range(300):
                again.click()
                if bell.count():
                    break
            bell.click()
            expect(page.get_by_text("Anna Petrova changed «Holidays»")).to_be_visible()
        finally:
            newcomer.close()
            assert 0 == demo.process.stop()
