"""The notifier whole: events in, bells out, over a portal that answers HTTP."""

import asyncio

from livefeed.notifier.policy import Editors, Silence
from livefeed.ui.languages import Words, told
from livefeed.wire.auth import Auth
from livefeed.wire.envelopes import Envelope
from livefeed.wire.events import typed

from .conftest import open_house
from .fake_portal import MEMBER

NEW = "Holidays: from 3 to 14 June. [USER=4]Chris[/USER] decides"
OLD = "Holidays: from 1 to 14 June. [USER=4]Chris[/USER] decides"


async def test_participants_hear_who_changed_what_and_why_they_are_told(house):
    await house.edit(5, user=1, text=NEW)
    await house.work()
    fragment = "Holidays: from [s]1[/s] [b]3[/b] to 14 June"
    expected = {
        2: [f"Alex Admin changed «Holidays» — you wrote it: {fragment}"],
        3: [f"Alex Admin changed «Holidays» — you commented on it: {fragment}"],
        4: [f"Alex Admin changed «Holidays» — you are mentioned in it: {fragment}"],
    }
    assert {person: house.portal.bell_of(person) for person in (2, 3, 4)} == expected
    assert house.portal.bell_of(1) == []


async def test_the_editor_gets_none_of_his_own_edit(house):
    await house.edit(5, user=2, text=NEW)
    await house.work()
    assert house.portal.bell_of(2) == []
    assert len(house.portal.bell_of(3)) == len(house.portal.bell_of(4)) == 1


async def test_the_editor_named_by_the_event_is_not_asked_for(house):
    await house.edit(5, user_id=2, text=NEW)
    await house.work()
    assert house.portal.called("user.current") == []
    assert house.portal.bell_of(2) == []


async def test_nothing_is_told_before_the_quiet_time_is_over(house):
    await house.edit(5, user=1, text=NEW)
    await house.work(59)
    assert house.portal.bell == {}
    await house.work(1)
    assert len(house.portal.bell) == 3


async def test_edits_within_the_quiet_time_are_one_notice(house):
    for text in ("Holidays: from 2 to 14 June", "Holidays: from 2 to 20 June", "Holidays: from 3 to 20 June"):
        await house.edit(5, user=1, text=text)
        await house.work(20)
    await house.work()
    assert len(house.portal.called("im.notify.personal.add")) == 3
    (text,) = house.portal.bell_of(2)
    assert "from [s]1[/s] [b]3[/b] to [s]14[/s] [b]20[/b] June" in text


async def test_edits_that_never_end_are_told_after_the_maximum_wait(house):
    for minute in range(10):
        await house.edit(5, user=1, text=f"Holidays: from {minute + 20} to 14 June")
        await house.work(35)
    assert house.portal.bell_of(2) != []


async def test_edit_and_revert_are_silent(house):
    await house.edit(5, user=1, text=NEW)
    await house.work(10)
    await house.edit(5, user=1, text=OLD)
    await house.work()
    assert house.portal.bell == {}
    assert await house.notices() == []


async def test_a_revert_after_it_was_told_is_told_too(house):
    await house.edit(5, user=1, text=NEW)
    await house.work()
    await house.edit(5, user=1, text=OLD)
    await house.work()
    (text,) = house.portal.bell_of(2)
    assert "from [s]3[/s] [b]1[/b] to 14 June" in text


async def test_one_notice_lives_for_each_person_and_post(house):
    for number in (3, 4, 8):
        await house.edit(5, user=1, text=f"Holidays: from {number} to 14 June")
        await house.work()
    assert len(house.portal.bell_of(2)) == 1
    assert "[s]4[/s] [b]8[/b]" in house.portal.bell_of(2)[0]


async def test_a_token_less_edit_is_told_as_an_automation(house):
    await house.edit(5, text=NEW)
    await house.work()
    assert house.portal.bell_of(2)[0].startswith("An automation changed «Holidays» — you wrote it: ")
    assert len(house.portal.bell) == 3


async def test_an_edit_whose_token_has_ended_is_told_as_someone(house):
    await house.edit(5, user=1, text=NEW)
    del house.portal.tokens["event-1"]
    await house.work()
    assert house.portal.bell_of(2)[0].startswith("Someone changed «Holidays»")


async def test_of_two_editors_each_hears_of_the_other_only(house):
    await house.edit(5, user=2, text="Holidays: from 2 to 14 June")
    await house.edit(5, user=3, text=NEW)
    await house.work()
    notices = {one.person: one.editors for one in await house.notices()}
    assert notices == {2: Editors(people=(3,)), 3: Editors(people=(2,)), 4: Editors(people=(2, 3))}


async def test_cosmetic_edits_are_silent_and_do_not_move_the_baseline(house):
    await house.edit(5, user=1, text=OLD.replace("June.", "[b]june[/b]!"))
    await house.work()
    assert house.portal.bell == {}
    await house.edit(5, user=1, text=NEW.replace("June.", "[b]june[/b]!"))
    await house.work()
    assert "[s]1[/s] [b]3[/b]" in house.portal.bell_of(2)[0]


