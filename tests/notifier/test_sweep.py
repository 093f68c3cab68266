"""What no event told is found by the sweep, told as usual, and marked."""

import pytest
from tests.notifier.conftest import QUIET_S, House, open_house
from tests.notifier.fake_portal import MEMBER

from livefeed.app.inbox import list_inbox
from livefeed.app.sweep import progress
from livefeed.durable.store import Tx
from livefeed.notifier import archive
from livefeed.notifier.gaps import Report, report

QUARTER_S = 900.0
NIGHT_S = 86_400.0


async def reported(house: House) -> Report:
    (one,) = await house.store.read(report)
    return one


async def sweep(house: House, seconds: float = QUARTER_S) -> None:
    """Let a sweep come, and what it found be told."""
    await house.work(seconds)
    await house.work()


async def test_an_edit_that_nobody_told_is_told_and_marked(house, company):
    company.edit(5, text="Holidays: from 3 to 14 June. [USER=4]Chris[/USER] decides")

    await sweep(house)

    (text,) = company.bell_of(3)
    assert text.startswith("Someone changed «Holidays» — you commented on it (found by sweep): ")
    assert "[s]1[/s] [b]3[/b]" in text
    found = await reported(house)
    assert [("sweep", 5, 2)] == [(one.how, one.post, one.version) for one in found.edits]
    assert found.edits[0].late_ms <= (QUARTER_S + 120) * 1000
    assert (0, 1) == (found.counts["event"].edits, found.counts["sweep"].edits)


async def test_the_mark_is_said_in_russian_too(company, tmp_path, clock, served):
    async with open_house(tmp_path, company, clock) as house:
        await house.install(language="ru")
        company.edit(7, text="Canteen opens at 11:30")
        await sweep(house)
    (text,) = company.bell_of(3)
    assert "вы автор (найдено при сверке): " in text


async def test_an_edit_that_was_told_is_not_told_again_and_counts_as_told_by_its_event(house, company):
    await house.edit(5, user=1, text="Holidays: from 2 to 14 June")
    await house.work()
    before = dict(company.bell)

    await sweep(house)

    assert before == company.bell
    assert "found by sweep" not in company.bell_of(2)[0]
    found = await reported(house)
    assert ["event"] == [one.how for one in found.edits]


async def test_a_sweep_leaves_alone_what_an_event_is_waiting_for(house, company):
    await house.running.worker.run_due()
    house.clock.advance(QUARTER_S - 30)
    await house.edit(5, user=1, text="Holidays: from 2 to 14 June")  # its quiet time ends after the sweep
    house.clock.advance(30)
    await house.work()

    found = await reported(house)
    assert ["event"] == [one.how for one in found.edits]
    assert found.sweeps[0].last_ended_at == house.clock.now_ms() - QUIET_S * 1000
    assert 1 == len(await house.store.read(lambda tx: list_inbox(tx, post=5)))


async def test_a_new_post_and_one_that_is_gone_are_found_too(house, company):
    await sweep(house)
    company.add_post(9, 2, "Nobody told of this one")
    del company.posts[7]

    await sweep(house, NIGHT_S)

    def states(tx: Tx):
        new, gone = archive.find(tx, MEMBER, 9), archive.find(tx, MEMBER, 7)
        return new.seen_version, new.is_gone, gone.is_gone

    assert (1, False, True) == await house.store.read(states)
    assert [("sweep", 9, 1)] == [(one.how, one.post, one.version) for one in (await reported(house)).edits]


async def test_a_post_that_only_the_page_did_not_show_is_not_gone(house, company):
    await sweep(house)
    entries = dict(company.entries)
    company.entries[7] = -1  # out of reach of every page, but it can be read by its number
    await sweep(house, NIGHT_S)
    company.entries = entries

    assert not (await house.store.read(lambda tx: archive.find(tx, MEMBER, 7))).is_gone
    assert [] == company.bell_of(3)


async def test_a_sweep_that_is_interrupted_goes_on_where_it_was(company, tmp_path, clock, served):
    for number in range(100, 2_600):
        company.add_post(number, 2, f"post {number}", entry=number)
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        for number in (150, 2_550):
            company.edit(number, text=f"another {number}")
        clock.advance(QUARTER_S)
        company.faults["log.blogpost.get"] = 0
        asked = company.answer
        calls = 0

        def once(method, params, user):
            nonlocal calls
            if method == "batch":
                calls += 1
                if calls == 2:
                    company.faults["batch"] = 1_000
            return asked(method, params, user)

        company.answer = once
        await house.running.worker.run_due()
        under_way = await house.store.read(lambda tx: progress.find(tx, MEMBER, "hot"))
        assert under_way.began_at is not None
        assert 0 < under_way.looked < 2_500
    company.answer = asked
    company.faults.clear()
    company.calls.clear()
    async with open_house(tmp_path, company, clock) as house:
        clock.advance(600)
        await house.work(600)
        ended = await house.store.read(lambda tx: progress.find(tx, MEMBER, "hot"))
        assert ended.began_at is None
        first = min(
            params.integer("FIRST_ID")
            for params in company.called("log.blogpost.get")
            if params.has("FIRST_ID")
        )
        assert first > 1_000, "what was looked at before is not looked at again"
        await house.work()
        assert {150, 2_550} == {one.post for one in (await reported(house)).edits}


