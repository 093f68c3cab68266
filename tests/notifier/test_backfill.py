"""What is read at installation, and that nothing of it is missed or read twice."""

import asyncio

import pytest
from click.testing import CliRunner

from livefeed.app.inbox import pending_setup
from livefeed.cli.app.gaps import gaps
from livefeed.notifier import archive
from livefeed.notifier.comments import archive_some_comments, commenters
from livefeed.notifier.gaps import report
from livefeed.notifier.people import find_people
from livefeed.wire.faults import QueryLimitExceeded

from .conftest import open_house
from .fake_portal import MEMBER


async def archived(house, post):
    return await house.store.read(lambda tx: archive.find(tx, MEMBER, post))


async def known_commenters(house, post):
    return await house.store.read(lambda tx: commenters(tx, MEMBER, post))


async def test_people_posts_and_commenters_are_archived_at_installation(house):
    people = await house.store.read(lambda tx: find_people(tx, MEMBER, range(10)))
    assert {person.name for person in people.values()} == {
        "Alex Admin", "Anna Petrova", "Boris Ivanov", "Chris Lee", "Dana Gone",
    }  # what belongs together in a line # fmt: skip
    post = await archived(house, 5)
    assert (post.author, post.told_version, post.told.title) == (2, 1, "Holidays")
    assert (await archived(house, 7)).told.is_derived
    assert await known_commenters(house, 5) == {3: 1}
    assert await known_commenters(house, 7) == {}


async def test_the_installation_is_not_ready_before_the_back_fill_is_done(company, tmp_path, clock, served):
    company.faults["user.get"] = 2
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        names = ["backfill"]
        assert await house.store.read(lambda tx: pending_setup(tx, MEMBER, names)) == 1
        await house.work(600)
        assert await house.store.read(lambda tx: pending_setup(tx, MEMBER, names)) == 0
        assert await archived(house, 5) is not None


async def test_a_feed_of_many_pages_is_read_whole_in_few_requests(company, tmp_path, clock, served):
    for number in range(100, 1300):
        company.add_post(number, 2, f"post {number} of many")
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        missing = [number for number in company.posts if await archived(house, number) is None]
    assert missing == []
    assert len(company.called("batch")) <= 5


async def test_a_back_fill_that_is_interrupted_goes_on_where_it_was(company, tmp_path, clock, served):
    for number in range(100, 700):
        company.add_post(number, 2, f"post {number} of many")
    company.faults["log.blogcomment.user.get"] = 1000
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        assert await known_commenters(house, 5) == {}
        company.calls.clear()
        company.faults.clear()
        await house.work(600)
        assert await known_commenters(house, 5) == {3: 1}
    assert not any(params.has("start") for params in company.called("log.blogpost.get"))


async def test_a_back_fill_tells_how_far_it_has_come(company, tmp_path, clock, served):
    for number in range(100, 700):
        company.add_post(number, 2, f"post {number} of many")
    asked, batches = company.answer, []

    def until_the_second_batch(method, params, user):
        if method == "batch" and len(batches) == 1:
            raise QueryLimitExceeded
        batches.extend([method] * (method == "batch"))
        return asked(method, params, user)

    company.answer = until_the_second_batch
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        (told,) = await house.store.read(report)
        db = house.running.runtime.settings.db
        printed = await asyncio.to_thread(CliRunner().invoke, gaps, ["--db", db], catch_exceptions=False)

    assert (told.coverage.phase, told.coverage.readable, told.coverage.archived) == ("posts", 602, 500)
    assert "83 % (back-fill: posts)" in printed.output