async def test_a_comment_written_after_the_installation_makes_a_participant(house):
    house.portal.add_comment(5, 1)
    await house.edit(5, user=3, text=NEW)
    await house.work()
    assert "you commented on it" in house.portal.bell_of(1)[0]


async def test_a_new_colleague_who_commented_is_found(house):
    house.portal.add_person(9, "Eve", "New")
    house.portal.add_comment(5, 9)
    await house.edit(5, user=1, text=NEW)
    await house.work()
    assert "you commented on it" in house.portal.bell_of(9)[0]


async def test_comments_are_not_asked_for_again_when_none_was_added(house):
    before = len(house.portal.called("log.blogcomment.user.get"))
    await house.edit(5, user=1, text=NEW)
    await house.work()
    assert len(house.portal.called("log.blogcomment.user.get")) == before


async def test_whoever_is_mentioned_by_the_edit_is_told_and_so_is_whom_it_no_longer_mentions(house):
    await house.edit(5, user=1, text="Holidays: from 3 to 14 June. [USER=3]Boris[/USER] decides")
    await house.work()
    assert "you are mentioned in it" in house.portal.bell_of(3)[0]
    assert "you are mentioned in it" in house.portal.bell_of(4)[0]


async def test_who_was_dismissed_is_not_told(house):
    await house.edit(5, user=1, text=NEW + " [USER=6]Dana[/USER]")
    await house.work()
    assert house.portal.bell_of(6) == []


async def test_a_post_added_later_is_compared_with_its_first_text(house):
    house.portal.add_post(8, 2, "Lunch at 12:00", title="Lunch")
    await house.arrive("ONLIVEFEEDPOSTADD", 8, user=2)
    await house.work()
    await house.edit(8, user=1, text="Lunch at 13:00")
    await house.work()
    assert "Lunch at [s]12:00[/s] [b]13:00[/b]" in house.portal.bell_of(2)[0]


async def test_a_post_never_seen_before_becomes_the_baseline(house):
    house.portal.add_post(8, 2, "Lunch at 12:00", title="Lunch")
    await house.edit(8, user=1, text="Lunch at 13:00")
    await house.work()
    assert house.portal.bell == {}
    await house.edit(8, user=1, text="Lunch at 14:00")
    await house.work()
    assert "[s]13:00[/s] [b]14:00[/b]" in house.portal.bell_of(2)[0]


async def test_an_update_that_drops_the_title_keeps_the_name_people_know(house):
    await house.edit(5, user=1, text=NEW, title="Holidays: from 3", is_micro=True)
    await house.work()
    assert "changed «Holidays» — " in house.portal.bell_of(2)[0]
    assert "title:" not in house.portal.bell_of(2)[0]


async def test_a_post_nobody_can_read_is_left_alone(house):
    house.portal.unreadable.add(5)
    await house.edit(5, text=NEW)
    await house.work()
    assert house.portal.bell == {}


async def test_no_notice_of_a_deleted_post_is_sent(house):
    house.portal.faults["im.notify.personal.add"] = 1000
    await house.edit(5, user=1, text=NEW)
    await house.work()
    house.portal.unreadable.add(5)
    await house.arrive("ONLIVEFEEDPOSTDELETE", 5)
    await house.work()
    house.portal.faults.clear()
    await house.work(600)
    assert house.portal.bell == {}
    assert {one.state for one in await house.notices()} == {"skipped"}


async def test_a_notice_that_was_not_taken_yet_is_repeated_under_the_same_tag(house):
    house.portal.faults["im.notify.personal.add"] = 3
    await house.edit(5, user=1, text=NEW)
    await house.work()
    assert {(one.state, one.calls) for one in await house.notices()} == {("sending", 1)}
    await house.work(600)
    assert {(one.state, one.calls) for one in await house.notices()} == {("sent", 2)}
    assert len(house.portal.bell) == 3


async def test_a_bell_call_whose_answer_is_lost_is_repeated_and_counted_and_shows_once(house):
    house.portal.cut_answers["im.notify.personal.add"] = 1
    await house.edit(5, user=1, text=NEW)
    await house.work()
    await house.work(600)
    calls = sorted(one.calls for one in await house.notices())
    assert sum(calls) == len(house.portal.called("im.notify.personal.add")) == 4
    assert {one.state for one in await house.notices()} == {"sent"}
    assert [len(house.portal.bell_of(person)) for person in (2, 3, 4)] == [1, 1, 1]


async def test_a_notice_that_waits_is_made_to_tell_of_the_newer_edit_too(house):
    await house.hold_bells("paused")
    await house.edit(5, user=1, text=NEW)
    await house.work()
    await house.edit(5, user=3, text="Holidays: from 4 to 14 June. [USER=4]Chris[/USER] decides")
    await house.work()
    assert {(one.from_version, one.to_version) for one in await house.notices() if one.person != 3} == {
        (1, 3)
    }
    await house.hold_bells("active")
    await house.work()
    assert {one.state for one in await house.notices()} == {"sent"}
    assert house.portal.bell_of(2)[0].startswith("Alex Admin and Boris Ivanov changed «Holidays»")
    assert "from [s]1[/s] [b]4[/b]" in house.portal.bell_of(2)[0]
    assert "from [s]1[/s] [b]3[/b]" in house.portal.bell_of(3)[0]


