"""Whom a post is for: what the chips of a form offer, and what of it was chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from livefeed.durable.store import Tx
from livefeed.portal.access import addressable
from livefeed.portal.people import places
from livefeed.portal.web.desk import Guest
from livefeed.portal.web.desk.showing import Face, everyone


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One chip.

    Attributes:
        code: ``UA``, ``DR2``, ``SG1``, ``U5``.
        is_chosen: Whether it is chosen when the form is shown.
        face: Whose chip it is; None for a place.
    """

    code: str
    name: str
    is_chosen: bool
    face: Face | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The chips of a form: everyone, departments and groups; single people apart."""

    places: list[Choice]
    people: list[Choice]

    @property
    def has_people(self) -> bool:
        """Whether single people are chosen already."""
        return any(choice.is_chosen for choice in self.people)


def choices(tx: Tx, guest: Guest, chosen: Sequence[str]) -> Choices:
    """Everybody whom the guest may address, and whatever is ``chosen`` already."""
    portal, look = guest.portal.member_id, guest.look
    offered = [code for code in places.names(tx, portal) if not _is_single(code)]
    open_to = addressable(tx, portal, offered, guest.me.viewer)
    coworkers = [(f"U{person.id}", person) for person in everyone(tx, portal) if person.id != guest.me.id]
    known = {"UA", *open_to, *(code for code, _ in coworkers)}
    kept = [code for code in chosen if code not in known]
    return Choices(
        places=[
            Choice(code=chip.code, name=chip.name, is_chosen=chip.code in chosen)
            for chip in look.chips(["UA", *open_to, *kept])
        ],
        people=[
            Choice(code=code, name=person.display_name, is_chosen=code in chosen, face=look.face(person.id))
            for code, person in coworkers
        ],
    )


def wanted(tx: Tx, guest: Guest, present: Sequence[str] = ()) -> tuple[str, ...]:
    """The codes that the form chose, as far as the guest may address them or they are ``present`` already."""
    asked = list(dict.fromkeys(filter(None, guest.form.texts("to"))))
    allowed = {*addressable(tx, guest.portal.member_id, asked, guest.me.viewer), *present}
    return tuple(code for code in asked if code in allowed)


def _is_single(code: str) -> bool:
    """Whether it is a department without those below it, which forms leave to REST."""
    return code.startswith("D") and not code.startswith("DR")
