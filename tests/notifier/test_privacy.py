"""What is kept of one person is shown and erased; words that are redacted are gone for good; holds keep."""

import json
import re
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from tests import engines

from livefeed.app.admin import Admin, OperationRefused
from livefeed.app.inbox import open_body
from livefeed.app.installs.housekeeping import purge_old
from livefeed.cli.db.access import Opener
from livefeed.durable.store import Tx
from livefeed.errors import SettingsError
from livefeed.notifier import archive, backfill
from livefeed.notifier.changes import Version
from livefeed.notifier.privacy.erasing import Hands, Progress, erase_some
from livefeed.notifier.privacy.exporting import export
from livefeed.notifier.privacy.places import PLACES
from livefeed.settings import DatabaseUrl
from livefeed.wire.auth import Auth
from livefeed.wire.envelopes import Envelope
from livefeed.wire.events import typed

from .conftest import House
from .fake_portal import MEMBER

PERSON = 7_654_321
NAME = "Wilhelmina Quux"
SECRET = "the boiler in cellar 42 leaks"
DAY_S = 86_400


@dataclass
class Office:
    """Commands to the house, as the administrator's door takes them."""

    house: House

    async def do(self, operation: str, **arguments: object) -> dict[str, Any]:
        return await Admin(self.house.running).run(operation, {"portal": MEMBER, **arguments})

    async def erase(self, person: int = PERSON) -> dict[str, Any]:
        done: dict[str, Any] = {"is_over": False}
        at: dict[str, Any] = {}
        while not done["is_over"]:
            done = await self.do("person_erase", person=person, **at)
            at = {name: done[name] for name in ("place", "after", "mended", "left", "held")}
        return done

    async def export(self, person: int = PERSON) -> dict[str, Any]:
        keys = self.house.running.runtime.keys
        found = await self.house.store.read(lambda tx: export(tx, keys, Opener(tx, keys), MEMBER, person))
        return json.loads(msgspec.json.encode(found))

    async def dump(self) -> str:
        """Everything that lies in the database, what is sealed opened."""
        keys = self.house.running.runtime.keys

        def read(tx: Any) -> str:
            opener, found = Opener(tx, keys), []
            for table in engines.tables(tx):
                for row in tx.execute(f'SELECT * FROM "{table}"'):
                    for name, value in dict(row).items():
                        shown = value
                        if isinstance(value, bytes | memoryview):
                            try:
                                shown = open_body(opener, MEMBER, bytes(value))[1].decode()
                            except (SettingsError, ValueError):
                                shown = bytes(value).decode(errors="replace")
                        found.append(f"{table}.{name}={shown}")
            return "\n".join(found)

        return await self.house.store.read(read)


def traces(dump: str) -> list[str]:
    return re.findall(rf"^.*(?:(?<!\d){PERSON}(?!\d)|{NAME}|{SECRET}).*$", dump, re.MULTILINE)


@pytest.fixture
async def office(house: House) -> Office:
    """He has written, edited and commented, is mentioned, was told, and has opened the application."""
    portal = house.portal
    portal.add_person(PERSON, *NAME.split())
    portal.add_post(21, PERSON, f"{SECRET}. [USER=4]Chris[/USER]", title=SECRET)
    portal.add_post(22, 2, f"Ask [USER={PERSON}]{NAME}[/USER] about 5 keys", title="Keys")
    for post in (21, 22):
        await house.arrive("ONLIVEFEEDPOSTADD", post, user=2)
    await house.work()
    portal.add_comment(5, PERSON)
    await house.connect(PERSON)
    await house.edit(5, user_id=PERSON, text="Holidays: from 2 to 14 June. [USER=4]Chris[/USER] decides")
    await house.edit(21, user_id=2, text=f"{SECRET} since 5 o'clock")
    await house.edit(22, user_id=3, text=f"Ask [USER={PERSON}]{NAME}[/USER] about 6 keys")
    await house.work()
    assert house.portal.bell_of(PERSON) != []
    for text in (
        "INSERT INTO comment_round (portal, post, version, is_again, after, at) "
        f"VALUES ('{MEMBER}', 7, 1, 0, {PERSON}, 0)",
        f"UPDATE told_portal SET reader = {PERSON}",
        f"UPDATE sweep SET reader = {PERSON} WHERE scope = 'hot'",
    ):
        await house.store.write(lambda tx, text=text: tx.execute(text))
    return Office(house)


