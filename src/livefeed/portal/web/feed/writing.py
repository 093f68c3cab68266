"""What a person does on the pages: publish, edit, delete, comment, read his bell; each is one unit."""

from typing import Final

from livefeed.durable.store import Tx
from livefeed.portal.access import addressable
from livefeed.portal.feed import comments, posts, reading
from livefeed.portal.im import notifications
from livefeed.portal.web.desk import Go, Guest, Result, Sorry
from livefeed.portal.web.desk.results import NO_POST, NOT_YOURS
from livefeed.portal.web.feed.views import edit_form
from livefeed.ui.languages import noted
from livefeed.wire.params import Params

_SOURCE: Final = "web"
_TITLE_CHARS: Final = 255

_EMPTY: Final = Sorry(status=400, heading=noted("The post is empty"), text=noted("Go back and write a text."))
_NOBODY: Final = Sorry(
    status=400, heading=noted("No recipients"), text=noted("Go back and choose whom the post is for.")
)
_NO_TEXT: Final = noted("A post needs a text.")
_CONFLICT: Final = noted(
    "Somebody saved this post while you were writing. Compare with the post, then save again."
)


def publish(tx: Tx, guest: Guest) -> Result:
    """Publish a post as the chosen person."""
    text, portal = _text(guest.form), guest.portal.member_id
    audience = addressable(tx, portal, [guest.form.text("to", "UA")], guest.me.viewer)
    if not text:
        return _EMPTY
    if not audience:
        return _NOBODY
    draft = posts.Draft(author=guest.me.id, title=_title(guest.form), text=text, audience=audience)
    post_id = posts.add(tx, portal, draft, actor=guest.me.id, source=_SOURCE)
    return Go(location=f"/posts/{post_id}?said=published")


def edit(tx: Tx, guest: Guest) -> Result:
    """Save an edit, unless somebody else saved one since the form was shown."""
    post = reading.find_visible(tx, guest.portal.member_id, guest.me.viewer, guest.post_id)
    if post is None:
        return NO_POST
    if not guest.me.viewer.may_change(post.author):
        return NOT_YOURS
    title, text = _title(guest.form), _text(guest.form)
    if not text:
        return edit_form(guest, post, title=title, text=text, problem=_NO_TEXT, status=400)
    if guest.form.integer("version") != post.version:
        return edit_form(guest, post, title=title, text=text, problem=_CONFLICT, status=409)
    posts.edit(tx, post, posts.Change(title=title, text=text), actor=guest.me.id, source=_SOURCE)
    return Go(location=f"/posts/{post.id}?said=saved")


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
    text = _text(guest.form)
    if text and not comments.repeats_last(tx, post, author=guest.me.id, text=text):
        comments.add(tx, post, author=guest.me.id, text=text)
    return Go(location=f"/posts/{post.id}")


def read_bell(tx: Tx, guest: Guest) -> Result:
    """Mark everything on the chosen person's bell as read."""
    notifications.mark(tx, guest.portal.member_id, guest.me.id, first=0, is_read=True)
    return Go(location="/")


def _text(form: Params) -> str:
    """The text with the line ends of the feed; browsers send CR LF."""
    return form.text("text").replace("\r\n", "\n").strip()


def _title(form: Params) -> str:
    return form.text("title").strip()[:_TITLE_CHARS]