async def test_the_night_counts_what_can_be_read_and_the_coverage_is_of_that(house, company):
    assert 100 == (await reported(house)).coverage.percent
    company.unreadable.add(7)
    company.add_post(9, 2, "one more")
    await house.work(NIGHT_S)
    found = await reported(house)
    assert (2, 2, "done") == (found.coverage.readable, found.coverage.archived, found.coverage.phase)
    assert {"hot", "all"} == {one.scope for one in found.sweeps if one.last_ended_at}


@pytest.mark.parametrize("method", ["log.blogpost.get", "batch"])
async def test_a_portal_that_refuses_for_days_does_not_end_the_sweeps(house, company, method):
    company.faults[method] = 10_000
    for _ in range(12):
        await house.work(21_600)
    company.faults.clear()
    company.edit(5, text="Holidays: from 3 to 14 June")
    await house.work(21_600)
    await sweep(house)
    assert "[s]1[/s] [b]3[/b]" in company.bell_of(3)[0]


PRIVATE = 9
BORIS = 3


async def state_of(house: House, post: int) -> tuple[int, bool] | None:
    """The version that was seen last, and whether the post is gone."""
    known = await house.store.read(lambda tx: archive.find(tx, MEMBER, post))
    return None if known is None else (known.seen_version, known.is_gone)


async def test_a_post_that_the_installer_does_not_see_is_found_with_the_token_of_one_who_does(house, company):
    company.add_post(PRIVATE, 2, "The party is on Friday. [USER=4]Chris[/USER] brings the cake")
    company.only_for[PRIVATE] = {2, BORIS, 4}
    await sweep(house)
    assert await state_of(house, PRIVATE) is None

    await house.connect(BORIS)
    await sweep(house)
    assert await state_of(house, PRIVATE) == (1, False)

    company.edit(PRIVATE, text="The party is on Monday. [USER=4]Chris[/USER] brings the cake")
    await sweep(house)
    (text,) = company.bell_of(4)
    assert "(found by sweep): " in text

    del company.posts[PRIVATE]
    await sweep(house, NIGHT_S)
    assert await state_of(house, PRIVATE) == (2, True)
    found = await reported(house)
    assert found.coverage.readable == 2


async def test_what_the_installer_sees_stays_his_to_miss(house, company):
    """The other one's token ends; what he saw as well is missed all the same."""
    await house.connect(BORIS)
    await sweep(house)
    del company.tokens[f"access-of-{BORIS}"]
    company.refuses_refresh = True
    del company.posts[7]
    await sweep(house, NIGHT_S)

    assert await state_of(house, 7) == (1, True)
    assert {"hot", "all"} == {one.scope for one in (await reported(house)).sweeps if one.last_ended_at}


async def test_a_post_that_only_another_one_sees_now_is_not_gone(house, company):
    await house.connect(BORIS)
    await sweep(house)
    company.only_for[7] = {BORIS}
    await sweep(house, NIGHT_S)

    assert await state_of(house, 7) == (1, False)


async def test_an_installer_without_a_token_does_not_end_the_sweeps(house, company):
    await house.connect(BORIS)
    for token, person in list(company.tokens.items()):
        if person == 1:
            del company.tokens[token]
    company.refuses_refresh = True
    company.edit(7, text="Canteen opens at 11:30")
    await sweep(house)

    assert await state_of(house, 7) == (2, False)


async def test_a_sweep_asks_once_more_for_each_of_at_most_ten_others(house, company):
    for person in range(20, 40):
        company.add_person(person, f"Number {person}")
        await house.connect(person)
    company.calls.clear()
    await house.work(QUARTER_S)

    assert 11 == len(company.called("batch"))


async def test_an_interrupted_sweep_goes_on_with_the_one_who_was_looking(company, tmp_path, clock, served):
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        for person in (3, 4):
            await house.connect(person)
        asked, calls = company.answer, []

        def refuse_the_third(method, params, user):
            if method == "batch":
                calls.append(user)
                if len(calls) >= 3:
                    company.faults["batch"] = 1
            return asked(method, params, user)

        company.answer = refuse_the_third
        clock.advance(QUARTER_S)
        await house.running.worker.run_due()
        assert calls == [1, 3, 4]
    company.answer = asked
    async with open_house(tmp_path, company, clock) as house:
        seen = []
        company.answer = lambda method, params, user: (
            seen.append(user) if method == "batch" else None,
            asked(method, params, user),
        )[1]
        clock.advance(60)
        await house.running.worker.run_due()

        assert seen == [4]
        assert (await house.store.read(lambda tx: progress.find(tx, MEMBER, "hot"))).began_at is None
