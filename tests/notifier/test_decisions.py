"""Who was told of the last edit of a post, who was not, and why: recorded with the settle."""

from livefeed.notifier.decisions import find, who

from .conftest import MEMBER

NEW = "Holidays: from 3 to 14 June. [USER=4]Chris[/USER] decides"
OLD = "Holidays: from 1 to 14 June. [USER=4]Chris[/USER] decides"


async def lines(house, post=5):
    found = await house.store.read(lambda tx: who(tx, MEMBER, post))
    return {one.person: (one.is_told, one.reason, one.why, one.state) for one in found}


async def test_who_is_told_is_recorded_with_his_reason_and_who_is_not_with_another(house):
    await house.edit(5, user=2, text=NEW)
    await house.work()

    expected = {
        3: (True, "commenter", "", "sent"),
        4: (True, "mentioned", "", "sent"),
        2: (False, "author", "made the edit", None),
        1: (False, None, "takes no part in the discussion", None),
    }
    assert await lines(house) == expected


async def test_who_was_dismissed_is_named_as_such(house):
    await house.edit(5, user=1, text=f"{NEW} with [USER=6]Dana[/USER]")
    await house.work()

    assert (await lines(house))[6] == (False, "mentioned", "does not work there any more", None)


async def test_a_cosmetic_edit_is_recorded_as_the_reason_of_silence(house):
    await house.edit(5, user=1, text=OLD + " !!")
    await house.work()

    assert {why for _, _, why, _ in (await lines(house)).values()} == {
        "only markup, white space, punctuation or case differ"
    }


async def test_edit_and_revert_are_recorded_as_two_events_and_no_difference(house):
    await house.edit(5, user=1, text=NEW)
    await house.edit(5, user=1, text=OLD)
    await house.work()

    ruling = await house.store.read(lambda tx: find(tx, MEMBER, 5))
    assert (ruling.events, ruling.silence) == (2, "nothing differs from what was last told")
    assert (ruling.from_version, ruling.to_version) == (1, 1)


async def test_a_newer_decision_takes_the_place_of_the_one_before(house):
    await house.edit(5, user=1, text=NEW)
    await house.work()
    await house.edit(5, user=3, text=NEW.replace("14", "20"))
    await house.work()

    found = await lines(house)
    assert (found[2][0], found[3][2]) == (True, "made the edit")


async def test_nothing_is_known_before_the_first_edit(house):
    assert await lines(house) == {}