async def test_an_edit_of_somebody_elses_post_meanwhile_leaves_nothing_of_who_is_erased(office: Office):
    store, runtime = office.house.store, office.house.running.runtime
    his = Version(title=SECRET, text=SECRET)

    def write_much(tx: Tx) -> None:
        for post in range(100, 160):
            archive.add(tx, MEMBER, post, PERSON, his, archive.Source.BACKFILL)

    def edit(tx: Tx) -> None:
        known = archive.find(tx, MEMBER, 7)
        later = Version(title="Canteen", text=f"opens {known.seen_version} minutes later")
        archive.see(tx, MEMBER, known, later, archive.Source.SWEPT)

    class Edited:
        """The store, where a post is edited behind each look."""

        write = store.write

        async def read(self, query: Any) -> Any:
            found = await store.read(query)
            await store.write(edit)
            return found

    await store.write(write_much)
    hands = Hands(store=Edited(), keys=runtime.keys, portal_keys=runtime.portal_keys)
    at = Progress()
    while not at.is_over:
        at = await erase_some(hands, MEMBER, PERSON, at)

    assert [] == traces(await office.dump())


async def test_an_export_has_everything_that_is_kept(office: Office):
    kept = (await office.export())["kept"]

    assert {"name": NAME, "gender": "", "is_active": True} == kept["profile"][0]
    versions = {(one["post"], one["version"]): one for one in kept["versions"]}
    assert [True, False] == [versions[21, 1]["is_author"], versions[21, 1]["is_mentioned"]]
    assert SECRET in versions[21, 2]["text"]
    assert [False, True] == [versions[22, 2]["is_author"], versions[22, 2]["is_mentioned"]]
    assert versions[5, 2]["is_editor"]
    assert {21} == {one["post"] for one in kept["posts"] if one["is_author"]}
    assert {5} == {one["post"] for one in kept["comments"]}
    assert {True, False} == {one["is_to_him"] for one in kept["notices"]}
    assert {5, 21, 22} == {one["post"] for one in kept["decisions"]}
    assert ["opener"] == [one["kind"] for one in kept["tokens"]]
    assert {True, False} == {one["acted"] for one in kept["events"]}
    assert kept["steps"]
    assert "refresh-of" not in json.dumps(kept)


async def test_nothing_is_left_of_a_person_who_is_erased(office: Office):
    assert len(traces(await office.dump())) > 15

    done = await office.erase()

    assert {"left": 0, "held": 0, "is_over": True} == {
        name: done[name] for name in ("left", "held", "is_over")
    }
    assert [] == traces(await office.dump())
    assert not any((await office.export())["kept"].values())
    assert 0 == (await office.erase())["mended"], "again it finds nothing"
    if engines.chosen() == "sqlite":
        assert done["is_overwritten"]
        path = DatabaseUrl.parse(office.house.running.runtime.settings.db).path
        for file in path.parent.glob(f"{path.name}*"):
            assert SECRET.encode() not in file.read_bytes(), file.name
            assert NAME.encode() not in file.read_bytes(), file.name


async def test_others_keep_what_is_theirs(office: Office):
    await office.erase()

    post = await office.house.store.read(lambda tx: archive.find(tx, MEMBER, 22))
    assert "Ask (…) about 6 keys" == post.seen.text
    his = await office.house.store.read(lambda tx: archive.find(tx, MEMBER, 21))
    assert [0, 2, "", "erased"] == [his.author, his.seen_version, his.seen.text, his.seen.withheld.why]
    assert {2, 3, 4} <= {one.person for one in await office.house.notices()}


