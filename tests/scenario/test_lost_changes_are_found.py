"""Promise P7: a sender that never retries loses a fifth of its events, the application is dead for hours."""

import asyncio
import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from click.testing import CliRunner
from tests.metrics import Grown
from tests.scenario.conftest import CONSOLE, Later, Town, open_town

from livefeed.cli.app.gaps import gaps
from livefeed.durable.store import Tx
from livefeed.notifier import archive
from livefeed.notifier.gaps import Report, report
from livefeed.notifier.notices import list_notices
from livefeed.wire.form import decode

POSTS = 12
EDITS = 30
DROPPED = 0.2
SEED = 7
QUARTER_S = 900
REFUSED = [
    {"type": "http.response.start", "status": 503, "headers": []},
    {"type": "http.response.body", "body": b"", "more_body": False},
]


@dataclass
class Lossy(Later):
    """The way to the application: a fifth of what is told gets lost, and all of it while nobody listens.

    Attributes:
        is_up: Whether somebody listens.
        is_lossy: Whether anything gets lost at all.
        share: How much, while somebody listens.
        told: The post of each event that reached the application, in order.
        lost: The post of each that did not.
    """

    is_up: bool = True
    is_lossy: bool = False
    share: float = DROPPED
    told: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/events" or not self.is_lossy:
            return await self.app(scope, receive, send)
        message = await receive()
        data: Any = decode(message["body"], strict=True).get("data")
        if not self.is_up or self.chance.random() < self.share:
            if data:  # ONOFFLINEEVENT has none
                self.lost.append(int(data["FIELDS"]["POST_ID"]))
            for part in REFUSED:
                await send(part)
            return None
        if data:
            self.told.append(int(data["FIELDS"]["POST_ID"]))

        async def again() -> Any:
            return message

        return await self.app(scope, again, send)


async def publish(town: Town) -> list[int]:
    """Posts of James (2), whom nobody but the automation of this test ever edits."""
    posts = [
        await town.call(
            2, "log.blogpost.add", POST_TITLE=f"Room {number}", POST_MESSAGE="at 8:00", DEST=["UA"]
        )
        for number in range(POSTS)
    ]
    await town.settle()
    return posts


async def pass_a_day_of_edits(town: Town, door: Lossy, posts: list[int]) -> dict[int, str]:
    """Edits all day, with the application dead for two hours in the middle; the last text of each post."""
    chance = random.Random(SEED)
    last: dict[int, str] = {}
    door.is_lossy = True
    for number in range(EDITS):
        post = chance.choice(posts)
        last[post] = f"at {9 + number % 9}:{number % 60:02} in room {number}"
        await town.call(
            1, "log.blogpost.update", POST_ID=post, POST_MESSAGE=last[post], POST_TITLE=f"P{post}"
        )
        door.is_up = not EDITS // 3 < number < EDITS // 2
        await town.deliver()
        if door.is_up:
            await town.notifier.running.worker.run_due()
        town.clock.advance(16 * 60)
    return last


async def let_everything_come(town: Town) -> Report:
    """Let one more sweep come, and its findings be told."""
    for _ in range(2):
        await town.settle(QUARTER_S)
    return (await town.notifier.running.runtime.store.read(report))[0]


def told_texts(tx: Tx, member: str, posts: list[int]) -> dict[int, str]:
    """The text of which the author of each post was last told, in a notice that was sent."""
    found: dict[int, str] = {}
    for post in posts:
        sent = [one for one in list_notices(tx, post=post, person=2) if one.state == "sent"]
        if sent:
            found[post] = archive.version(tx, member, post, max(one.to_version for one in sent)).text
    return found


async def shown(town: Town, name: str) -> str:
    """A page of the console."""
    entered = await town.http.send("GET", f"{town.door_url}/console/?token={CONSOLE}")
    cookie = entered.headers["set-cookie"].partition(";")[0]
    url = f"{town.door_url}/console/{name}"
    return (await town.http.send("GET", url, headers={"cookie": cookie})).body.decode()


def gaps_of(town: Town) -> Any:
    """What ``livefeed gaps --json`` prints of the only portal."""
    db = town.notifier.running.runtime.settings.db
    done = CliRunner().invoke(gaps, ["--db", db, "--json"], catch_exceptions=False)
    (document,) = json.loads(done.output)["portals"]
    return document


async def test_the_last_text_of_every_edited_post_is_told_and_the_report_says_how(tmp_path, engine):
    door, grown = Lossy(), Grown()
    async with open_town(tmp_path, engine, policy="bitrix24", door=door) as town:
        posts = await publish(town)
        last = await pass_a_day_of_edits(town, door, posts)
        found = await let_everything_come(town)
        store = town.notifier.running.runtime.store
        told = await store.read(lambda tx: told_texts(tx, found.portal, sorted(last)))
        bell = await town.bell(2)
        pages = {name: await shown(town, name) for name in ("found", "inbox", "notices")}
        printed = await asyncio.to_thread(gaps_of, town)

    assert len(door.lost) > EDITS * DROPPED, "many were lost"
    assert len(door.told) + len(door.lost) == EDITS, "each was tried once"
    assert last == told
    edits = [one for one in found.edits if one.version > 1]
    newest = {
        post: max((one for one in edits if one.post == post), key=lambda one: one.version) for post in last
    }
    never_heard_of = set(door.lost) - set(door.told)
    assert never_heard_of
    assert {"sweep"} == {newest[post].how for post in never_heard_of}
    assert {one.post for one in edits if one.how == "sweep"} <= set(door.lost)
    assert Counter(one.how for one in edits) == {
        how: one.edits for how, one in found.counts.items() if one.edits
    }
    awake = sorted(one.late_ms for one in edits if one.how == "event")
    assert awake[len(awake) // 2] <= 20 * 60_000, "most events are told soon"
    assert found.counts["sweep"].latest_ms <= (2 * 3600 + 3 * QUARTER_S + 600) * 1000, (
        "a sweep, as soon as it is alive"
    )
    assert any("(found by sweep)" in text for text in bell)
    assert {how: one.edits for how, one in found.counts.items()} == {
        how: grown("edits_found_total", how=how) for how in found.counts
    }
    assert grown("sweeps_total", scope="hot") > 1
    assert found.coverage.percent == 100
    assert printed["coverage"] == 100
    assert {how: one["edits"] for how, one in printed["found"].items()} == {
        how: one.edits for how, one in found.counts.items()
    }
    assert [(one["post"], one["version"], one["how"]) for one in printed["edits"]] == [
        (one.post, one.version, one.how) for one in found.edits
    ]
    assert pages["found"].count("found by sweep") >= found.counts["sweep"].edits
    assert all("found by sweep" in page for page in pages.values())
    assert re.search(r'<td class="short">[^<\d]+ <span class="small">2</span>', pages["notices"])
    assert f">{found.portal}</h2>" not in pages["found"], "a portal is called by its address"
