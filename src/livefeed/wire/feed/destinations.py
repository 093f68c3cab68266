"""Whom a post is written to: ``UA``, ``U5``, ``SG3``, ``DR7``, ``D7``.

Source: api-reference/log/log-blogpost-add.md; contract 6.1
"""

from collections.abc import Iterable
from typing import Final, TypeAlias, assert_never

import msgspec

from livefeed.wire.ids import DepartmentId, GroupId, UserId, decimal


class Everyone(msgspec.Struct, frozen=True):
    """All authorized users, ``UA``; ``AU`` is taken for it (A-38)."""


class ToUser(msgspec.Struct, frozen=True):
    """One user, ``U5``."""

    user_id: UserId


class ToGroup(msgspec.Struct, frozen=True):
    """A workgroup or project, ``SG3``."""

    group_id: GroupId


class ToDepartment(msgspec.Struct, frozen=True):
    """A department: ``DR7`` with the departments below it, ``D7`` without (A-39, A-40)."""

    department_id: DepartmentId
    is_recursive: bool = True


Destination: TypeAlias = Everyone | ToUser | ToGroup | ToDepartment

EVERYONE: Final = Everyone()


def parse_destination(code: str) -> Destination | None:
    """The recipient that ``code`` names, or None if it is not a code of the feed."""
    code = code.strip().upper()
    if code in ("UA", "AU"):
        return EVERYONE
    for prefix, make in _PREFIXES:
        number = decimal(code.removeprefix(prefix)) if code.startswith(prefix) else None
        if number:
            return make(number)
    return None


def _user(number: int) -> Destination:
    return ToUser(UserId(number))


def _group(number: int) -> Destination:
    return ToGroup(GroupId(number))


def _department_tree(number: int) -> Destination:
    return ToDepartment(DepartmentId(number))


def _department(number: int) -> Destination:
    return ToDepartment(DepartmentId(number), is_recursive=False)


_PREFIXES: Final = (("U", _user), ("SG", _group), ("DR", _department_tree), ("D", _department))


def parse_destinations(codes: Iterable[str]) -> tuple[Destination, ...]:
    """The recipients in ``codes``, each once, in their order; what is not a code is left out."""
    found = dict.fromkeys(parse_destination(code) for code in codes)
    return tuple(one for one in found if one is not None)


def destination_code(destination: Destination) -> str:
    """The code of ``destination``: ``SG3``."""
    match destination:
        case Everyone():
            return "UA"
        case ToUser(user_id):
            return f"U{user_id}"
        case ToGroup(group_id):
            return f"SG{group_id}"
        case ToDepartment(department_id, is_recursive):
            return f"{'DR' if is_recursive else 'D'}{department_id}"
        case _:
            assert_never(destination)
