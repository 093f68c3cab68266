"""Watching: what an application has to know about posts, so that a sweep can compare them."""

from collections.abc import Sequence
from typing import Protocol

from livefeed.app.channels import Found
from livefeed.durable.store import Tx
from livefeed.secrets import KeyRing
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.ids import MemberId, PostId, UserId


class Watch(Protocol):
    """The archive of an application, as the sweep needs it. Each method is part of a unit of work."""

    def differing(self, tx: Tx, keys: KeyRing, portal: MemberId, rows: Sequence[PostRow]) -> list[Found]:
        """Which of ``rows`` are not as they were last seen, or were never seen; it changes nothing.

        ``keys`` make the hashes under which an application remembers what it may not keep.
        """
        ...

    def unlooked(
        self, tx: Tx, portal: MemberId, rows: Sequence[PostRow], *, began_ms: int
    ) -> Sequence[PostRow]:
        """Those of ``rows`` that nobody has seen since ``began_ms``; it changes nothing."""
        ...

    def saw(self, tx: Tx, portal: MemberId, person: UserId, rows: Sequence[PostRow]) -> None:
        """Remember that ``person`` sees ``rows`` now."""
        ...

    def unseen(
        self, tx: Tx, portal: MemberId, person: UserId, *, since_ms: int | None, began_ms: int, limit: int
    ) -> list[PostId]:
        """Posts that ``person`` saw once, and not since ``began_ms``.

        Args:
            tx: A reading unit.
            portal: Where.
            person: Whose token looked.
            since_ms: Only posts published since; None: all.
            began_ms: When the sweep began.
            limit: At most so many, the lowest numbers first.
        """
        ...

    def passed(self, tx: Tx, portal: MemberId, posts: Sequence[PostId]) -> None:
        """They were looked for once more: `unseen` leaves them out until the next sweep."""
        ...

    def finished(self, tx: Tx, portal: MemberId, readable: int) -> None:
        """A sweep of everything has ended, which saw ``readable`` posts."""
        ...
