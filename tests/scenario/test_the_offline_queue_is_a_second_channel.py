"""Where no event gets through, what changed is fetched from the queue; missing handlers are bound again."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.engines import on_a_file
from tests.metrics import Grown
from tests.scenario.conftest import Town, open_town
from tests.scenario.test_lost_changes_are_found import Lossy, let_everything_come

from livefeed.app.admin import Admin
from livefeed.app.installs.watching import bind_queued, note_queue
from livefeed.durable.store import Tx
from livefeed.notifier.gaps import Report, report
from livefeed.portal.apps import registry
from livefeed.portal.apps.tokens import codec_of
from livefeed.portal.events.handlers import person_epoch
from livefeed.portal.offline import queue
from livefeed.portal.offline.bindings import Queue
from livefeed.secrets import Secret
from livefeed.wire.ids import UserId

POLL_S = 300.0
WATCH_S = 3_600.0


@pytest.fixture
async def silent(tmp_path: Path, engine: str) -> AsyncIterator[Town]:
    """A portal none of whose events arrives, and the notifier without sweeps."""
    door = Lossy()
    more: dict[str, Any] = {"sweep_every_s": 0.0, "sweep_all_every_s": 0.0, "offline_events": True}
    async with open_town(tmp_path, engine, policy="bitrix24", door=door, **more) as town:
        door.is_lossy, door.is_up = True, False
        yield town


async def published(town: Town, text: str) -> int:
    post: int = await town.call(2, "log.blogpost.add", POST_TITLE="Room", POST_MESSAGE=text, DEST=["UA"])
    await town.settle(POLL_S)
    await town.settle()
    return post


async def edit(town: Town, post: int, text: str) -> None:
    await town.call(1, "log.blogpost.update", POST_ID=post, POST_MESSAGE=text, POST_TITLE="Room")


async def reported(town: Town) -> Report:
    return (await town.notifier.running.runtime.store.read(report))[0]


async def status(town: Town) -> dict[str, Any]:
    document: Any = await Admin(town.notifier.running).run("status", {})
    return document["portals"][0]


def left(tx: Tx) -> int:
    """How many records the queues of the portal hold."""
    return tx.execute("SELECT count(*) FROM offline_record").fetchone()[0]


async def test_what_no_event_told_is_fetched_told_and_confirmed(silent: Town):
    post = await published(silent, "at 8:00")
    await edit(silent, post, "at 9:00")
    await edit(silent, post, "at 9:30")
    await silent.settle(POLL_S)
    await silent.settle()

    assert any("8:00[/s] [b]9:30" in text for text in await silent.bell(2))
    edits = [(one.how, one.version) for one in (await reported(silent)).edits if one.post == post]
    assert [("offline", 2), ("offline", 1)] == edits
    assert 0 == await silent.store.read(left)
    queue_shown = (await status(silent))["offline"]
    assert ("bound", True) == (queue_shown["state"], queue_shown["fetched"] >= 2)


async def test_the_bell_of_the_queue_wakes_the_application_long_before_it_would_ask(silent: Town):
    post = await published(silent, "at 8:00")
    door: Any = silent.door
    door.is_up, door.share = True, 0.0
    await silent.notifier.running.worker.run_due()
    await edit(silent, post, "at 9:00")
    await silent.deliver()
    await silent.notifier.running.worker.run_due()

    assert 0 == await silent.store.read(left), "fetched at once"
    await silent.settle()
    assert any("9:00" in text for text in await silent.bell(2))
    assert ["event"] == [one.how for one in (await reported(silent)).edits if one.version > 1]


async def test_what_a_process_had_reserved_when_it_died_is_taken_over(silent: Town):
    post = await published(silent, "at 8:00")
    await edit(silent, post, "at 9:00")

    def reserve(tx: Tx) -> int:
        app = tx.execute("SELECT app FROM offline_record").fetchone()[0]
        mine = Queue(app=app, connector="")
        taken = queue.free(tx, mine, 50)
        queue.reserve(tx, taken)
        return len(taken)

    assert 1 == await silent.store.write(reserve)
    await silent.settle(POLL_S)
    await silent.settle()

    assert any("9:00" in text for text in await silent.bell(2))
    assert 0 == await silent.store.read(left)


@on_a_file
async def test_what_was_not_committed_is_not_confirmed(silent: Town):
    post = await published(silent, "at 8:00")
    await edit(silent, post, "at 9:00")
    store = silent.notifier.running.runtime.store
    refuse = "BEFORE INSERT ON entry WHEN NEW.source = 'offline' BEGIN SELECT RAISE(ABORT, 'full'); END"
    await store.write(lambda tx: tx.execute(f"CREATE TRIGGER full {refuse}"))
    await silent.settle(POLL_S)
    await silent.settle()
    assert 1 == await silent.store.read(left)

    await store.write(lambda tx: tx.execute("DROP TRIGGER full"))
    await silent.settle(POLL_S)
    await silent.settle()

    assert any("9:00" in text for text in await silent.bell(2))
    assert 0 == await silent.store.read(left)


async def test_a_queue_that_is_refused_is_shown_with_the_words_of_the_portal(silent: Town):
    runtime = silent.notifier.running.runtime
    (member,) = [portal.member_id for portal in runtime.portals.every()]

    def token(tx: Tx) -> str:
        app = registry.find_by_client_id(tx, silent.client_id)
        epoch = person_epoch(tx, member, UserId(2))
        assert app is not None
        return codec_of(silent.keys).mint("access", app.bearer(UserId(2), epoch or 0), tx.now_ms)

    somebody = runtime.client_with(member, Secret(await silent.store.read(token)))
    refused = await bind_queued(somebody, frozenset({"ONLIVEFEEDPOSTUPDATE"}), frozenset())
    await runtime.store.write(lambda tx: note_queue(tx, member, refused))

    shown = (await status(silent))["offline"]
    assert shown["state"] == "refused"
    assert "Offline events binding requires administrator access rights" in shown["detail"]
    await edit(silent, await published(silent, "at 8:00"), "at 9:00")
    await silent.settle(POLL_S)
    assert 2 == await silent.store.read(left), "what is not ours is left alone"


async def test_handlers_that_are_gone_are_bound_again_and_reported(silent: Town):
    before = await status(silent)
    assert (True, [], []) == (before["bound"], before["missing"], before["rebound"])
    grown = Grown()
    gone = "UPDATE handler SET state = 'unbound' WHERE event = 'ONLIVEFEEDPOSTUPDATE'"
    await silent.store.write(lambda tx: tx.execute(gone).rowcount)

    await silent.settle(WATCH_S)
    await silent.settle()

    after = await status(silent)
    assert (True, ["ONLIVEFEEDPOSTUPDATE"]) == (after["bound"], after["rebound"])
    assert after["checked_at"] >= after["rebound_at"]
    assert 1 == grown("handlers_lost_total")
    bound = "SELECT count(*) FROM handler WHERE event = 'ONLIVEFEEDPOSTUPDATE' AND state = 'bound'"
    assert 1 == await silent.store.read(lambda tx: tx.execute(bound).fetchone()[0])
    await let_everything_come(silent)
