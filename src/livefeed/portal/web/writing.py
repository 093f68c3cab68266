"""What a person does on the pages: publish, edit, delete, comment, read his bell; each is one unit."""

from dataclasses import dataclass
from typing import Final

from livefeed.durable.store import Tx
from livefeed.portal.access import addressable
from livefeed.portal.feed import comments, posts, reading
from livefeed.portal.feed.reading import Post
from livefeed.portal.im import notifications
from livefeed.portal.people.people import Person
from livefeed.portal.portals import PortalRow
from livefeed.wire.ids import PostId
from livefeed.wire.params import Params

_SOURCE: Final = "web"
_TITLE_CHARS: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Somebody sent a form: who, where, about which post, and what it says."""

    portal: PortalRow
    me: Person
    post_id: PostId
    form: Params


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """Done; show this address."""

    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorry:
    """Not done, and why."""

    status: int
    heading: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Not saved; show the form again with what was typed, and why."""

    status: int
    post: Post
    title: str
    text: str
    problem: str


Result = Go | Sorry | Again

NO_POST: Final = Sorry(
    status=404, heading="No such post", text="It does not exist, was deleted, or is not addressed to you."
)
NOT_YOURS: Final = Sorry(
    status=403, heading="Not permitted", text="Only the author and administrators may change a post."
)


def publish(tx: Tx, act: Act) -> Result:
    """Publish a post as the chosen person."""
    text, portal = _text(act.form), act.portal.member_id
    audience = addressable(tx, portal, [act.form.text("to", "UA")], act.me.viewer)
    if not text:
        return Sorry(status=400, heading="The post is empty", text="Go back and write a text.")
    if not audience:
        return Sorry(status=400, heading="No recipients", text="Go back and choose whom the post is for.")
    draft = posts.Draft(author=act.me.id, title=_title(act.form), text=text, audience=audience)
    post_id = posts.add(tx, portal, draft, actor=act.me.id, source=_SOURCE)
    return Go(location=f"/posts/{post_id}?said=published")


def edit(tx: Tx, act: Act) -> Result:
    """Save an edit, unless somebody else saved one since the form was shown."""
    post = reading.find_visible(tx, act.portal.member_id, act.me.viewer, act.post_id)
    if post is None:
        return NO_POST
    if not act.me.viewer.may_change(post.author):
        return NOT_YOURS
    title, text = _title(act.form), _text(act.form)
    if not text:
        return Again(status=400, post=post, title=title, text=text, problem="A post needs a text.")
    if act.form.integer("version") != post.version:
        problem = "Somebody saved this post while you were writing. Compare with the post, then save again."
        return Again(status=409, post=post, title=title, text=text, problem=problem)
    posts.edit(tx, post, posts.Change(title=title, text=text), actor=act.me.id, source=_SOURCE)
    return Go(location=f"/posts/{post.id}?said=saved")


def delete(tx: Tx, act: Act) -> Result:
    """Delete a post."""
    post = reading.find_visible(tx, act.portal.member_id, act.me.viewer, act.post_id)
    if post is None:
        return NO_POST
    if not act.me.viewer.may_change(post.author):
        return NOT_YOURS
    posts.delete(tx, post, actor=act.me.id, source=_SOURCE)
    return Go(location="/?said=deleted")


def comment(tx: Tx, act: Act) -> Result:
    """Comment on a post; the same words sent twice in a row are kept once."""
    post = reading.find_visible(tx, act.portal.member_id, act.me.viewer, act.post_id)
    if post is None:
        return NO_POST
    text = _text(act.form)
    if text and not comments.repeats_last(tx, post, author=act.me.id, text=text):
        comments.add(tx, post, author=act.me.id, text=text)
    return Go(location=f"/posts/{post.id}")


def read_bell(tx: Tx, act: Act) -> Result:
    """Mark everything on the chosen person's bell as read."""
    notifications.mark(tx, act.portal.member_id, act.me.id, first=0, is_read=True)
    return Go(location="/")


def _text(form: Params) -> str:
    """The text with the line ends of the feed; browsers send CR LF."""
    return form.text("text").replace("\r\n", "\n").strip()


def _title(form: Params) -> str:
    return form.text("title").strip()[:_TITLE_CHARS]
