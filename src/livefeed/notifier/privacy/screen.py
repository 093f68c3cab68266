"""The screen: what of a portal's posts may be kept, now that people were erased and words were redacted.

The portal may still show all of it. Whatever is read there passes here before it is compared or stored, so
that it does not come back, and does not look like an edit either.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from livefeed.app.keeping import holds
from livefeed.durable import sql
from livefeed.durable.store import Tx
from livefeed.notifier.changes import Version, Withheld
from livefeed.notifier.policy import Editors, Unknown
from livefeed.secrets import KeyRing
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.ids import MemberId, PostId, UserId

SQL: Final = sql.load("livefeed.notifier", "queries/privacy.sql")

NOBODY: Final = UserId(0)
"""Stands where a record stays for others and its person was erased; no portal has such a user."""

_GAP: Final = "(…)"
_MENTION: Final = re.compile(
    r"\[USER=[\"' ]*(\d{1,18})[\"' ]*\](?:((?:(?!\[USER=).)*?)\[/USER\])?", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What is kept out of a portal's archive, as far as some posts are concerned.

    Attributes:
        portal: Where.
        keys: Make the hashes.
        erased: Of the people who were erased.
        redacted: Post → digests of words that were redacted there.
        held: Posts that are held: of these everything is kept.
    """

    portal: MemberId
    keys: KeyRing = field(compare=False)
    erased: frozenset[bytes] = frozenset()
    redacted: Mapping[PostId, frozenset[str]] = field(default_factory=dict[PostId, frozenset[str]])
    held: frozenset[PostId] = frozenset()

    @classmethod
    def read(cls, tx: Tx, keys: KeyRing, portal: MemberId, posts: Iterable[PostId] = ()) -> "Screen":
        """As it stands now, for ``posts``."""
        wanted = msgspec.json.encode(sorted(set(posts))).decode()
        redacted: dict[PostId, set[str]] = {}
        for row in SQL.digests(tx.conn, portal=portal, posts=wanted):
            redacted.setdefault(PostId(row["post"]), set()).add(row["digest"])
        erased = frozenset(bytes(row["hash"]) for row in SQL.erased(tx.conn, portal=portal))
        return cls(
            portal=portal,
            keys=keys,
            erased=erased,
            redacted={post: frozenset(digests) for post, digests in redacted.items()},
            held=holds.posts(tx, portal) if erased or redacted else frozenset(),
        )

    def is_erased(self, person: int) -> bool:
        """Whether a person was erased."""
        return bool(self.erased) and person_hash(self.keys, self.portal, person) in self.erased

    def author(self, row: PostRow) -> UserId:
        """Who is kept as the author of a post."""
        return NOBODY if row.id not in self.held and self.is_erased(row.author_id) else row.author_id

    def version(self, row: PostRow) -> Version:
        """What is kept of a post as the portal shows it."""
        return self.cover(row.id, row.author_id, Version.of(row))

    def cover(self, post: PostId, author: UserId, version: Version) -> Version:
        """What is kept of ``version``: without words of, and mentions of, people who were erased."""
        if version.withheld is not None or post in self.held:
            return version
        if self.is_erased(author):
            return version.without_words(self._withheld("erased", post, version))
        left = self._without_mentions(version) if self.erased else version
        digests = self.redacted.get(post, frozenset())
        for words in (version, left) if digests else ():
            withheld = self._withheld("redacted", post, words)
            if withheld.digest in digests:
                return version.without_words(withheld)
        return left

    def editors(self, editors: Editors) -> Editors:
        """Who is kept of ``editors``; one who was erased is somebody."""
        left = tuple(one for one in editors.people if not self.is_erased(one))
        if len(left) == len(editors.people):
            return editors
        return Editors(people=left, unknown=editors.unknown or Unknown.SOMEONE)

    def _withheld(self, why: str, post: PostId, version: Version) -> Withheld:
        digest = words_digest(self.keys, self.portal, post, version)
        return Withheld(why="erased" if why == "erased" else "redacted", digest=digest)

    def _without_mentions(self, version: Version) -> Version:
        """A title that the portal has made of the text goes with a mention."""
        text = _MENTION.sub(self._mended, version.text)
        if text == version.text:
            return version
        title = "" if version.is_derived else version.title
        return msgspec.structs.replace(version, text=text, title=title)

    def _mended(self, found: re.Match[str]) -> str:
        return _GAP if self.is_erased(int(found[1])) else found[0]


def person_hash(keys: KeyRing, portal: MemberId, person: int) -> bytes:
    """Under which it is remembered that a person was erased."""
    return keys.hash(f"erased person {person} of {portal}")


def words_digest(keys: KeyRing, portal: MemberId, post: PostId, version: Version) -> str:
    """Under which it is remembered which words were taken out of a post."""
    return keys.hash(f"words of {post} of {portal}\0{version.title}\0{version.text}").hex()
