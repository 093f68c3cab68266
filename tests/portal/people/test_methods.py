"""``user.get``, ``user.current`` and ``profile`` over a webhook."""

import json
from itertools import product

import pytest

from livefeed.durable.store import Tx
from livefeed.portal.people import people
from livefeed.wire.ids import UserId

from ..conftest import House

pytestmark = pytest.mark.anyio


async def found(house: House, **params: object) -> list[int]:
    body = json.dumps(params).encode()
    response = await house.post(house.webhook(1, "user.get"), body, "application/json")
    return [int(row["ID"]) for row in response.json()["result"]]


async def test_a_person_reads_as_documented(house: House):
    me = await house.call(3, "user.current")
    assert (me["ID"], me["ACTIVE"], me["NAME"], me["LAST_NAME"]) == ("3", True, "Ольга", "Смирнова")
    assert (me["UF_DEPARTMENT"], me["USER_TYPE"], me["EMAIL"]) == ([1], "employee", "olga@meridian.example")
    assert (await house.call(1, "user.get", ID=3))[0] == me


async def test_a_profile_says_who_administers(house: House):
    assert await house.call(1, "profile") == {
        "ID": "1",
        "ADMIN": True,
        "NAME": "Anna",
        "LAST_NAME": "Petrova",
        "PERSONAL_GENDER": "F",
        "TIME_ZONE": "",
    }
    assert (await house.call(2, "profile"))["ADMIN"] is False


async def test_all_people_come_by_id_with_their_number(house: House):
    answer = (await house.send(4, "user.get")).json()
    assert [row["ID"] for row in answer["result"]] == list("12345678")
    assert answer["total"] == 8
    assert "next" not in answer


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({"UF_DEPARTMENT": 2}, [2, 4, 8]),
        ({"UF_DEPARTMENT": [2, 3]}, [2, 4, 5, 6, 7, 8]),
        ({"@ID": [3, 5, 99]}, [3, 5]),
        ({"!@ID": [3, 5]}, [1, 2, 4, 6, 7, 8]),
        ({">ID": 6}, [7, 8]),
        ({">=ID": "7", "<ID": 8}, [7]),
        ({"NAME": "anna"}, [1]),
        ({"!NAME": "Anna", "UF_DEPARTMENT": 1}, [3]),
        ({"%LAST_NAME": "ov"}, [1]),
        ({"=%LAST_NAME": "o%"}, [4]),
        ({"%=LAST_NAME": "%ов%"}, [3, 5, 7]),
        ({"!=%LAST_NAME": "%ов%", "PERSONAL_CITY": "Рига"}, []),
        ({"NAME_SEARCH": "рассел"}, []),
        ({"NAME_SEARCH": "ivan"}, []),
        ({"NAME_SEARCH": "соколов"}, [5]),
        ({"ACTIVE": True, "WORK_POSITION": "Разработчик"}, [5]),
        ({"ACTIVE": "N"}, []),
        ({"USER_TYPE": "email"}, []),
        ({"NO_SUCH_FIELD": 1}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"ID": {"0": "2", "1": "3"}}, [2, 3]),
    ],
)
async def test_filters_take_their_operators_before_the_name(house: House, wanted: dict, ids: list[int]):
    assert await found(house, FILTER=wanted) == ids


async def test_filter_fields_may_stand_at_the_top(house: House):
    assert await found(house, UF_DEPARTMENT=3, sort="ID", order="DESC") == [7, 6, 5]


async def test_people_are_sorted_by_any_field(house: House):
    assert (await found(house, sort="LAST_NAME", order="ASC"))[:3] == [6, 4, 1]
    assert (await found(house, sort="ID", order="desc"))[:2] == [8, 7]
    assert (await found(house, sort="NOTHING"))[:2] == [1, 2]


async def test_a_page_of_many_is_the_same_whether_or_not_all_of_them_had_to_be_read(house: House):
    def hire(tx: Tx) -> None:
        for number in range(100, 220):
            name = f"p{number}"
            new = people.NewPerson(login=name, email=f"{name}@x.example", first_name=name, last_name="x")
            people.add(tx, house.portal.member_id, UserId(number), new)

    await house.store.write(hire)
    everybody = {"!NAME": "nobody"}
    for start, after in product((0, 50, 100, 150, -1, 10**30), ("0", "7", "150", "219", "9" * 30)):
        quick = (await house.send(1, "user.get", filter={">ID": after}, start=start)).json()
        slow = (await house.send(1, "user.get", filter={">ID": after, **everybody}, start=start)).json()
        assert [quick.get(name) for name in ("result", "total", "next")] == [
            slow.get(name) for name in ("result", "total", "next")
        ], (start, after)


async def test_select_leaves_only_what_is_asked_for(house: House):
    row = (
        await house.call(
            1, "user.get", **{"ID": 3, "select[0]": "NAME", "select[1]": "UF_*", "select[2]": "X"}
        )
    )[0]
    assert set(row) == {"ID", "NAME", "UF_EMPLOYMENT_DATE", "UF_DEPARTMENT"}


async def test_a_dismissed_person_is_still_found_but_not_active(house: House):
    await house.store.write(lambda tx: people.dismiss(tx, house.portal.member_id, UserId(2)))
    assert await found(house, FILTER={"ACTIVE": False}) == [2]
    assert 2 not in await found(house, FILTER={"ACTIVE": "Y"})