async def test_a_notice_that_waited_when_the_application_left_keeps_nobody_from_being_told_again(house):
    await house.hold_bells("paused")
    await house.edit(5, user=1, text=NEW)
    await house.work()
    runtime = house.running.runtime
    left = Envelope(
        event="ONAPPUNINSTALL", data={"CLEAN": "0"}, auth=Auth(member_id=MEMBER, application_token="t" * 32)
    )
    await house.running.leaving.leave(runtime.portals.get(MEMBER), typed(left))
    house.portal.tokens["access-0"] = 1
    await house.install()

    await house.edit(5, user=3, text="Holidays: from 4 to 14 June. [USER=4]Chris[/USER] decides")
    await house.work()

    assert {one.state for one in await house.notices()} == {"sent", "skipped"}
    assert house.portal.bell_of(2)[0].startswith("Boris Ivanov changed «Holidays»")


async def test_a_waiting_notice_of_an_edit_that_was_reverted_is_skipped(house):
    await house.hold_bells("paused")
    await house.edit(5, user=1, text=NEW)
    await house.work()
    await house.edit(5, user=1, text=OLD)
    await house.work()
    await house.hold_bells("active")
    await house.work()
    assert {(one.state, one.calls) for one in await house.notices()} == {("skipped", 0)}
    assert house.portal.bell == {}


async def test_a_person_without_a_bell_is_a_failed_notice(house):
    house.portal.bells_wanted = False
    await house.edit(5, user=1, text=NEW)
    await house.work()
    assert {one.state for one in await house.notices()} == {"failed"}


async def test_a_portal_that_is_down_delays_but_loses_nothing(house):
    house.portal.faults["log.blogpost.get"] = 1
    await house.edit(5, user=1, text=NEW)
    await house.work()
    assert house.portal.bell == {}
    await house.work(600)
    assert len(house.portal.bell) == 3


async def test_a_russian_portal_is_told_in_russian(company, tmp_path, clock, served):
    async with open_house(tmp_path, company, clock) as house:
        await house.install(language="ru")
        await house.edit(5, user=2, text=NEW)
        await house.work()
        assert company.bell_of(3)[0].startswith("Anna Petrova изменила «Holidays» — вы там комментировали: ")


async def test_after_a_restart_the_back_fill_is_not_repeated(company, tmp_path, clock, served):
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
    company.calls.clear()
    async with open_house(tmp_path, company, clock) as house:
        await house.work()
        assert company.called("log.blogpost.get") == []
        await house.edit(5, user=1, text=NEW)
        await house.work()
    assert len(company.bell) == 3


async def test_a_process_that_dies_while_sending_repeats_the_bell_under_the_same_tag(
    company, tmp_path, clock, served
):
    called = company.holds["im.notify.personal.add"] = asyncio.Event()
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        await house.edit(7, user=1, text="Canteen opens at 11:30")
        working = asyncio.create_task(house.work())
        await called.wait()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        assert {(one.state, one.calls) for one in await house.notices()} == {("sending", 1)}
    company.holds.clear()
    async with open_house(tmp_path, company, clock) as house:
        await house.work()
        assert {(one.state, one.calls) for one in await house.notices()} == {("sent", 2)}
    assert len(company.called("im.notify.personal.add")) == 2
    assert len(company.bell_of(3)) == 1


async def test_a_process_that_dies_before_the_settle_tells_once(company, tmp_path, clock, served):
    called = company.holds["user.current"] = asyncio.Event()
    async with open_house(tmp_path, company, clock) as house:
        await house.install()
        await house.edit(7, user=1, text="Canteen opens at 11:30")
        working = asyncio.create_task(house.work())
        await called.wait()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    company.holds.clear()
    async with open_house(tmp_path, company, clock) as house:
        await house.work()
        assert {(one.state, one.calls) for one in await house.notices()} == {("sent", 1)}


async def test_the_steps_of_an_edit_are_shown(house):
    from livefeed.app.inbox import list_inbox

    await house.edit(5, user=1, text=NEW)
    await house.work()
    row = (await house.store.read(lambda tx: list_inbox(tx, post=5)))[0]
    steps = {step.step: step.detail for step in row.steps}
    assert steps["compared"] == "text"
    assert steps["told"] == "2 (the author), 4 (mentioned there), 3 (commented on it)"


async def test_a_silence_is_said_in_the_readers_language(house):
    from livefeed.app.inbox import list_inbox

    await house.edit(5, user=1, text=f"{OLD}!")
    await house.work()
    row = (await house.store.read(lambda tx: list_inbox(tx, post=5)))[0]

    (words,) = [step.words for step in row.steps if step.step == "told"]

    assert told(words, "en") == "nobody: only markup, white space, punctuation or case differ"
    assert told(words, "ru") == "никому: отличаются только разметка, пробелы, знаки препинания или регистр"


def test_every_silence_has_words_in_russian():
    for why in Silence:
        assert told(Words(text=why), "ru") != str(why)
