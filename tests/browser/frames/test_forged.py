"""Messages that are not the application's own get nothing: no answer, and no request to the portal."""

import json
from collections.abc import Callable

from playwright.sync_api import Frame, Page
from tests.browser.frames.conftest import App
from tests.browser.frames.grounds import Grounds, Site

AddApp = Callable[..., App]
Visit = Callable[..., Page]


def silent(page: Page, path: str = "/silent") -> Frame:
    """The document in the frame, which asks for nothing by itself."""
    frame = page.wait_for_selector(".application > iframe").content_frame()
    assert frame is not None
    frame.wait_for_selector(f"h1:text-is('{path}')")
    return frame


def sid_of(page: Page) -> str:
    return str(page.get_attribute(".application", "data-sid"))


def asked(page: Page) -> list[str]:
    """The commands that reach the portal from here on."""
    seen: list[str] = []
    page.on(
        "request", lambda request: "/frame/" in request.url and seen.append(request.url.rpartition("/")[2])
    )
    return seen


def say(frame: Frame, *messages: object) -> None:
    """Send messages from the frame to the page around it."""
    frame.evaluate("(messages) => messages.forEach((one) => parent.postMessage(one, '*'))", list(messages))


def heard(frame: Frame, key: str) -> list[str]:
    """All that the frame was told until the answer to ``key`` came."""
    frame.wait_for_function("(key) => heard.some((one) => String(one).startsWith(key))", arg=key)
    return [str(one) for one in frame.evaluate("heard")]


def test_the_applications_own_document_is_answered(add_app: AddApp, visit: Visit, site: Site):
    page = visit(add_app(handler_url=f"{site.url}/silent").path)
    frame = silent(page)
    say(frame, f"getInitData:key:{sid_of(page)}")

    (answer,) = heard(frame, "key:")
    assert json.loads(answer.partition(":")[2])["AUTH_ID"]


def test_malformed_unknown_and_misdirected_messages_are_passed_over(
    add_app: AddApp, visit: Visit, site: Site
):
    page = visit(add_app(handler_url=f"{site.url}/silent").path)
    frame, sid = silent(page), sid_of(page)
    seen = asked(page)
    say(
        frame,
        f"getInitData:no:{sid[:-1]}0x",
        "getInitData:no:",
        "getInitData:no",
        "getInitData",
        "",
        ":::",
        f"dropTables:no:{sid}",
        f"constructor:no:{sid}",
        f"__proto__:no:{sid}",
        f"toString:no:{sid}",
        f"imOpenMessenger:{{}}:no:{sid}",
        f"../../admin/api/app_remove:no:{sid}",
        {"method": "getInitData", "params": "", "callback": "no", "appSid": sid},
        ["getInitData", "no", sid],
        None,
        7,
        f'setTitle:{{"title":"{"x" * 200_000}"}}:no:{sid}',
        f'resizeWindow:{{"height":-5,"width":"evil"}}:size:{sid}',
        f"setScroll:[1]:scroll:{sid}",
        f"getInterface:end:{sid}",
    )

    assert [one.partition(":")[0] for one in heard(frame, "end:")] == ["size", "scroll", "end"]
    assert seen == []
    assert page.locator(".application > iframe").get_attribute("style") is None


def test_a_foreign_page_in_the_frame_gets_nothing(add_app: AddApp, visit: Visit, site: Site, foreign: Site):
    # The policy of the page is switched off, so that only the check of the origin is left.
    page = visit(add_app(handler_url=f"{site.url}/away").path, bypass_csp=True)
    frame = silent(page)
    assert frame.url.startswith(foreign.url)
    assert frame.evaluate("window.name").endswith(sid_of(page))
    page.evaluate(
        "window.last = new Promise((done) =>"
        " addEventListener('message', (event) => event.data === 'last' && done())); 0"
    )
    seen = asked(page)
    for command in ("getInitData", "refreshAuth", "setInstallFinish", "getInterface", "reloadWindow"):
        say(frame, f"{command}:key:{sid_of(page)}")
    say(frame, "last")
    page.evaluate("last")

    assert frame.evaluate("heard") == []
    assert seen == []


