"""Every link on every page leads somewhere."""

import re
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from tests.browser.test_journeys import edit, post_of
from tests.browser.watching import Watched
from tests.system.demo import Demo
from tests.system.world import eventually, rows

MOST_PAGES = 400
LINK = re.compile(r'<(?:a|link|script|iframe|img)\b[^>]*?\s(?:href|src)="([^"#]*)')


def test_every_link_that_an_administrator_can_follow_leads_somewhere(
    somebody: Callable[..., Watched], demo: Demo
):
    post = post_of(demo)
    edit(demo, post, "3 to 14 June")
    eventually(lambda: rows("inbox", "--db", demo.notifier_db, "--post", str(post)), what="the edit came in")
    browser = somebody()
    browser.sign_in(demo.name(1), then="/scene")
    waiting, seen = [f"{demo.document['portal_url']}/scene", demo.document["console_url"]], dict[str, int]()
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        if address in seen:
            continue
        answer = browser.context.request.get(address, max_redirects=5)
        seen[address] = answer.status
        assert answer.status < 400, f"{address} answers {answer.status}"
        if "html" not in answer.headers.get("content-type", ""):
            continue
        for link in LINK.findall(answer.text()):
            target = urljoin(address, link.replace("&amp;", "&"))
            if urlsplit(target).netloc == urlsplit(address).netloc and "before=" not in target:
                waiting.append(target)
    assert len(seen) > 60
    assert any("/developer/deliveries/" in address for address in seen)
    assert any("/console/inbox/" in address for address in seen)
