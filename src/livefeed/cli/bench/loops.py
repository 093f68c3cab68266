"""Plain loops of other HTTP clients: what people write today, as baselines."""

import asyncio
import time
from typing import Final

from livefeed.errors import SettingsError

FORM: Final = {"content-type": "application/x-www-form-urlencoded"}


def needs_extra(exc: ImportError) -> SettingsError:
    """The error of a benchmark whose baselines are not installed."""
    return SettingsError(f"{exc.name} is not installed; benchmarks need: pip install 'livefeed[bench]'")


async def aiohttp_rate(seconds: float, width: int, url: str, body: bytes) -> float:
    """POSTs a second of a plain aiohttp loop with ``width`` in flight."""
    try:
        import aiohttp
    except ImportError as exc:
        raise needs_extra(exc) from exc
    end = time.perf_counter() + seconds
    done = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def lane() -> None:
            nonlocal done
            while time.perf_counter() < end:
                async with session.post(url, data=body, headers=FORM) as answer:
                    await answer.read()
                done += 1

        began = time.perf_counter()
        await asyncio.gather(*(lane() for _ in range(width)))
        return done / (time.perf_counter() - began)


async def httpx_rate(seconds: float, width: int, url: str, body: bytes) -> float:
    """POSTs a second of a plain httpx loop with ``width`` in flight."""
    try:
        import httpx
    except ImportError as exc:
        raise needs_extra(exc) from exc
    end = time.perf_counter() + seconds
    done = 0
    async with httpx.AsyncClient(trust_env=False) as client:

        async def lane() -> None:
            nonlocal done
            while time.perf_counter() < end:
                await client.post(url, content=body, headers=FORM)
                done += 1

        began = time.perf_counter()
        await asyncio.gather(*(lane() for _ in range(width)))
        return done / (time.perf_counter() - began)
