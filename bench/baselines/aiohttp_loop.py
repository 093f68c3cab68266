"""A plain aiohttp loop that posts the same bytes; no store, no retries."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
from looping import FORM, Post, loop


@asynccontextmanager
async def made() -> AsyncGenerator[Post]:
    """One session for all."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post(url: str, body: bytes) -> int:
            async with session.post(url, data=body, headers=FORM) as answer:
                await answer.read()
                return answer.status

        yield post


if __name__ == "__main__":
    loop(made)
