"""Keys: one for each portal, sealed with the key file's; rotated while events come in, nothing is lost."""

import asyncio
import fcntl
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from tests import engines

from livefeed.app import App
from livefeed.app.inbox import open_entry
from livefeed.app.running import opened
from livefeed.app.runtime import ROOMS
from livefeed.app.safes.places import PLACES
from livefeed.cli.keys.rotating import retire
from livefeed.client.safes.keys import PortalKeys
from livefeed.client.safes.pairs import SQL
from livefeed.clock import ManualClock
from livefeed.durable.store import open_store
from livefeed.errors import SettingsError
from livefeed.sealing.places import reseal
from livefeed.secrets import key_id_of, read_key_file, read_or_create_key_file
from livefeed.settings import AppSettings, DatabaseUrl
from livefeed.wire.ids import MemberId, UserId

from .bodies import MEMBER
from .conftest import House

PORTALS = 230
PORTAL = MemberId(MEMBER)


async def livefeed(settings: AppSettings, *arguments: str, **env: str) -> tuple[int, Any, str]:
    """The installed command, as an administrator runs it beside the running application."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "livefeed", *arguments, "--db", settings.db, "--json"),
        env={**os.environ, "LIVEFEED_KEY_FILE": settings.key_file, **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, json.loads(out) if out else None, err.decode()


def aged(path: str) -> None:
    """As if the file had been written long ago."""
    os.utime(path, (1, 1))


async def blobs(house: House) -> list[dict[str, Any]]:
    """Everything sealed that belongs to the portal."""
    pairs = await house.rows("SELECT access AS blob FROM token")
    return pairs + await house.rows("SELECT body AS blob FROM entry WHERE source = 'door'")


@pytest.fixture
async def others(house: House) -> list[MemberId]:
    """Portals enough for several slices."""
    ids = [MemberId(f"{number:032x}") for number in range(PORTALS)]
    await house.running.runtime.portal_keys.ensure(*ids)
    return ids


@pytest.mark.usefixtures("others")
async def test_keys_are_rotated_while_events_come_in(house: House, settings: AppSettings):
    statuses: list[int] = []
    is_over = asyncio.Event()

    async def load() -> None:
        while not is_over.is_set():
            statuses.append((await house.event(post=len(statuses) + 1)).status)

    async with asyncio.TaskGroup() as group:
        group.create_task(load())
        killed, _, _ = await livefeed(settings, "keys", "rotate", LIVEFEED_FAILPOINT="keys.file.written")
        rotated, done, err = await livefeed(settings, "keys", "rotate")
        is_over.set()

    assert (137, 0) == (killed, rotated), err
    assert {200} == set(statuses)
    assert 0o600 == Path(settings.key_file).stat().st_mode & 0o777
    _, (newest, *older), _ = await livefeed(settings, "keys", "list")
    assert older
    assert all({} == key["hangs"] for key in older)
    assert {"portal keys": PORTALS + 1, "key check": 1} == newest["hangs"]
    assert done["key"] == newest["id"]

    code, _, err = await livefeed(settings, "keys", "retire")
    assert (2, True) == (code, "come again" in err), "a process may seal with the older key still"
    aged(settings.key_file)
    _, retired, _ = await livefeed(settings, "keys", "retire")
    assert [key["id"] for key in older] == retired["retired"]

    await house.event(post=7)
    fresh = PortalKeys(house.running.runtime.store, read_or_create_key_file(Path(settings.key_file)))
    await fresh.refresh([PORTAL])
    entries = await house.rows("SELECT body FROM entry WHERE source = 'door'")
    assert len(statuses) + 1 == len(entries)
    for entry in entries:
        assert "ONLIVEFEEDPOSTUPDATE" == open_entry(fresh, PORTAL, entry["body"]).event
    assert await house.running.runtime.vault.access(PORTAL, UserId(1))


async def test_a_rotation_that_is_killed_between_two_slices_is_ended_by_the_next(
    settings: AppSettings, clock: ManualClock
):
    ring = read_or_create_key_file(Path(settings.key_file))
    ids = [MemberId(f"{number:032x}") for number in range(PORTALS)]
    store = open_store(settings.db, ROOMS, clock)
    await PortalKeys(store, ring).ensure(*ids)
    sealed = PortalKeys(store, ring)
    await sealed.refresh(ids)
    blobs = {one: sealed.seal(one, b"something", context=b"") for one in ids}
    await store.close()

    killed, _, _ = await livefeed(settings, "keys", "rotate", LIVEFEED_FAILPOINT="keys.slice.sealed")
    _, halfway, _ = await livefeed(settings, "keys", "list")
    rotated, done, err = await livefeed(settings, "keys", "rotate")
    aged(settings.key_file)
    retired, _, _ = await livefeed(settings, "keys", "retire")

    assert (137, 0, 0) == (killed, rotated, retired), err
    assert [100, PORTALS - 100] == [key["hangs"]["portal keys"] for key in halfway]
    assert (False, {}) == (done["is_made"], done["waits"])
    store = open_store(settings.db, ROOMS, clock)
    fresh = PortalKeys(store, read_or_create_key_file(Path(settings.key_file)))
    await fresh.refresh(ids)
    await store.close()
    assert {b"something"} == {fresh.open(one, blobs[one], context=b"") for one in ids}


async def test_two_rotations_at_once_are_kept_apart(settings: AppSettings, clock: ManualClock):
    """Each would otherwise make a key of what it has read, and one of the two keys would be lost."""
    path = Path(settings.key_file)
    store = open_store(settings.db, ROOMS, clock)
    await PortalKeys(store, read_or_create_key_file(path)).ensure(PORTAL)
    await store.close()
    before = path.read_bytes()
    command = (sys.executable, "-m", "livefeed", "keys", "rotate", "--db", settings.db, "--json")
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        pair = [
            await asyncio.create_subprocess_exec(
                *command, env={**os.environ, "LIVEFEED_KEY_FILE": str(path)}, stdout=asyncio.subprocess.PIPE
            )
            for _ in range(2)
        ]
        async with asyncio.timeout(30):
            while not {one.pid for one in pair} <= waiting_for_a_lock():
                await asyncio.sleep(0.02)
        assert before == path.read_bytes(), "both wait before they have read anything"
    finally:
        os.close(folder)
    done = [json.loads((await one.communicate())[0]) for one in pair]
    _, (newest, *older), _ = await livefeed(settings, "keys", "list")

    assert 2 == len({one["key"] for one in done}), "one after the other, each with a key of its own"
    assert {one["key"] for one in done} < {key["id"] for key in (newest, *older)}
    assert 2 == len(older)
    assert {"portal keys": 1} == newest["hangs"]
    assert [{}, {}] == [key["hangs"] for key in older]


def waiting_for_a_lock() -> set[int]:
    """Who waits for a lock that somebody else holds, by what the kernel says."""
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return {int(line[5]) for line in lines if line[1] == "->"}


async def test_a_prepared_key_seals_only_once_the_keys_are_rotated(settings: AppSettings, clock: ManualClock):
    path = Path(settings.key_file)
    store = open_store(settings.db, ROOMS, clock)
    await PortalKeys(store, read_or_create_key_file(path)).ensure(PORTAL)
    await store.close()

    killed, _, _ = await livefeed(settings, "keys", "rotate", "--prepare", LIVEFEED_FAILPOINT="keys.prepared")
    _, prepared, _ = await livefeed(settings, "keys", "rotate", "--prepare")
    _, before, _ = await livefeed(settings, "keys", "list")
    _, rotated, _ = await livefeed(settings, "keys", "rotate")
    _, after, _ = await livefeed(settings, "keys", "list")

    assert (137, True) == (killed, rotated["is_made"])
    assert [prepared["prepared"]] == [key["id"] for key in before if key["is_prepared"]], "the same one"
    assert [{"portal keys": 1}, {}] == [key["hangs"] for key in before]
    assert (prepared["prepared"], True, {"portal keys": 1}) == (
        after[0]["id"],
        after[0]["is_newest"],
        after[0]["hangs"],
    )
    assert [] == [key for key in after if key["is_prepared"]]


async def test_an_application_that_lacks_a_key_names_it_and_does_not_start(
    settings: AppSettings, clock: ManualClock
):
    """Each key in its place: what a rotation sealed, and what nobody has sealed anew yet."""
    path = Path(settings.key_file)
    store = open_store(settings.db, ROOMS, clock)
    await PortalKeys(store, read_or_create_key_file(path)).ensure(PORTAL)
    await store.close()
    async with opened(App(settings), clock=clock, works=False):
        pass
    before = path.read_text()
    _, rotated, _ = await livefeed(settings, "keys", "rotate")
    path.write_text(before)

    with pytest.raises(SettingsError, match=rf"lacks key {rotated['key']} \(portal keys: 1, key check: 1\)"):
        async with opened(App(settings), clock=clock, works=False):
            pass


async def test_a_key_that_another_database_needs_is_not_retired(
    settings: AppSettings, clock: ManualClock, tmp_path: Path
):
    path = Path(settings.key_file)
    databases = [settings.db, engines.database(tmp_path, "other", ROOMS)]
    for url in databases:
        store = open_store(url, ROOMS, clock)
        await PortalKeys(store, read_or_create_key_file(path)).ensure(PORTAL)
        await store.close()
    await livefeed(settings, "keys", "rotate")
    aged(settings.key_file)
    file = read_key_file(path)

    gone, left = retire([DatabaseUrl.parse(url) for url in databases], path)

    assert ([], [{"portal keys": 1}]) == (gone, [key.hangs for key in left])
    assert file == read_key_file(path)


async def test_what_the_key_file_sealed_itself_is_read_and_gets_the_key_of_its_portal(house: House):
    """As it lies in a database from before portals had keys."""
    runtime = house.running.runtime
    context = f"token:{MEMBER}:1".encode()
    access, refresh = (runtime.keys.seal(word, context=context) for word in (b"access", b"refresh"))
    await runtime.store.write(
        lambda tx: SQL.keep(
            tx.conn,
            **{"member_id": PORTAL, "user_id": 1, "access": access, "refresh": refresh},
            **{"expires_at": 1, "received_at": 1},
        )
    )
    assert "access" == (await runtime.vault.access(PORTAL, UserId(1))).reveal()
    await house.install(application_token="f" * 32)  # waits in quarantine
    await runtime.store.write(
        lambda tx: tx.execute("UPDATE quarantine SET access = ?, refresh = ?", (access, refresh))
    )

    assert 2 == await reseal(runtime.store, runtime.keys, PLACES)

    rows = await house.rows(
        "SELECT access, refresh FROM token UNION ALL SELECT access, refresh FROM quarantine"
    )
    assert 2 == len(rows)
    for row in rows:
        assert {runtime.portal_keys.id_of(PORTAL)} == {key_id_of(row["access"]), key_id_of(row["refresh"])}
    assert "access" == (await runtime.vault.access(PORTAL, UserId(1))).reveal()


async def test_what_is_left_of_a_portal_that_was_erased_cannot_be_read(house: House, settings: AppSettings):
    """A copy of the database from before holds the blobs still; the key file and the database open none."""
    await house.event()
    kept = await blobs(house)
    runtime = house.running.runtime
    fresh = PortalKeys(runtime.store, read_or_create_key_file(Path(settings.key_file)))
    await house.uninstall(clean=1)
    await fresh.refresh([PORTAL])

    assert 2 == len(kept)
    assert [] == await house.rows("SELECT * FROM portal_key")
    for keys in (fresh, runtime.portal_keys):
        for row in kept:
            with pytest.raises(SettingsError, match="another key"):
                keys.open(PORTAL, row["blob"], context=b"")


async def test_a_portal_that_comes_back_gets_another_key(house: House):
    [before] = await house.rows("SELECT key_id FROM portal_key")
    await house.uninstall(clean=1)
    assert (await house.install()).status == 200
    [after] = await house.rows("SELECT key_id FROM portal_key")

    assert before["key_id"] != after["key_id"]
    assert (await house.event()).status == 200
    assert await house.running.runtime.vault.access(PORTAL, UserId(1))