def test_a_foreign_page_is_not_even_shown(add_app: AddApp, visit: Visit, site: Site, foreign: Site):
    before, asked_of_it = len(site.asked), len(foreign.asked)
    page = visit(add_app(handler_url=f"{site.url}/away").path, complains_of="violates the following Content")

    assert "/away" in site.asked[before:]
    assert not any(frame.url.startswith(foreign.url) for frame in page.frames)
    assert len(foreign.asked) == asked_of_it


def test_a_frame_within_the_frame_gets_nothing(add_app: AddApp, visit: Visit, site: Site):
    page = visit(add_app(handler_url=f"{site.url}/silent").path)
    frame, sid = silent(page), sid_of(page)
    frame.evaluate(
        "(url) => new Promise((done) => { const inner = document.createElement('iframe');"
        " inner.id = 'inner'; inner.onload = done; inner.src = url; document.body.append(inner) })",
        f"{site.url}/silent/inner",
    )
    inner = frame.wait_for_selector("#inner").content_frame()
    assert inner is not None
    inner.evaluate("(sid) => top.postMessage(`getInitData:no:${sid}`, '*')", sid)
    say(frame, f"getInterface:end:{sid}")

    assert heard(frame, "end:") == ['end:{"command":[],"event":[]}']
    assert inner.evaluate("heard") == []


def test_the_page_does_not_answer_itself_nor_a_window_it_was_opened_by(
    add_app: AddApp, visit: Visit, site: Site
):
    page = visit(add_app(handler_url=f"{site.url}/silent").path)
    frame, sid = silent(page), sid_of(page)
    seen = asked(page)
    page.evaluate("(sid) => window.postMessage(`getInitData:no:${sid}`, '*')", sid)
    say(frame, f"getInterface:end:{sid}")

    assert [one.partition(":")[0] for one in heard(frame, "end:")] == ["end"]
    assert seen == []


def test_one_frame_cannot_speak_with_the_sid_of_another(add_app: AddApp, visit: Visit, site: Site):
    app = add_app(handler_url=f"{site.url}/silent")
    other = visit(app.path, person=3)
    silent(other)
    page = visit(app.path, person=4)
    frame = silent(page)
    seen = asked(page)
    say(frame, f"getInitData:no:{sid_of(other)}", f"getInterface:end:{sid_of(page)}")

    assert [one.partition(":")[0] for one in heard(frame, "end:")] == ["end"]
    assert seen == []


def test_who_was_signed_out_meanwhile_is_told_and_the_application_gets_nothing(
    add_app: AddApp, visit: Visit, site: Site
):
    page = visit(add_app(handler_url=f"{site.url}/silent").path)
    frame = silent(page)
    page.context.clear_cookies()
    say(frame, f"refreshAuth:no:{sid_of(page)}")

    page.wait_for_selector(".problem:visible")
    assert frame.evaluate("heard") == []


def test_the_application_cannot_leave_its_frame_or_reach_the_page(
    add_app: AddApp, visit: Visit, site: Site, grounds: Grounds
):
    page = visit(
        add_app(handler_url=f"{site.url}/silent").path,
        will_complain_of="Unsafe attempt to initiate navigation",
    )
    frame = silent(page)

    assert (
        frame.evaluate("try { top.location = 'about:blank'; 'left' } catch (error) { error.name }")
        == "SecurityError"
    )
    assert frame.evaluate("try { parent.document.title } catch (error) { error.name }") == "SecurityError"
    assert page.url.startswith(grounds.url)


def test_markup_in_titles_of_frames_and_sliders_is_text(add_app: AddApp, visit: Visit, site: Site):
    page = visit(add_app(name="<img src=x onerror=mark(1)>", handler_url=f"{site.url}/silent").path)
    page.evaluate("window.marked = []; window.mark = (one) => marked.push(one); 0")
    frame, sid = silent(page), sid_of(page)
    title = json.dumps({"title": "<script>mark(2)</script><img src=x onerror=mark(3)>"})
    say(frame, f"setTitle:{title}:end:{sid}")
    heard(frame, "end:")
    slider = json.dumps({"bx24_title": "<img src=x onerror=mark(4)>"})
    say(frame, f"openApplication:{slider}:slid:{sid}")
    page.wait_for_selector("dialog h2")

    assert page.inner_text("dialog h2") == "<img src=x onerror=mark(4)>"
    assert page.query_selector(".application h1 *, dialog h2 *") is None
    assert page.evaluate("marked") == []
