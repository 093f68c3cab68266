"""The pages themselves: what was edited lately, and the history of one post."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from livefeed.app import App, PageContext
from livefeed.content.bbcode import parse
from livefeed.content.render import excerpt
from livefeed.durable.store import Tx
from livefeed.notifier import archive
from livefeed.notifier.archive import ArchivedPost
from livefeed.notifier.changes import Version, Withheld, known_as
from livefeed.notifier.pages.reading import POST, Seen, asked_post, look, unseen
from livefeed.notifier.pages.redacting import redact_version
from livefeed.notifier.pages.versions import Kept, Row, as_row, kept, lately_edited, named
from livefeed.notifier.people import Person
from livefeed.ui import diff
from livefeed.ui.bbcode import as_html
from livefeed.ui.languages import Words, noted, spoken
from livefeed.ui.pages import Page
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.frames import DEFAULT_PLACEMENT, LEFT_MENU, POST_PLACEMENT
from livefeed.wire.ids import PostId, UserId, decimal

_LISTED: Final = 40
_VERSIONS_A_PAGE: Final = 20
_TITLE_CHARS: Final = 90
_NEWEST: Final = 2**31


def add_pages(app: App) -> None:
    """The list as the application's own page and in the menu, and the history of a post under each post."""
    for place in (DEFAULT_PLACEMENT, LEFT_MENU):
        app.page(place)(show_edited)
        app.page(place, POST)(show_history)
        app.form(place, POST)(redact_version)
    app.page(POST_PLACEMENT)(show_history)
    app.form(POST_PLACEMENT)(redact_version)
    app.placement(LEFT_MENU, title="Edited posts", titles={"ru": "Изменённые сообщения"})
    app.placement(POST_PLACEMENT, title="Edit history", titles={"ru": "История правок"})


async def show_edited(page: PageContext) -> Page:
    """The posts that were edited lately, of those that the person may see."""
    edited = await page.read(lambda tx: lately_edited(tx, page.portal, most=_LISTED))
    seen = await look(page, [post for post, _, _ in edited])
    titles = {row.id: _title(Version.of(row)) for row in seen.posts}
    rows = [
        {
            "title": titles[post],
            "url": page.url(POST, id=post),
            "at": spoken(edited_at, seen.zone, page.language),
            "versions": versions,
        }
        for post, edited_at, versions in edited
        if post in titles
    ]
    return page.show("history_list.html", rows=rows)


async def show_history(page: PageContext) -> Page:
    """The versions of one post, and the difference of two of them."""
    post = asked_post(page)
    seen = await look(page, [post]) if post else None
    if post is None or seen is None or not seen.posts:
        return unseen(page)
    found = await page.read(lambda tx: _History.read(tx, page, post, seen))
    if found is None:
        return page.show(
            "inside_told.html",
            heading=_title(Version.of(seen.posts[0])),
            text=noted("No edit of this post has been seen yet."),
        )
    return await asyncio.to_thread(found.show, page)


