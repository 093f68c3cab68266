"""What a person does on the pages: publish, edit, delete, comment, read his bell; each is one unit."""

from typing import Final

from livefeed.durable.store import Tx
from livefeed.portal.feed import comments, posts, reading
from livefeed.portal.im import notifications
from livefeed.portal.web.desk import Go, Guest, Result
from livefeed.portal.web.desk.languages import local_path
from livefeed.portal.web.desk.results import NO_POST, NOT_YOURS
from livefeed.portal.web.feed.audience import wanted
from livefeed.portal.web.feed.views import Typed, edit_form, write_form
from livefeed.ui.languages import noted

_SOURCE: Final = "web"
_TITLE_CHARS: Final = 255

_NO_TEXT: Final = noted("A post needs a text.")
_NOBODY: Final = noted("Choose whom the post is for.")
_CONFLICT: Final = noted(
    "Somebody saved this post while you were writing. Compare with the post, then save again."
)


def publish(tx: Tx, guest: Guest) -> Result:
    """Publish a post as the person who is signed in."""
    form, portal = guest.form, guest.portal.member_id
    title, text, audience = _title(guest), _text(guest), wanted(tx, guest)
    is_important = form.flag("important")
    if not text or not audience:
        problem = _NOBODY if text else _NO_TEXT
        typed = Typed(title=title, text=text, audience=audience, is_important=is_important, problem=problem)
        return write_form(tx, guest, typed)
    draft = posts.Draft(
        author=guest.me.id, title=title, text=text, audience=audience, is_important=is_important
    )
    post_id = posts.add(tx, portal, draft, actor=guest.me.id, source=_SOURCE)
    return Go(location=f"/posts/{post_id}?said=published")


def edit(tx: Tx, guest: Guest) -> Result:
    """Save an edit, unless somebody else saved one since the form was shown."""
    post = reading.find_visible(tx, guest.portal.member_id, guest.me.viewer, guest.post_id)
    if post is None:
        return NO_POST
    if not guest.me.viewer.may_change(post.author):
        return NOT_YOURS
    is_whole = guest.form.has("to")  # a form without recipients changes none
    change = posts.Change(
        title=_title(guest),
        text=_text(guest),
        audience=wanted(tx, guest, post.audience) if is_whole else None,
        is_important=guest.form.flag("important") if is_whole else None,
    )
    is_newest = guest.form.integer("version") == post.version
    if change.text and change.audience != () and is_newest:
        posts.edit(tx, post, change, actor=guest.me.id, source=_SOURCE)
        return Go(location=f"/posts/{post.id}?said=saved")
    typed = Typed(
        title=change.title or "",
        text=change.text or "",
        audience=post.audience if change.audience is None else change.audience,
        is_important=bool(post.is_important if change.is_important is None else change.is_important),
        problem=_NO_TEXT if not change.text else _NOBODY if change.audience == () else _CONFLICT,
    )
    return edit_form(tx, guest, post, typed, status=400 if is_newest or not change.text else 409)


def delete(tx: Tx, guest: Guest) -> Result:
    """Delete a post."""
    post = reading.find_visible(tx, guest.portal.member_id, guest.me.viewer, guest.post_id)
    if post is None:
        return NO_POST
    if not guest.me.viewer.may_change(post.author):
        return NOT_YOURS
    posts.delete(tx, post, actor=guest.me.id, source=_SOURCE)
    return Go(location="/?said=deleted")


def comment(tx: Tx, guest: Guest) -> Result:
    """Comment on a post; the same words sent twice in a row are kept once."""
    post = reading.find_visible(tx, guest.portal.member_id, guest.me.viewer, guest.post_id)
    if post is None:
        return NO_POST
    text, here = _text(guest), local_path(guest.form.text("here", f"/posts/{post.id}"))
    if not text or comments.repeats_last(tx, post, author=guest.me.id, text=text):
        return Go(location=here)
    comment_id = comments.add(tx, post, author=guest.me.id, text=text)
    return Go(location=f"{here}#comment-{comment_id}")


def read_bell(tx: Tx, guest: Guest) -> Result:
    """Mark everything on the person's bell as read."""
    notifications.mark(tx, guest.portal.member_id, guest.me.id, first=0, is_read=True)
    return Go(location=local_path(guest.form.text("here", "/")))


def _text(guest: Guest) -> str:
    """The text with the line ends of the feed; browsers send CR LF."""
    return guest.form.text("text").replace("\r\n", "\n").strip()


def _title(guest: Guest) -> str:
    return guest.form.text("title").strip()[:_TITLE_CHARS]
