"""The supervisor of ``--workers N``: it holds the port, keeps N processes running, and does nothing else.

Each worker has a listening socket of its own on the one port, and the kernel deals connections out among
them. The supervisor keeps every socket open: a connection that has come to a worker that died waits for the
one that takes its place.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

import click

from livefeed import telemetry

STOP_S: Final = 35.0
"""How long workers have to end what is under way; longer than each of their own limits."""

_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
_SOUND_S: Final = 10.0
_USAGE: Final = 2
_AS_ASKED: Final = frozenset({0, -signal.SIGTERM})  # the signal itself ends one that is still opening


@dataclass(slots=True)
class _Worker:
    """One of the N.

    Attributes:
        number: From 0.
        pid: 0 while it does not run.
        begun_s: When it was started last, on the monotonic clock.
        due_s: When it is to be started.
        lives: How often it was started.
        failures: How often it ended soon after its start, in a row.
    """

    number: int
    pid: int = 0
    begun_s: float = 0.0
    due_s: float = 0.0
    lives: int = 0
    failures: int = 0

    def ended(self, now_s: float) -> float:
        """It has ended; the seconds until it is started again, more each time it does not live long."""
        self.pid = 0
        self.failures = 0 if now_s - self.begun_s >= _SOUND_S else self.failures + 1
        pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**self.failures)
        self.due_s = now_s + pause_s
        return pause_s


def supervise(
    listeners: Sequence[socket.socket], *, watch: Callable[[], None] | None = None
) -> socket.socket:
    """Run one worker for each socket: this returns in the workers alone, with the socket to serve.

    No thread and no event loop may exist before it is called. The supervisor itself ends here: with exit code
    0 after SIGTERM or SIGINT, with 2 if the workers find that they cannot be started at all.

    Args:
        listeners: Bound to one port.
        watch: Called once in the supervisor; it may start a thread that sends this process SIGTERM.
    """
    held, lifeline = os.pipe()  # nobody writes: it ends for the workers when the supervisor is gone
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    signal.signal(signal.SIGCHLD, _be_woken)
    if watch is not None:
        watch()
    workers = [_Worker(number) for number in range(len(listeners))]
    while True:
        for worker in _due(workers):
            worker.lives += 1
            worker.begun_s = time.monotonic()
            worker.pid = os.fork()
            if worker.pid == 0:
                os.close(lifeline)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
                _end_with(held)
                telemetry.tell_as_worker(worker.number)
                return _only(listeners, worker.number)
        got = signal.sigtimedwait(_SIGNALS, _wait_s(workers))
        if got is not None and got.si_signo != signal.SIGCHLD:
            _stop(workers, 0)
        for worker, code in _ended(workers):
            if code == _USAGE and worker.lives == 1:
                _stop(workers, _USAGE)  # it has said why
            pause_s = worker.ended(time.monotonic())
            told = f"worker {worker.number} ended ({_told(code)}); another one starts in {pause_s:g} s"
            click.echo(f"livefeed: {told}", err=True)


def _be_woken(_number: int, _frame: object) -> None:
    """A signal that nobody handles is dropped by some systems, and then nobody can wait for it."""


def _due(workers: Sequence[_Worker]) -> Iterator[_Worker]:
    now_s = time.monotonic()
    return (worker for worker in workers if worker.pid == 0 and worker.due_s <= now_s)


def _wait_s(workers: Sequence[_Worker]) -> float:
    now_s = time.monotonic()
    return min((max(0.0, one.due_s - now_s) for one in workers if one.pid == 0), default=60.0)


def _ended(workers: Sequence[_Worker]) -> list[tuple[_Worker, int]]:
    """The workers that have ended, with their exit codes; negative: the signal."""
    ended: list[tuple[_Worker, int]] = []
    for worker in workers:
        if worker.pid:
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid:
                ended.append((worker, os.waitstatus_to_exitcode(status)))
    return ended


def _told(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _stop(workers: Sequence[_Worker], code: int) -> NoReturn:
    """End every worker in order, and after `STOP_S` in any case; then end."""
    for worker in workers:
        _signal(worker, signal.SIGTERM)
    until_s = time.monotonic() + STOP_S
    while any(worker.pid for worker in workers):
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            for worker in workers:
                _signal(worker, signal.SIGKILL)
        for worker, own in _ended(workers):
            worker.pid = 0
            code = code or int(own not in _AS_ASKED)
        if any(worker.pid for worker in workers):
            signal.sigtimedwait({signal.SIGCHLD}, max(0.05, left_s))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _signal(worker: _Worker, number: signal.Signals) -> None:
    if worker.pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, number)


def _only(listeners: Sequence[socket.socket], number: int) -> socket.socket:
    """The worker's own socket; those of the others are not its own to hold."""
    for place, listener in enumerate(listeners):
        if place != number:
            listener.close()
    return listeners[number]


def _end_with(held: int) -> None:
    """End in order when the supervisor is gone, and after `STOP_S` in any case."""

    def watch() -> None:
        os.read(held, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_S)
        os._exit(1)

    threading.Thread(target=watch, name="ends-with-the-supervisor", daemon=True).start()