@dataclass(frozen=True, slots=True, kw_only=True)
class _History:
    """One post as its page shows it.

    Attributes:
        post: As the archive knows it.
        row: As the person sees it now.
        seen: What else the portal said.
        versions: One page of them and the one before, the newest first.
        people: Everybody who is named.
        old: The older version of those compared.
        new: The newer one.
    """

    post: ArchivedPost
    row: PostRow
    seen: Seen
    versions: list[Kept]
    people: Mapping[UserId, Person]
    old: tuple[int, Version]
    new: tuple[int, Version]

    @classmethod
    def read(cls, tx: Tx, page: PageContext, post: PostId, seen: Seen) -> "_History | None":
        known = archive.find(tx, page.portal, post)
        if known is None:
            return None
        until = _number(page, "until", _NEWEST)
        versions = kept(tx, page.portal, post, until=until, most=_VERSIONS_A_PAGE + 1)
        last = known.seen_version
        new = min(max(_number(page, "to", last), 1), last)
        old = min(max(_number(page, "from", new - 1), 1), last)
        old, new = sorted((old, new))
        return cls(
            post=known,
            row=seen.posts[0],
            seen=seen,
            versions=versions,
            people=named(tx, page.portal, versions, known.author),
            old=(old, archive.version(tx, page.portal, post, old)),
            new=(new, archive.version(tx, page.portal, post, new)),
        )

    def show(self, page: PageContext) -> Page:
        """The page; it may take a while for long texts."""
        rows = self._rows(page)
        view = page.query.get("view", "inline")
        view = view if view in diff.VIEWS else "inline"
        (old, before), (new, after) = self.old, self.new
        labels = diff.labels_in(page.language)
        missing = _missing(old, before) or _missing(new, after)
        return page.show(
            "history_frame.html",
            title=_title(Version.of(self.row)),
            action=page.url(page.path),
            id=self.post.post if page.path == POST else None,
            back=page.url() if page.path == POST else "",
            rows=rows,
            earlier=rows[-1].number - 1 if rows and rows[-1].number > 1 else None,
            last=rows[0].number if rows else 0,
            old=old,
            new=new,
            view=view,
            link=self._link(page, old, new),
            changes=_changes(before, after, labels),
            text=diff.VIEWS[view](before.text, after.text, labels) if _is_shown(before, after) else None,
            only=as_html(parse(after.text)) if old == new else None,
            missing=missing,
            redacts=self.seen.is_administrator and after.withheld is None,
            here=page.url(page.path, **({"id": self.post.post} if page.path == POST else {})),
        )

    def _rows(self, page: PageContext) -> list[Row]:
        before = [*self.versions[1:], None]
        return [
            as_row(
                one,
                earlier,
                people=self.people,
                author=self.post.author,
                zone=self.seen.zone,
                language=page.language,
            )
            for one, earlier in list(zip(self.versions, before, strict=True))[:_VERSIONS_A_PAGE]
        ]

    def _link(self, page: PageContext, old: int, new: int) -> Callable[..., str]:
        """Makes the address of this page with something changed: ``link(view='raw')``."""
        here: dict[str, object] = {"from": old, "to": new, "view": page.query.get("view", "inline")}
        if page.path == POST:
            here["id"] = self.post.post

        def link(**changed: object) -> str:
            asked = {**here, **{name.rstrip("_"): value for name, value in changed.items()}}
            return page.url(page.path, **asked)

        return link


def _missing(number: int, version: Version) -> Words | None:
    """Why the words of a version are not shown."""
    match version.withheld:
        case Withheld(why="redacted"):
            return noted("The words of version %(number)s were redacted.", number=number)
        case Withheld():
            return noted(
                "The words of version %(number)s are not kept: their author was erased.", number=number
            )
        case None:
            return None


def _is_shown(before: Version, after: Version) -> bool:
    return before.text != after.text and before.withheld is None and after.withheld is None


def _number(page: PageContext, name: str, otherwise: int) -> int:
    number = decimal(page.query.get(name, ""))
    return otherwise if number is None else min(number, _NEWEST)


def _title(version: Version) -> str:
    return excerpt(known_as(version, version), _TITLE_CHARS)


def _changes(old: Version, new: Version, labels: diff.Labels) -> list[tuple[Words, Markup | Words]]:
    """What differs beside the text: its name, and what it was and became."""
    changes: list[tuple[Words, Markup | Words]] = []
    if old.title != new.title and not new.is_derived and old.withheld is None:
        changes.append((noted("title"), diff.inline(old.title, new.title, labels)))
    if old.files != new.files:
        changes.append((noted("files"), diff.inline(_listed(old.files), _listed(new.files), labels)))
    if old.is_important != new.is_important:
        marked = noted("marked as important") if new.is_important else noted("no longer important")
        changes.append((noted("importance"), marked))
    if old.is_for_everyone != new.is_for_everyone:
        opened = noted("for everybody now") if new.is_for_everyone else noted("no longer for everybody")
        changes.append((noted("recipients"), opened))
    return changes


def _listed(files: tuple[int, ...]) -> str:
    return ", ".join(f"#{number}" for number in files)
