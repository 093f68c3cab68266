"""Places people belong to: departments and groups, and what their access codes are called."""

from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.wire.ids import DepartmentId, GroupId, MemberId, UserId

_sql = load("livefeed.portal.people", "people.sql")


def add_department(
    tx: Tx,
    portal: MemberId,
    department: DepartmentId,
    *,
    name: str,
    parent: DepartmentId | None,
    head: UserId | None,
) -> None:
    """Found a department; ``parent`` is None for the company itself."""
    _sql.add_department(tx.conn, portal=portal, id=department, parent=parent, name=name, head=head)


def join_department(tx: Tx, portal: MemberId, person: UserId, department: DepartmentId) -> None:
    """Let a person work in a department; `access.rebuild` gives him the codes."""
    _sql.add_to_department(tx.conn, portal=portal, person=person, department=department)


def add_group(
    tx: Tx, portal: MemberId, group: GroupId, *, name: str, description: str, owner: UserId
) -> None:
    """Found a group; its owner is its first member."""
    _sql.add_group(
        tx.conn, portal=portal, id=group, name=name, description=description, owner=owner, now=tx.now_ms
    )
    join_group(tx, portal, owner, group, role="A")


def join_group(tx: Tx, portal: MemberId, person: UserId, group: GroupId, *, role: str = "K") -> None:
    """Make a person a member: A owner, E moderator, K member; `access.rebuild` gives him the code.

    Source: api-reference/sonet-group/members/sonet-group-user-get.md
    """
    _sql.add_to_group(tx.conn, portal=portal, person=person, workgroup=group, role=role)


def names(tx: Tx, portal: MemberId) -> dict[str, str]:
    """What each code of a department or group is called: ``{"SG1": "Website", "DR2": "Sales"}``."""
    return dict(_sql.place_names(tx.conn, portal=portal))