async def test_nothing_of_him_comes_back(office: Office):
    """The portal still shows all of it: to a sweep, a back-fill, and to whoever handles the next edit."""
    house = office.house
    await office.erase()
    before = await office.dump()

    house.portal.calls.clear()
    known = house.running.runtime.portals.get(MEMBER)
    await house.store.write(lambda tx: backfill.forget(tx, MEMBER))
    await house.store.write(lambda tx: backfill.order(tx, known))
    await house.work(DAY_S)
    assert house.portal.called("user.get")
    assert {row["scope"] for row in await sweeps(house)} == {"hot", "all"}
    assert [] == traces(await office.dump())
    house.portal.bell.clear()
    await house.edit(21, user_id=PERSON, text=f"{SECRET} since 6 o'clock, [USER=4]Chris[/USER]")
    await house.edit(22, user_id=PERSON, text=f"Ask [USER={PERSON}]{NAME}[/USER] about 7 keys")
    await house.work()

    assert [] == house.portal.bell_of(PERSON)
    assert "Someone changed" in house.portal.bell_of(2)[0]
    assert "about [s]6[/s] [b]7[/b] keys" in house.portal.bell_of(2)[0]
    assert "the text, which is not kept here" in house.portal.bell_of(4)[0]
    left = traces(await office.dump())
    assert left == [one for one in left if one.startswith(("entry.body", "own_write"))], before


async def sweeps(house: House) -> list[Any]:
    """Those that have ended."""
    ended = "SELECT scope FROM sweep WHERE last_looked >= 4"
    return await house.store.read(lambda tx: [dict(row) for row in tx.execute(ended)])


async def test_who_is_admitted_again_is_kept_again(office: Office):
    await office.erase()

    assert (await office.do("person_admit", person=PERSON))["admitted"]
    assert not (await office.do("person_admit", person=PERSON))["admitted"]
    await office.house.edit(
        5, user_id=PERSON, text="Holidays: from 9 to 14 June. [USER=4]Chris[/USER] decides"
    )
    await office.house.work()

    assert f"{NAME} changed" in "".join(office.house.portal.bell_of(2))


async def test_the_words_of_a_version_are_gone_for_all(office: Office):
    """Of the newest version, too, which the portal still shows; and if somebody writes them again."""
    house = office.house
    words = (await redact_of(office, 22))[2].text
    done = await office.do("redact", post=22, version=2, reason="a name")

    assert [2] == done["redacted"]
    assert [] == (await office.do("redact", post=22, version=2))["redacted"]
    assert "about 6 keys" not in await office.dump()
    left = await redact_of(office, 22)
    assert ["", "redacted"] == [left[2].text, left[2].withheld.why]
    assert "about 5 keys" in left[1].text

    house.portal.bell.clear()
    await house.arrive("ONLIVEFEEDPOSTUPDATE", 22, user=3)
    await house.work(DAY_S)
    assert {1, 2} == (await redact_of(office, 22)).keys(), "the same words are no edit"
    await house.edit(22, user_id=3, text="Ask nobody about 8 keys")
    await house.work()
    assert "you wrote it: the text, which is not kept here" in house.portal.bell_of(2)[0]
    await house.edit(22, user_id=3, text=words)
    await house.work()
    assert "about 6 keys" not in await office.dump()
    assert "the text, which is not kept here" in house.portal.bell_of(2)[0]


async def redact_of(office: Office, post: int) -> dict[int, Any]:
    """The versions of a post, by number."""

    def read(tx: Any) -> dict[int, Any]:
        known = archive.find(tx, MEMBER, post)
        return {one: archive.version(tx, MEMBER, post, one) for one in range(1, known.seen_version + 1)}

    return await office.house.store.read(read)


async def keys(house: House) -> set[str]:
    """What the events that are kept are about."""
    query = "SELECT DISTINCT key FROM entry"
    return await house.store.read(lambda tx: {row[0] for row in tx.execute(query)})


