"""The methods ``user.get``, ``user.current`` and ``profile``, as the wire names them."""

from typing import Final

from livefeed.clock import iso
from livefeed.durable.store import Tx
from livefeed.portal.call import Call, Method
from livefeed.portal.people import people
from livefeed.portal.people.filters import only_after, read_conditions, sort_key
from livefeed.portal.people.people import Person
from livefeed.wire.calls import PAGE_SIZE, Answer, page_of
from livefeed.wire.faults import NoAuthFound
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import DepartmentId, UserId
from livefeed.wire.params import Params
from livefeed.wire.people import Profile, UserRow, UserScope

_FARTHEST: Final = 2**31
_ABSENT: Final = UserRow(id=UserId(0)).to_wire()
_NO_FILTER: Final = frozenset({"FILTER", "SORT", "ORDER", "SELECT", "START", "ADMIN_MODE", "IMAGE_RESIZE"})


def get_people(tx: Tx, call: Call) -> Answer:
    """People by filter, sorted, in pages of fifty.

    Source: api-reference/user/user-get.md
    """
    params = call.params
    conditions = read_conditions(params.mapping("FILTER") or _top_level(params), _ABSENT)
    scope = _scope(call)
    field = params.text("sort").upper() or "ID"
    is_falling = params.text("order").upper() == "DESC"
    start = max(-1, params.integer("start"))
    first = min(max(0, start), _FARTHEST)
    after = None if field != "ID" or is_falling else only_after(conditions)
    if after is not None:
        portal = call.portal.member_id
        found = people.page(tx, portal, after=after, first=first, limit=PAGE_SIZE)
        page = [_row(person).to_wire(scope) for person in found]
        total = people.count(tx, portal, after=after) if start >= 0 else 0
    else:
        rows = [_row(person).to_wire(scope) for person in people.select(tx, call.portal.member_id)]
        chosen = [row for row in rows if all(one.holds_for(row) for one in conditions)]
        chosen.sort(key=sort_key(field), reverse=is_falling)
        page, total = chosen[first : first + PAGE_SIZE], len(chosen)
    return page_of([_selected(row, params) for row in page], start=start, total=total)


def get_current(tx: Tx, call: Call) -> Answer:
    """The person whose token or webhook it is.

    Source: api-reference/user/user-current.md
    """
    return Answer(result=_row(_caller(tx, call)).to_wire(_scope(call)))


def get_profile(tx: Tx, call: Call) -> Answer:
    """The little that any scope may know of the caller.

    Source: api-reference/common/users/profile.md
    """
    person = _caller(tx, call)
    profile = Profile(
        id=person.id,
        is_admin=person.is_admin,
        name=person.first_name,
        last_name=person.last_name,
        gender=person.gender,
        time_zone=person.time_zone,
    )
    return Answer(result=profile.to_wire())


def _caller(tx: Tx, call: Call) -> Person:
    person = people.find(tx, call.portal.member_id, call.principal.user_id)
    if person is None:
        raise NoAuthFound
    return person


def _scope(call: Call) -> UserScope:
    scopes = call.principal.scopes
    if "user" in scopes:
        return "user"
    return "user_basic" if "user_basic" in scopes else "user_brief"


def _top_level(params: Params) -> dict[str, JsonValue]:
    """Filter fields given without FILTER, as the first sample of the page does."""
    return {name: value for name, value in params.to_wire().items() if name.upper() not in _NO_FILTER}


def _selected(row: dict[str, JsonValue], params: Params) -> dict[str, JsonValue]:
    """The fields in ``select``; ``*`` and ``UF_*`` are masks, unknown fields are passed over."""
    wanted = {name.upper() for name in params.texts("select")}
    if not wanted or "*" in wanted:
        return row
    return {key: value for key, value in row.items() if _is_wanted(key, wanted)}


def _is_wanted(key: str, wanted: set[str]) -> bool:
    return key == "ID" or key in wanted or (key.startswith("UF_") and "UF_*" in wanted)


def _row(person: Person) -> UserRow:
    return UserRow(
        id=person.id,
        is_active=person.is_active,
        name=person.first_name,
        last_name=person.last_name,
        second_name=person.second_name,
        email=person.email,
        registered_at=iso(person.registered_at),
        time_zone=person.time_zone,
        gender=person.gender,
        birthday=f"{person.birthday}T00:00:00+00:00" if person.birthday else "",
        city=person.city,
        work_position=person.position,
        departments=tuple(map(DepartmentId, person.departments)),
    )


METHODS: Final = (
    Method(name="user.get", fn=get_people, scope="user"),
    Method(name="user.current", fn=get_current, scope="user"),
    Method(name="profile", fn=get_profile),
)
