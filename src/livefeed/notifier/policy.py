"""Who is told of a change, and when nobody is: a pure function over values."""

import enum
from collections.abc import Sequence

import msgspec

from livefeed.notifier.changes import Comparison
from livefeed.notifier.participants import Participant, Reason
from livefeed.wire.ids import UserId


class Unknown(enum.StrEnum):
    """An editor whose name nobody can tell."""

    SOMEONE = "someone"  # a person: a token came, but it does not say whose it is
    AUTOMATION = "automation"  # no token came: a robot, a workflow, an agent


class Editors(msgspec.Struct, frozen=True, kw_only=True):
    """Who edited a post since people were last told.

    Attributes:
        people: Known editors, ascending.
        unknown: Set if somebody else edited too, or alone.
    """

    people: tuple[UserId, ...] = ()
    unknown: Unknown | None = None

    def without(self, person: UserId) -> "Editors":
        """The others."""
        return Editors(people=tuple(other for other in self.people if other != person), unknown=self.unknown)

    def joined(self, other: "Editors") -> "Editors":
        """All of both."""
        people = tuple(sorted({*self.people, *other.people}))
        return Editors(people=people, unknown=self.unknown or other.unknown)

    def __bool__(self) -> bool:
        return bool(self.people) or self.unknown is not None


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """One person who is told: why, and of whose edits."""

    person: UserId
    reason: Reason
    editors: Editors


class Tell(msgspec.Struct, frozen=True, kw_only=True):
    """These people are told now; the waiting was done by the lane."""

    recipients: tuple[Recipient, ...]


class Spared(enum.StrEnum):
    """Why somebody who takes part is not told."""

    OWN_EDIT = "made the edit"
    DISMISSED = "does not work there any more"


class PassedOver(msgspec.Struct, frozen=True, kw_only=True):
    """One person who takes part and is not told."""

    person: UserId
    reason: Reason
    why: Spared


class Silence(enum.StrEnum):
    """Why nobody is told."""

    SAME = "nothing differs from what was last told"
    COSMETIC = "only markup, white space, punctuation or case differ"
    QUIET_CLASS = "only tags or recipients differ"
    NOBODY = "nobody but the editor takes part"


class Silent(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody is told; the next edit is compared with the same version again."""

    why: Silence


Decision = Tell | Silent


def decide(comparison: Comparison, participants: Sequence[Participant], editors: Editors) -> Decision:
    """Who is told.

    Nobody is told of his own edit. Of several editors each is told of the others only.
    """
    if not comparison.is_worth_telling:
        return Silent(why=_silence(comparison))
    told = [
        Recipient(person=one.person, reason=one.reason, editors=others)
        for one in participants
        if (others := editors.without(one.person))
    ]
    return Tell(recipients=tuple(told)) if told else Silent(why=Silence.NOBODY)


def passed_over(
    everyone: Sequence[Participant], dismissed: frozenset[UserId], editors: Editors
) -> tuple[PassedOver, ...]:
    """Who of ``everyone`` who takes part is not told of an edit by ``editors``, and why."""
    spared = {one.person: Spared.OWN_EDIT for one in everyone if not editors.without(one.person)}
    spared |= dict.fromkeys(dismissed, Spared.DISMISSED)
    return tuple(
        PassedOver(person=one.person, reason=one.reason, why=spared[one.person])
        for one in everyone
        if one.person in spared
    )


def _silence(comparison: Comparison) -> Silence:
    if comparison.classes:
        return Silence.QUIET_CLASS
    return Silence.COSMETIC if comparison.is_cosmetic else Silence.SAME