async def test_people_whose_comments_were_read_are_not_asked_again_by_the_next_try(
    company, tmp_path, clock, served
):
    for number in range(100, 220):
        company.add_person(number, "Clerk", f"Number {number}")
    asked, batches = company.answer, []

    def until_the_fourth_batch(method, params, user):
        if method == "batch" and len(batches) == 3:
            raise QueryLimitExceeded
        batches.extend([method] * (method == "batch"))
        return asked(method, params, user)

    company.answer = until_the_fourth_batch
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        company.answer = asked
        await house.work(600)
        (told,) = await house.store.read(report)

    people = [params.integer("USER_ID") for params in company.called("log.blogcomment.user.get")]
    assert told.coverage.phase == "done"
    assert len(people) == len(set(people)) == 124


async def test_the_back_fill_does_not_replace_what_an_event_brought(company, tmp_path, clock, served):
    company.faults["user.get"] = 2
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        await house.edit(5, user=1, text="Holidays: from 2 to 14 June")
        await house.work(600)
        assert (await archived(house, 5)).seen_version in {1, 2}
        await house.edit(5, user=1, text="Holidays: from 3 to 14 June")
        await house.work()
        assert "[s]2[/s] [b]3[/b]" in company.bell_of(2)[0]


@pytest.mark.parametrize("oldest_first", [True, False])
async def test_long_lists_of_comments_are_read_whole_in_either_order(
    company, tmp_path, clock, served, oldest_first
):
    company.oldest_comments_first = oldest_first
    for _ in range(250):
        company.add_comment(7, 3)
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        assert await known_commenters(house, 7) == {3: 250}
        for _ in range(130):
            company.add_comment(7, 3)
        company.add_comment(7, 4)
        runtime = house.running.runtime
        last = 0
        while last is not None:
            last = await archive_some_comments(runtime.store, runtime.client(MEMBER), MEMBER, last)
        assert await known_commenters(house, 7) == {3: 380, 4: 1}


async def test_comments_under_entries_that_are_no_posts_belong_to_no_post(company, tmp_path, clock, served):
    company.comments.append((1, 55, 4))  # between the entries 50 and 70 of the two posts
    company.comments.append((2, 9999, 4))
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        assert await known_commenters(house, 5) == {3: 1}
        assert await known_commenters(house, 7) == {}


async def test_the_first_entry_of_a_feed_is_resolved_too(company, tmp_path, clock, served):
    company.add_post(1, 2, "the very first post", entry=1)
    company.add_comment(1, 4)
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        assert await known_commenters(house, 1) == {4: 1}


async def test_the_back_fill_reads_what_only_others_see_with_their_tokens(company, tmp_path, clock, served):
    for number in range(100, 700):
        company.add_post(number, 2, f"post {number} of many")
    for number in (8, 9):
        company.add_post(number, 3, "For the board alone")
        company.only_for[number] = {3, 4}
    company.faults["user.get"] = 2
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        for person in (3, 4):
            await house.connect(person)
        asked, pages = company.answer, []

        def until_the_fourth_batch(method, params, user):
            if method == "batch" and len(pages) == 3:
                raise QueryLimitExceeded
            pages.extend([user] * (method == "batch"))
            return asked(method, params, user)

        company.answer = until_the_fourth_batch
        await house.work()
        assert [1, 1, 3] == pages, "two requests each; the second of his fails"
        company.answer = asked
        company.calls.clear()
        await house.work()
        (told,) = await house.store.read(report)

        starts = [one.integer("start") for one in company.called("log.blogpost.get") if one.has("start")]
        assert 500 == starts[0], "nobody reads again what he has read"
        assert None not in [await archived(house, number) for number in (8, 9, 699)]
    assert ("done", 604, 604) == (told.coverage.phase, told.coverage.readable, told.coverage.archived)
    assert [] == told.edits, "nothing of it had to be found"


async def test_the_back_fill_goes_on_without_the_token_of_whoever_installed(company, tmp_path, clock, served):
    company.faults["user.get"] = 2
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        company.refuses_refresh = True
        company.tokens.clear()
        await house.work()
        assert await archived(house, 5) is None
        await house.connect(3)
        await house.work(7_200)
        assert await archived(house, 5) is not None
        assert await known_commenters(house, 5) == {3: 1}
