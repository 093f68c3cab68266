"""The form of the history page with which an administrator of the portal redacts a version."""

from livefeed.app import PageContext
from livefeed.app.admin import OperationRefused
from livefeed.durable.store import rewrite
from livefeed.notifier.pages.reading import POST, asked_post, look, unseen
from livefeed.notifier.privacy.redacting import redact
from livefeed.ui.languages import noted
from livefeed.ui.pages import Page
from livefeed.wire.ids import decimal

_MOST_CHARS = 2_000


async def redact_version(page: PageContext) -> Page:
    """Redact the version that the form names, if an administrator sent it who sees the post."""
    post = asked_post(page)
    seen = await look(page, [post]) if post else None
    if post is None or seen is None or not seen.posts:
        return unseen(page)
    if not seen.is_administrator:
        return page.show(
            "inside_told.html",
            status=403,
            heading=noted("This is for administrators"),
            text=noted("Only an administrator of the portal redacts versions."),
        )
    number = decimal(page.form.get("version", "")) or 0
    reason = " ".join(page.form.get("reason", "").split())[:_MOST_CHARS]
    store, keys = page.runtime.store, page.runtime.keys
    try:
        redacted = await store.write(
            lambda tx: redact(tx, keys, page.portal, post, number, person=page.user_id, reason=reason)
        )
    except OperationRefused:
        return page.show(
            "inside_told.html",
            status=409,
            heading=noted("It was not redacted"),
            text=noted("There is no such version, or a legal hold keeps it."),
        )
    if redacted:
        await rewrite(store)
    here = {"id": post} if page.path == POST else {}
    return page.go(page.path, **here, to=number)
