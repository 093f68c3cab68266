"""Files of posts and comments, as downloads: never shown in the browser, whatever they are."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from livefeed.durable.store import Tx
from livefeed.portal.access import Viewer
from livefeed.portal.feed import comments, files, reading, versions
from livefeed.portal.feed.files import Content
from livefeed.portal.web.desk import Desk, Sorry
from livefeed.ui.languages import noted
from livefeed.wire.ids import MemberId, PostId, decimal

_NO_FILE: Final = Sorry(
    status=404,
    heading=noted("No such file"),
    text=noted("It does not exist, or hangs under a post that is not addressed to you."),
)
_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-store",
}


def download(desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    """What answers ``/posts/{post}/files/{file}``: the bytes, for whoever may see the post."""

    async def serve(request: Request) -> Response:
        me = await desk.whose(request)
        if me is None:
            return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)
        post, file = (decimal(request.path_params[part]) or 0 for part in ("post", "file"))
        portal, viewer = desk.portal(request).member_id, me.viewer
        content = await desk.store.read(lambda tx: _content(tx, portal, viewer, PostId(post), file))
        return desk.sorry(request, _NO_FILE) if content is None else _answer(content)

    return serve


def _content(tx: Tx, portal: MemberId, viewer: Viewer, post_id: PostId, file: int) -> Content | None:
    """A file that hangs, or once hung, under the post or a comment on it."""
    post = reading.find_visible(tx, portal, viewer, post_id)
    if post is None:
        return None
    hung = {number for version in versions.of_post(tx, portal, post_id) for number in version.files}
    hung |= {number for comment in comments.of_post(tx, post) for number in comment.files}
    return files.content(tx, portal, file) if file in hung else None


def _answer(content: Content) -> Response:
    plain = "".join(
        char if char.isascii() and (char.isalnum() or char in "-_. ") else "_" for char in content.name
    )
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(content.name, safe='')}"
    headers = {**_HEADERS, "content-disposition": disposition}
    return Response(content.body, headers=headers, media_type="application/octet-stream")
