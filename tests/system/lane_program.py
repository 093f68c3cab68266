"""A program that drives the lanes through one interleaving and notes what took effect; see test_checker.

Usage: python lane_program.py fence|subselect DATABASE HISTORY
"""

import asyncio
import json
import sys
from pathlib import Path

from livefeed.clock import ManualClock
from livefeed.durable.consumers import register
from livefeed.durable.entries import append
from livefeed.durable.lanes import Lease, lease_due, settle_many
from livefeed.durable.outcomes import Done
from livefeed.durable.store import Store, Tx, open_store

PORTAL, KEY, POST = "p", "post:1", 1
LEASE_S = 10.0


class Program:
    """One consumer, one lane, and an effect table in the same database."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock
        self.lines: list[dict[str, object]] = []

    async def begin(self) -> None:
        def unit(tx: Tx) -> int:
            tx.execute("CREATE TABLE effect (number INTEGER PRIMARY KEY AUTOINCREMENT, change INTEGER)")
            return register(tx, portal=PORTAL, name="inbox")

        self.consumer = await self.store.write(unit)

    async def change(self, number: int) -> None:
        body = str(number).encode()
        await self.store.write(
            lambda tx: append(
                tx, portal=PORTAL, key=KEY, kind="change", body=body, source="test", consumers=[self.consumer]
            )
        )
        self.lines.append({"kind": "acked", "portal": PORTAL, "post": POST, "seq": number, "at_ms": 0})

    async def lease(self) -> list[Lease]:
        return await self.store.write(lambda tx: lease_due(tx, limit=1, lease_s=LEASE_S))

    async def work(self, lease: Lease) -> None:
        """The effect and the settle, in one commit."""
        change = int(lease.entries[0].body)
        outcome = Done(
            effects=lambda tx: tx.execute("INSERT INTO effect (change) VALUES (?)", (change,)) and None
        )
        await self.store.write_row(settle_many, (lease, outcome))

    async def drain(self) -> None:
        while leases := await self.lease():
            await self.work(leases[0])

    async def end(self) -> None:
        rows = await self.store.read(lambda tx: tx.execute("SELECT number, change FROM effect").fetchall())
        self.lines += [
            {
                "kind": "effect",
                "portal": PORTAL,
                "post": POST,
                "seq": change,
                "at_ms": number,
                "id": f"c{change}",
            }
            for number, change in rows
        ]


async def fence(program: Program) -> None:
    """A worker falls asleep with a lease, and settles when another holds the lane for a later change."""
    await program.change(1)
    asleep = (await program.lease())[0]
    program.clock.advance(LEASE_S + 1)
    await program.drain()
    await program.change(2)
    await program.drain()
    await program.change(3)
    awake = (await program.lease())[0]
    await program.work(asleep)
    await program.work(awake)
    await program.drain()


async def subselect(program: Program) -> None:
    """A change comes while the one before it is being worked on."""
    await program.change(1)
    lease = (await program.lease())[0]
    await program.change(2)
    await program.work(lease)
    await program.drain()


async def main() -> None:
    story, database, history = sys.argv[1:]
    clock = ManualClock()
    store = open_store(f"sqlite:///{database}", [], clock)
    program = Program(store, clock)
    await program.begin()
    await {"fence": fence, "subselect": subselect}[story](program)
    await program.end()
    await store.close()
    Path(history).write_text("".join(json.dumps(line) + "\n" for line in program.lines))


asyncio.run(main())
