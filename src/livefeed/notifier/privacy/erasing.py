"""Erasing: a person is taken out of every place, a slice a unit, and kept out from then on.

What others need stays without him: a post with the times of its versions, a comment that counts, a notice.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from livefeed.app.admin import OperationRefused
from livefeed.app.installs import registry
from livefeed.app.keeping import holds
from livefeed.client.safes.keys import PortalKeys
from livefeed.durable.purge import overwriting
from livefeed.durable.store import Store, Tx
from livefeed.notifier.privacy.cases import START, After, Case, Place, Row, place_of
from livefeed.notifier.privacy.places import PLACES
from livefeed.notifier.privacy.screen import SQL, Screen, person_hash
from livefeed.secrets import KeyRing
from livefeed.telemetry import logger
from livefeed.wire.ids import MemberId, UserId

_LOG: Final = logger("notifier")
_SLICE: Final = 50
_LONGEST_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What is needed to work on what is kept: the database, its keys, and those of its portals."""

    store: Store
    keys: KeyRing
    portal_keys: PortalKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an erasure has come.

    Attributes:
        place: Number of the place that is next; as many as there are: it is over.
        after: Where that stands.
        mended: How many rows were mended or dropped.
        left: How many are being worked on by others; they go when it is begun anew.
        held: How many a legal hold keeps.
    """

    place: int = 0
    after: After = START
    mended: int = 0
    left: int = 0
    held: int = 0

    @property
    def is_over(self) -> bool:
        """Whether every place was walked through."""
        return self.place >= len(PLACES)

    @property
    def name(self) -> str:
        """Of the place that is next."""
        return "" if self.is_over else PLACES[self.place].name


async def erase_some(hands: Hands, portal: MemberId, person: UserId, at: Progress) -> Progress:
    """Erase for about a second, from where ``at`` stands; again from the beginning it finds what is left.

    Raises:
        OperationRefused: He is held, or it was he who installed the application.
        StoreError: It cannot be committed now.
    """
    await hands.store.write(lambda tx: _begin(tx, hands.keys, portal, person))
    await hands.portal_keys.refresh([portal])
    until = time.monotonic() + _LONGEST_S
    while not at.is_over:
        at = await _slice(hands, portal, person, at)
        if time.monotonic() > until:
            break
    if at.is_over:
        _LOG.info("person_erased", member_id=portal, mended=at.mended, left=at.left, held=at.held)
    return at


def admit(tx: Tx, keys: KeyRing, portal: MemberId, person: UserId) -> bool:
    """Keep what comes of a person from now on, as of anybody; False: he was not erased."""
    count: int = SQL.admit_person(tx.conn, portal=portal, hash=person_hash(keys, portal, person))
    return count > 0


def forget(tx: Tx, portal: MemberId) -> None:
    """Erase who was erased in a portal, and what was redacted there."""
    SQL.forget_erased(tx.conn, portal=portal)
    SQL.forget_redactions(tx.conn, portal=portal)


def _begin(tx: Tx, keys: KeyRing, portal: MemberId, person: UserId) -> None:
    """From here on nothing of him is kept that comes in; what is under way is done again without him."""
    tx.serialize(portal)
    hold = holds.find(tx, portal, "person", person)
    if hold is not None:
        raise OperationRefused(
            f"person {person} is held by {hold.set_by} ({hold.reason}); see: livefeed hold list"
        )
    install = registry.find(tx, portal)
    if install is not None and install.is_active and install.user_id == person:
        raise OperationRefused(
            f"person {person} has installed the application, which calls with his tokens; have another "
            "administrator install it, then come again"
        )
    SQL.bury_person(tx.conn, portal=portal, hash=person_hash(keys, portal, person), now=tx.now_ms)


async def _slice(hands: Hands, portal: MemberId, person: UserId, at: Progress) -> Progress:
    """One slice of one place: looked through by a reader, and mended only where he is in it."""
    place = PLACES[at.place]

    def case_of(tx: Tx) -> Case:
        screen = Screen.read(tx, hands.keys, portal)
        held = holds.posts(tx, portal)
        return Case(person=person, screen=screen, opener=hands.portal_keys, held=held)

    def look(tx: Tx) -> tuple[After | None, bool]:
        case = case_of(tx)
        rows = place.walk(tx, case, at.after, _SLICE)
        return (place_of(rows[-1]) if rows else None), bool(_hits(rows, place, case))

    def mend(tx: Tx) -> tuple[After | None, list[str]]:
        tx.serialize(portal)
        if holds.find(tx, portal, "person", person) is not None:
            raise OperationRefused(f"person {person} is held meanwhile; what was erased before is gone")
        case = case_of(tx)
        rows = place.walk(tx, case, at.after, _SLICE)
        with overwriting(tx):
            done = [place.mend(tx, row, case) for row in _hits(rows, place, case)]
        return (place_of(rows[-1]) if rows else None), done

    last, is_hit = await hands.store.read(look)
    done: list[str] = []
    if is_hit:
        # What has come between the rows since the look pushes others out of this slice.
        last, done = await hands.store.write(mend)
    following = (at.place + 1, START) if last is None else (at.place, last)
    return Progress(
        place=following[0],
        after=following[1],
        mended=at.mended + done.count("mended"),
        left=at.left + done.count("left"),
        held=at.held + done.count("held"),
    )


def _hits(rows: Sequence[Row], place: Place, case: Case) -> list[Row]:
    return [row for row in rows if place.is_about(row, case)]
