"""Named points at which a process can be made to die, and faults that the checkers must find; for tests only.

``LIVEFEED_FAILPOINT=name[:n]`` ends the process with ``os._exit(137)``, as SIGKILL would, the n-th time
(default: first) the point is passed. ``LIVEFEED_MUTATE=name`` breaks one rule on purpose.
"""

import os
from collections.abc import Callable
from typing import Final

from livefeed.errors import SettingsError

FAILPOINTS: Final[dict[str, str]] = {
    "portal.update.committed": "the post and its event are committed, the answer is not yet sent",
    "portal.lease.taken": "a delivery is leased, nothing is sent yet",
    "portal.delivery.answered": "the handler has answered, the settle is not yet committed",
    "app.ingest.genuine": "the event is proven genuine, nothing of it is stored yet",
    "app.ingest.committed": "the event is committed, 200 is not yet sent",
    "app.lease.taken": "an event is leased, its handler has not started",
    "app.handler.finished": "the handler has finished, the settle is not yet committed",
    "client.refresh.leased": "the lease for a new pair is taken, the server is not yet asked",
    "client.refresh.answered": "the server has answered with a new pair, nothing of it is stored yet",
    "client.refresh.stored": "the new pair is committed, nobody has used it yet",
    "app.effect.sending": "an effect is marked sending, it has not begun",
    "app.effect.made": "an effect has happened, it is not yet marked done",
    "keys.prepared": "a new key is in the key file, to open with; nobody seals with it yet",
    "keys.claimed": "the key check of a shared database is sealed with the new key, nothing else is",
    "keys.file.written": "a new key is the newest in the key file, little is sealed with it yet",
    "keys.slice.sealed": "some values are sealed anew, others are not yet",
    "notice.sending": "the notice is marked sending, the call has not started",
    "notice.called": "the call was answered, the notice is not yet marked sent",
}

MUTATIONS: Final[dict[str, str]] = {
    "ack-before-commit": "the app answers 200 before the event is committed",
    "drop-fence": "a settle no longer compares the token of its lease",
    "commit-unsynced": "a commit on SQLite is not synced to the disk",
    "settle-by-subselect": "a settle takes the lane's head from a subselect made before the lock",
}

_spec = os.environ.get("LIVEFEED_FAILPOINT", "")
_armed, _, _count = _spec.partition(":")
_mutation = os.environ.get("LIVEFEED_MUTATE", "")
# A misspelled name would break nothing, and a test of it would prove nothing.
if _spec and (_armed not in FAILPOINTS or not (_count or "1").isdecimal()):
    raise SettingsError(f"LIVEFEED_FAILPOINT={_spec!r} is no failpoint; there are: {', '.join(FAILPOINTS)}")
if _mutation and _mutation not in MUTATIONS:
    raise SettingsError(f"LIVEFEED_MUTATE={_mutation!r} is no mutation; there are: {', '.join(MUTATIONS)}")
_left = int(_count or "1") if _spec else 0


def failpoint(name: str) -> None:
    """Die here if this point is armed; costs one comparison otherwise."""
    global _left
    if _armed != name:
        return
    _left -= 1
    if _left == 0:
        os._exit(137)


def hook(name: str) -> Callable[[object], None] | None:
    """Passes the point ``name`` when called; None, so that nothing is called, if it is not armed."""
    return (lambda _: failpoint(name)) if _armed == name else None


def is_mutated(name: str) -> bool:
    """Whether the rule ``name`` is broken on purpose in this process."""
    return _mutation == name
