"""Passwords: hashed with argon2id in threads of their own, compared in a time that tells nothing.

A hash takes 19 MiB and about 20 ms, so at most two are made at a time, and never in a unit of work; no more
than `MOST_WAITING` comparisons wait for that.
"""

import asyncio
import unicodedata
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from livefeed.clock import fresh_code
from livefeed.durable.sql import load
from livefeed.durable.store import Tx
from livefeed.errors import LivefeedError
from livefeed.secrets import Secret
from livefeed.wire.ids import MemberId, UserId

SHORTEST: Final = 10
LONGEST: Final = 200
"""In characters; a longer one is hashed no safer."""

MOST_WAITING: Final = 32
"""How many comparisons may wait, or be made; the last of them waits a third of a second."""

_DRAWN_CHARS: Final = 16

# The second choice of OWASP's password storage page: 19 MiB, two passes, one lane.
_hasher: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_threads: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")

_sql = load("livefeed.portal.people", "people.sql")


class TooMany(LivefeedError):
    """More passwords than can be compared in time are waiting; try again in a moment."""


_queue: Final[set[Future[bool]]] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Password:
    """A password that was made for somebody, and its hash."""

    secret: Secret
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a sign-in is compared with.

    Attributes:
        person: Whose it is; None: nobody of this login may sign in.
        hash: The hash to compare with; None: there is none, and a comparison fails after the same time.
    """

    person: UserId | None = None
    hash: str | None = None


def draw() -> Secret:
    """A password nobody could guess: 16 characters of ``[a-z0-9]``."""
    return Secret(fresh_code(_DRAWN_CHARS))


async def hashed(password: Secret) -> Password:
    """``password`` with its hash, made in a thread."""
    loop = asyncio.get_running_loop()
    return Password(secret=password, hash=await loop.run_in_executor(_threads, _hash, password))


def is_crowded() -> bool:
    """Whether `is_right` would raise TooMany now."""
    return len(_queue) >= MOST_WAITING


async def is_right(credentials: Credentials, password: Secret) -> bool:
    """Whether ``password`` opens the door; where there is no hash, one of nobody's takes the same time.

    Raises:
        TooMany: `MOST_WAITING` others are being compared.
    """
    if is_crowded():
        raise TooMany("too many passwords are being compared; try again in a moment")
    # A comparison goes on when its browser leaves, and counts until it is done.
    work = _threads.submit(_is_same, credentials.hash, password)
    _queue.add(work)
    work.add_done_callback(_queue.discard)
    return await asyncio.shield(asyncio.wrap_future(work))


def find(tx: Tx, portal: MemberId, login: str) -> Credentials:
    """What to compare with for ``login``; people who were dismissed or have no password have none."""
    row = _sql.credentials(tx.conn, portal=portal, login=login)
    return Credentials() if row is None else Credentials(person=UserId(row[0]), hash=row[1])


def keep(tx: Tx, portal: MemberId, person: UserId, password_hash: str) -> None:
    """Let a person sign in with another password from now on."""
    _sql.set_password(tx.conn, portal=portal, id=person, password_hash=password_hash, now=tx.now_ms)


def _hash(password: Secret) -> str:
    return _hasher.hash(_normal(password))


def _is_same(stored: str | None, password: Secret) -> bool:
    try:
        return _hasher.verify(stored or _nobodys_hash(), _normal(password)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: Secret) -> bytes:
    """The same bytes however a keyboard composes its letters (RFC 8265)."""
    return unicodedata.normalize("NFC", password.reveal()).encode("utf-8", "surrogatepass")


@cache
def _nobodys_hash() -> str:
    return _hash(draw())
