"""An edit through the REST interface of the portal reaches the bells of those who take part."""

OLD = "The office is closed from 1 to 14 June"
NEW = "The office is closed from 3 to 14 June"


async def holidays(town):
    """A post of James (2), on which Olga (3) commented and which mentions Daniel (4)."""
    text = OLD + ". Ask [USER=4]Daniel[/USER]"
    post = await town.call(2, "log.blogpost.add", POST_TITLE="Holidays", POST_MESSAGE=text, DEST=["UA"])
    await town.call(3, "log.blogcomment.add", POST_ID=post, TEXT="Thank you!")
    await town.settle()
    return post


async def edit(town, post, text, user=1, **more):
    text += ". Ask [USER=4]Daniel[/USER]"
    await town.call(user, "log.blogpost.update", POST_ID=post, POST_MESSAGE=text, **more)


async def about_holidays(town, user):
    return [text for text in await town.bell(user) if "Holidays" in text]


async def test_the_bell_holds_the_old_and_the_new_word_the_editor_the_title_and_the_reason(town):
    post = await holidays(town)
    await edit(town, post, NEW, POST_TITLE="Holidays")
    await town.settle()
    line = "The office is closed from [s]1[/s] [b]3[/b] to 14 June"
    for user, reason in ((2, "you wrote it"), (3, "you commented on it"), (4, "you are mentioned in it")):
        (text,) = await about_holidays(town, user)
        assert text == f"Anna Petrova changed «Holidays» — {reason}: {line.split('office ')[1]}"
    assert await about_holidays(town, 1) == []


async def test_the_author_who_edits_gets_none(town):
    post = await holidays(town)
    await edit(town, post, NEW, user=2)
    await town.settle()
    assert await about_holidays(town, 2) == []
    assert len(await about_holidays(town, 3)) == 1


async def test_edit_and_revert_within_the_quiet_time_give_none(town):
    post = await holidays(town)
    await edit(town, post, NEW)
    await town.deliver()
    town.clock.advance(5)
    await edit(town, post, OLD)
    await town.settle()
    assert [await about_holidays(town, user) for user in (1, 2, 3, 4)] == [[], [], [], []]


async def test_an_edit_by_an_automation_is_told_too(town):
    post = await holidays(town)
    await town.admin.run("edit_post", {"post": post, "text": NEW, "as_automation": True})
    await town.settle()
    (text,) = await about_holidays(town, 3)
    assert text.startswith("An automation changed «Holidays» — you commented on it: ")


async def test_posts_and_comments_of_before_the_installation_are_known(town):
    posts = await town.call(1, "log.blogpost.get")
    post = next(row for row in posts if int(row["NUM_COMMENTS"]) and row["AUTHOR_ID"] != "1")
    text = post["DETAIL_TEXT"] + " One more sentence: 12:45."
    await town.call(1, "log.blogpost.update", POST_ID=post["ID"], POST_MESSAGE=text, POST_TITLE=post["TITLE"])
    before = {person.id: len(await town.bell(person.id)) for person in town.seeded.people}
    await town.settle()
    told = [user for user in before if len(await town.bell(user)) > before[user]]
    assert int(post["AUTHOR_ID"]) in told
    assert len(told) > 1
    assert 1 not in told


async def test_an_edit_in_a_group_is_told_to_its_author(town):
    post = await town.call(2, "log.blogpost.add", POST_MESSAGE="Room 7 at 10:00", DEST=["U2", "U3"])
    await town.settle()
    await town.call(1, "log.blogpost.update", POST_ID=post, POST_MESSAGE="Room 8 at 10:00")
    await town.settle()
    assert any("[s]7[/s] [b]8[/b]" in text for text in await town.bell(2))


async def test_the_first_edit_is_told_even_within_the_quiet_time_of_the_new_post(town):
    post = await town.call(2, "log.blogpost.add", POST_TITLE="Holidays", POST_MESSAGE=OLD, DEST=["UA"])
    await town.settle(seconds=0)
    await town.call(1, "log.blogpost.update", POST_ID=post, POST_MESSAGE=NEW, POST_TITLE="Holidays")
    await town.settle()
    (text,) = await about_holidays(town, 2)
    assert "[s]1[/s] [b]3[/b]" in text
