"""Baselines: finds the programs in ``bench/baselines``, runs them as processes, and reads their figures."""

import asyncio
import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from livefeed.errors import LivefeedError, SettingsError
from livefeed.net.listening import listening

_NEEDS: Final = {
    "asgi_bare": (),
    "starlette_form": ("starlette", "python_multipart"),
    "fastapi_aiosqlite": ("fastapi", "aiosqlite", "python_multipart"),
    "fastapi_shared": ("fastapi", "aiosqlite", "python_multipart"),
    "aiohttp_loop": ("aiohttp",),
    "httpx_loop": ("httpx",),
}


class BaselineFailed(LivefeedError):
    """A baseline ended by itself: there is nothing to compare with."""


class Loop(msgspec.Struct, frozen=True):
    """What a loop prints: posts a second, how many, and how many were not answered with 200."""

    rate: float
    n: int
    errors: int


@dataclass(slots=True)
class Server:
    """A server process; what it used is known when it has ended."""

    port: int
    pid: int = 0
    cpu_s: float = 0.0
    rss_mb: float = 0.0


def program(name: str) -> Path:
    """The program of a baseline: of the checkout, or of the installed wheel.

    Raises:
        SettingsError: It is not here, or what it needs is not installed; nothing is measured without it.
    """
    checkout = Path(__file__).parents[4] / "bench" / "baselines"
    installed = Path(str(resources.files("livefeed.cli.bench"))) / "programs"
    found = next((folder for folder in (checkout, installed) if (folder / f"{name}.py").exists()), None)
    if found is None:
        raise SettingsError(
            f"the baseline {name}.py is not here; run from a checkout, which keeps it in bench/baselines/"
        )
    missing = [one for one in _NEEDS.get(name, ()) if importlib.util.find_spec(one) is None]
    if missing:
        raise SettingsError(
            f"{' and '.join(missing)} not installed; benchmarks need: pip install 'livefeed[bench]'"
        )
    return found / f"{name}.py"


def needs_extra(exc: ImportError) -> SettingsError:
    """The error of a benchmark whose baselines are not installed."""
    return SettingsError(f"{exc.name} is not installed; benchmarks need: pip install 'livefeed[bench]'")


@contextlib.contextmanager
def server(name: str, folder: Path, *, core: int = -1) -> Generator[Server]:
    """A baseline that serves, as a process; connections wait in its queue until it is up.

    Raises:
        BaselineFailed: It ended while it was needed.
    """
    path = program(name)
    listener = listening("127.0.0.1", 0)
    made = Server(port=listener.getsockname()[1])
    with listener:
        process = subprocess.Popen(
            [sys.executable, str(path), str(listener.fileno()), str(folder), str(core)],
            pass_fds=[listener.fileno()],
        )
    made.pid = process.pid
    try:
        yield made
    finally:
        has_ended = process.poll() is not None
        if not has_ended:
            process.terminate()
            _, _, used = os.wait4(process.pid, 0)
            process.returncode = 0
            made.cpu_s = used.ru_utime + used.ru_stime
            made.rss_mb = used.ru_maxrss / 1024
    if has_ended:
        raise BaselineFailed(
            f"the baseline {name} ended with code {process.returncode}; its log stands above"
        )


async def loop_rate(
    name: str, *, url: str, body: bytes, seconds: float, in_flight: int, core: int = -1
) -> float:
    """Posts a second of a baseline that posts ``body`` in a loop.

    Raises:
        BaselineFailed: It ended with an error, or was answered with one.
    """
    path = program(name)
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(path),
            url,
            file.name,
            str(seconds),
            str(in_flight),
            str(core),
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await process.communicate()
    if process.returncode:
        raise BaselineFailed(
            f"the baseline {name} ended with code {process.returncode}; its log stands above"
        )
    found = msgspec.json.decode(printed, type=Loop)
    if found.errors:
        raise BaselineFailed(f"the baseline {name} was refused {found.errors} times of {found.n}")
    return found.rate
