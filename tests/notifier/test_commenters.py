"""At an edit whoever commented is looked for, however many people there are, however little may be asked."""

import pytest

from livefeed.wire.batch import read_commands
from livefeed.wire.faults import QueryLimitExceeded

from .conftest import House, open_house
from .fake_portal import FakePortal

METHOD = "log.blogcomment.user.get"


class TwoAtATime:
    """Two requests for comments, and no more until somebody says so."""

    def __init__(self, company: FakePortal) -> None:
        self._answer = company.answer
        self.left = 2
        company.answer = self

    def __call__(self, method, params, user):
        if method == "batch" and any(one.method == METHOD for one in read_commands(params)):
            if not self.left:
                raise QueryLimitExceeded
            self.left -= 1
        return self._answer(method, params, user)


async def tried(house: House, limit: TwoAtATime, times: int) -> int:
    """How many tries it took until somebody was told; none after ``times``."""
    for number in range(times):
        if house.portal.bell:
            return number
        limit.left = 2
        await house.work(3_600)
    return times


@pytest.fixture
def company(company: FakePortal) -> FakePortal:
    for number in range(100, 300):
        company.add_person(number, "Clerk", f"Number {number}")
    return company


async def rounds(house: House) -> list[object]:
    return await house.store.read(lambda tx: list(tx.execute("SELECT * FROM comment_round")))


@pytest.mark.parametrize(
    ("post", "asked"), [(5, 200), (7, 204)], ids=["found on the way", "found at the end"]
)
async def test_a_search_that_is_interrupted_goes_on_with_whom_it_had_not_asked(
    company, tmp_path, clock, served, post: int, asked: int
):
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        company.add_comment(post, 290)
        company.calls.clear()
        limit = TwoAtATime(company)
        await house.edit(post, user=1, text="Holidays: from 3 to 14 June")

        tries = await tried(house, limit, 8)
        assert [] == await rounds(house)

    people = [params.integer("USER_ID") for params in company.called(METHOD)]
    assert len(people) == len(set(people)) == asked
    assert 2 <= tries < 8
    (text,) = company.bell_of(290)
    assert "you commented on" in text
    assert company.bell_of(3)


async def test_the_second_search_for_those_who_are_new_goes_on_too(company, tmp_path, clock, served):
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        company.add_person(400, "Nina", "New")
        company.add_comment(5, 400)
        company.calls.clear()
        limit = TwoAtATime(company)
        await house.edit(5, user=1, text="Holidays: from 3 to 14 June")

        tries = await tried(house, limit, 12)

        assert [] == await rounds(house)
    people = [params.integer("USER_ID") for params in company.called(METHOD)]
    assert {1: 2, 299: 2, 400: 1} == {one: people.count(one) for one in (1, 299, 400)}
    assert tries < 12
    assert len(company.bell_of(400)) == 1
