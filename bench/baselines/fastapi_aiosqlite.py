"""An event door as people write it today: FastAPI and aiosqlite, one commit a request.

Each INSERT is a transaction of its own, the quickest way to that. ``fastapi_shared.py`` is the same with an
INSERT and a commit, which on one connection commits what other requests have inserted meanwhile.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hmac import compare_digest
from pathlib import Path
from typing import Any

import aiosqlite
from fastapi import FastAPI, HTTPException, Request
from serving import serve

PORTALS = 50
TOKENS = {f"{number:032x}": f"{number:032d}" for number in range(PORTALS)}
"""The application_token of each portal of the benchmark, by member_id."""


@asynccontextmanager
async def made(folder: Path, *, is_shared: bool = False) -> AsyncGenerator[Any]:
    """The application; it compares the token, and answers after its commit."""
    application = FastAPI()
    level = "DEFERRED" if is_shared else None  # None: each statement commits itself
    async with aiosqlite.connect(folder / "fastapi.db", isolation_level=level) as database:
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "CREATE TABLE event (id INTEGER PRIMARY KEY, portal TEXT, body TEXT)",
        ):
            await database.execute(statement)

        async def take(request: Request) -> dict[str, str]:
            form = dict(await request.form())
            member = str(form["auth[member_id]"])
            if not compare_digest(TOKENS.get(member, ""), str(form["auth[application_token]"])):
                raise HTTPException(403)
            await database.execute(
                "INSERT INTO event (portal, body) VALUES (?, ?)", (member, json.dumps(form))
            )
            await database.commit()
            return {"status": "ok"}

        application.post("/events")(take)
        yield application


if __name__ == "__main__":
    serve(made)
