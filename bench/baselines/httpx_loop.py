"""A plain httpx loop that posts the same bytes; no store, no retries."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from looping import FORM, Post, loop


@asynccontextmanager
async def made() -> AsyncGenerator[Post]:
    """One client for all."""
    async with httpx.AsyncClient(trust_env=False) as client:

        async def post(url: str, body: bytes) -> int:
            return (await client.post(url, content=body, headers=FORM)).status_code

        yield post


if __name__ == "__main__":
    loop(made)
