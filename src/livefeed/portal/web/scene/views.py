"""What the page of the scene shows, and what its form does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from livefeed.durable.store import Tx
from livefeed.portal.events.log.masks import dotted
from livefeed.portal.events.log.requests import rebuilt
from livefeed.portal.feed import posts
from livefeed.portal.feed.reading import Post
from livefeed.portal.web.desk import Go, Guest, Result, Shown, Sorry
from livefeed.portal.web.desk.results import NO_POST
from livefeed.portal.web.desk.showing import Face, everyone
from livefeed.portal.web.scene import suggestions, words
from livefeed.portal.web.scene.choosing import choose, newcomer
from livefeed.portal.web.scene.queue import Edit, newest_edit
from livefeed.portal.web.scene.stage import Account, Heard, Process
from livefeed.portal.web.scene.way import Way, way_of
from livefeed.secrets import KeyRing
from livefeed.ui import diff
from livefeed.ui.languages import Words, noted, told
from livefeed.wire.ids import decimal

_SOURCE: Final = "web"
_NO_STAGE: Final = Sorry(
    status=404,
    heading=noted("Nothing to edit"),
    text=noted("The scene needs a post that you may change. Write one in the feed."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backdrop:
    """What the page shows besides the portal's own database.

    Attributes:
        account: What the application's database says.
        process: Where its process stands.
        app_url: Where it answers.
        keys: Tell what was sent; its secrets are left out.
    """

    account: Account
    process: Process
    app_url: str
    keys: KeyRing


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What left the queue, with dots for its secrets; if it is not exact, something has changed since."""

    line: str
    headers: Mapping[str, str]
    body: str
    is_exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One person and what he heard, in words."""

    face: Face
    why: Words | str
    state: Words | str
    is_settled: bool
    took: Words | str
    is_participant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an edit."""

    difference: Markup
    title_difference: Markup | None
    silence: str
    events: int
    told: Sequence[Listener]
    spared: Sequence[Listener]
    others: Sequence[Listener]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What somebody typed that could not be saved, and why."""

    text: str
    problem: Words
    status: int


def chosen_post(tx: Tx, guest: Guest) -> Post | None:
    """The post that the page is about: the one in its address, or the one of the scene."""
    wanted = guest.number("post") or decimal(guest.query.get("post", ""))
    return choose(tx, guest.portal, guest.me, wanted)


def scene(tx: Tx, guest: Guest, backdrop: Backdrop, typed: Typed | None = None) -> Shown | Sorry:
    """The page."""
    post = chosen_post(tx, guest)
    if post is None:
        return _NO_STAGE
    edit = newest_edit(tx, post, backdrop.app_url)
    way = way_of(edit, backdrop.account, backdrop.process.state)
    values = {
        "card": guest.look.card(post),
        "post": post,
        "text": post.text if typed is None else typed.text,
        "problem": None if typed is None else typed.problem,
        "message": words.SAID.get(guest.query.get("said", "")),
        "suggestions": suggestions.offered(post.text, newcomer(tx, post, everyone(tx, post.portal))),
        "process": backdrop.process,
        "app_url": backdrop.app_url,
        "waiting_inbox": backdrop.account.waiting,
        "way": way,
        "edit": edit,
        "editor": None if edit is None else _editor(guest, edit),
        "saved_at": None if edit is None else guest.look.moment(edit.event.at_ms),
        "request": _request(tx, edit, backdrop.keys),
        "next_try_s": _seconds_until(edit, tx.now_ms),
        "outcome": _outcome(guest, edit, way),
        "words": words,
        "live_from": "/scene/live",
        "without_menu": True,
    }
    status = 200 if typed is None else typed.status
    return Shown(template="scene.html", values=values, status=status)


def save(tx: Tx, guest: Guest, backdrop: Backdrop) -> Result:
    """Save what was typed, or what one of the suggestions makes of the post."""
    post = chosen_post(tx, guest)
    if post is None or post.id != guest.number("post"):
        return NO_POST
    suggestion = guest.form.text("suggestion")
    if suggestion:
        return _suggested(tx, guest, post, suggestion)
    text = guest.form.text("text").replace("\r\n", "\n").strip()
    if not text:
        return scene(tx, guest, backdrop, Typed(text=text, problem=words.SAID["empty"], status=400))
    if guest.form.integer("version") != post.version:
        return scene(tx, guest, backdrop, Typed(text=text, problem=words.SAID["gone"], status=409))
    posts.edit(tx, post, posts.Change(text=text), actor=guest.me.id, source=_SOURCE)
    return _back(post)


def _suggested(tx: Tx, guest: Guest, post: Post, name: str) -> Result:
    made = suggestions.texts(name, post.text, newcomer(tx, post, everyone(tx, post.portal)))
    for text in made:
        post = posts.edit(tx, post, posts.Change(text=text), actor=guest.me.id, source=_SOURCE)
    return _back(post, "" if made else "&said=nothing")


def _back(post: Post, said: str = "") -> Go:
    return Go(location=f"/scene?post={post.id}{said}#way")


def _editor(guest: Guest, edit: Edit) -> str:
    editor = edit.version.editor
    return told(noted("an automation"), guest.language) if editor is None else guest.look.face(editor).name


def _request(tx: Tx, edit: Edit | None, keys: KeyRing) -> Request | None:
    """The request of the newest attempt: of this event, or of the one before it in its lane."""
    if edit is None or edit.delivery.last is None:
        return None
    sent = rebuilt(tx, keys, edit.delivery.last)
    if sent is None:
        return None
    headers = {name: dotted(value) for name, value in sent.headers.items()}
    return Request(line=sent.line, headers=headers, body=dotted(sent.body), is_exact=sent.is_exact)


def _seconds_until(edit: Edit | None, now_ms: int) -> int | None:
    at_ms = None if edit is None else edit.delivery.next_try_ms
    return None if at_ms is None else max(0, -(-(at_ms - now_ms) // 1000))


def _outcome(guest: Guest, edit: Edit | None, way: Way) -> Outcome | None:
    judgement = way.judgement
    if edit is None or judgement is None:
        return None
    labels = diff.labels_in(guest.language)
    old, new = judgement.old, judgement.new
    heard = [(one.is_told, _listener(guest, one, edit.event.at_ms)) for one in judgement.heard]
    return Outcome(
        difference=diff.inline(old.text, new.text, labels),
        title_difference=diff.inline(old.title, new.title, labels) if old.title != new.title else None,
        silence=judgement.silence,
        events=judgement.events,
        told=[one for is_told, one in heard if is_told],
        spared=[one for is_told, one in heard if not is_told and one.is_participant],
        others=[one for is_told, one in heard if not is_told and not one.is_participant],
    )


def _listener(guest: Guest, one: Heard, saved_ms: int) -> Listener:
    return Listener(
        face=guest.look.face(one.person),
        why=words.told_as(words.REASONS, one.reason) if one.is_told else one.why,
        state=words.told_as(words.NOTICES, one.state) if one.is_told else "",
        is_settled=one.settled_at_ms is not None,
        took=words.after(None if one.settled_at_ms is None else one.settled_at_ms - saved_ms),
        is_participant=bool(one.reason),
    )