async def test_what_is_held_is_left_until_the_hold_ends(office: Office):
    house = office.house
    held = {"reason": "case 17", "by": "Legal"}
    assert (await office.do("hold_add", kind="person", number=PERSON, **held))["set"]
    with pytest.raises(OperationRefused, match=r"held by Legal \(case 17\)"):
        await office.erase()
    with pytest.raises(OperationRefused, match="held by Legal"):
        await office.do("redact", post=21, version=1)
    await house.work(31 * DAY_S)
    await purge_old(house.store, house.clock)
    assert (await office.export())["kept"]["events"]
    assert {"post:5", "post:21", "post:22"} <= await keys(house)
    assert (await office.do("hold_remove", kind="person", number=PERSON, by="Legal"))["ended"]

    assert (await office.do("hold_add", kind="post", number=21, **held))["set"]
    assert not (await office.do("hold_add", kind="post", number=21, **held))["set"]
    await purge_old(house.store, house.clock)
    assert {"post:21"} == await keys(house) & {"post:5", "post:21", "post:22"}
    done = await office.erase()
    assert done["held"] > 0
    assert SECRET in (await redact_of(office, 21))[1].text
    assert NAME not in (await redact_of(office, 22))[1].text

    assert (await office.do("hold_remove", kind="post", number=21, by="Legal"))["ended"]
    await office.erase()
    await purge_old(house.store, house.clock)
    assert [] == traces(await office.dump())


async def test_a_portal_that_leaves_with_clean_is_kept_while_anything_of_it_is_held(office: Office):
    running = office.house.running
    auth = {"member_id": MEMBER, "application_token": "t" * 32}
    event = typed(Envelope(event="ONAPPUNINSTALL", data={"CLEAN": "1"}, auth=Auth(**auth)))
    await office.do("hold_add", kind="post", number=21, reason="case 17", by="Legal")

    await running.leaving.leave(running.runtime.portals.get(MEMBER), event)
    assert 0 == await running.leaving.erase_due()
    kept = (await office.export())["kept"]
    assert SECRET in kept["versions"][0]["text"] + kept["versions"][1]["text"]
    assert kept["events"], "its key is kept, too"

    await office.do("hold_remove", kind="post", number=21, by="Legal")
    assert 1 == await running.leaving.erase_due()
    await purge_old(office.house.store, office.house.clock)
    assert [] == traces(await office.dump())


async def test_what_waits_for_him_goes_and_other_lanes_go_on(office: Office):
    house = office.house
    await house.hold_bells("paused")
    await house.edit(22, user_id=3, text=f"Ask [USER={PERSON}]{NAME}[/USER] about 7 keys")
    await house.work()
    house.portal.bell.clear()

    assert 0 == (await office.erase())["left"]
    await house.hold_bells("active")
    await house.work()

    assert [] == house.portal.bell_of(PERSON)
    assert "about [s]6[/s] [b]7[/b] keys" in "".join(house.portal.bell_of(2))
    assert [] == await house.store.read(lambda tx: tx.execute("SELECT * FROM dead").fetchall())


async def test_what_is_being_decided_when_he_is_erased_is_decided_again_without_him(office: Office):
    house = office.house
    erased: list[object] = []

    async def erase_meanwhile(target: str) -> None:
        if "user.current" in target and not erased:
            erased.append(await office.erase())

    house.portal.hold = erase_meanwhile  # before it answers whose token came with the event
    house.portal.bell.clear()
    await house.edit(5, user=PERSON, text="Holidays: from 8 to 14 June. [USER=4]Chris[/USER] decides")
    await house.work()
    await house.work(DAY_S)

    assert erased
    assert "Someone changed" in "".join(house.portal.bell_of(2))
    left = traces(await office.dump())
    assert [] == [one for one in left if not one.startswith("entry.body=event=")], "but for his token"


async def test_who_installed_the_application_is_not_erased(office: Office):
    with pytest.raises(OperationRefused, match="has installed the application"):
        await office.erase(1)


def test_every_place_says_what_it_is_in():
    assert len({place.name for place in PLACES}) == len(PLACES)
