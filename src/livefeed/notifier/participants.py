"""Who takes part in a discussion, and why; pure."""

import enum
from collections.abc import Iterable

import msgspec

from livefeed.wire.ids import UserId


class Reason(enum.StrEnum):
    """Why somebody takes part; the first that applies is the one he is told."""

    AUTHOR = "author"
    MENTIONED = "mentioned"  # in the old text or the new one
    COMMENTER = "commenter"


class Participant(msgspec.Struct, frozen=True, kw_only=True):
    """One person with his strongest reason."""

    person: UserId
    reason: Reason


def take_part(
    *, author: UserId, mentioned: Iterable[UserId], commenters: Iterable[UserId]
) -> tuple[Participant, ...]:
    """Everybody who takes part once, author first, then by reason and id."""
    reasons: dict[UserId, Reason] = {author: Reason.AUTHOR}
    for person in sorted(set(mentioned)):
        reasons.setdefault(person, Reason.MENTIONED)
    for person in sorted(set(commenters)):
        reasons.setdefault(person, Reason.COMMENTER)
    return tuple(Participant(person=person, reason=reason) for person, reason in reasons.items())
