"""The keeper of the notifier's process: it runs, or was killed and is started again as the scene asks.

The portal's process asks over a socket that it inherits: one word a line, ``kill``, ``start`` or ``state``.
Each is answered with a line of JSON, and so is each change that comes later.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, TypeAlias

import msgspec

from livefeed.cli.demo.processes import Child, Stopped
from livefeed.errors import LivefeedError, SettingsError

State: TypeAlias = Literal["starting", "running", "killed"]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Where the process stands.

    Attributes:
        state: starting: begun, not ready yet · running: ready · killed: ended by us.
        pid: Its process id, or the last one it had.
        since_ms: When this state began.
        is_answer: Whether this answers an order.
    """

    state: State
    pid: int
    since_ms: int
    is_answer: bool = False


class Keeper:
    """Keeps one child; a wanted kill is told from a crash."""

    def __init__(self, spawn: Callable[[], Child], wait_ready: Callable[[Child], None]) -> None:
        """Start the child and wait until it is ready.

        Args:
            spawn: Starts it.
            wait_ready: Waits for it; raises SettingsError if it ended or takes too long, Stopped if
                nobody wants it any more.
        """
        self._spawn, self._wait_ready = spawn, wait_ready
        self._lock = threading.Lock()
        self._failure: SettingsError | None = None
        self._is_over = False
        self._child = spawn()
        self._report = Report(state="starting", pid=self._child.pid, since_ms=_now_ms())
        try:
            wait_ready(self._child)
        except LivefeedError:
            self._child.stop()
            raise
        self._move("running")

    def serve(self, control: socket.socket) -> None:
        """Obey what comes over ``control``, in a thread of its own, until its other end closes."""
        threading.Thread(target=self._obey, args=(control,), name="keeper", daemon=True).start()

    def fail_if_dead(self) -> None:
        """Say so if the child ended by itself.

        Raises:
            SettingsError: It did.
        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            code = self._child.exit_code()
            if self._report.state == "running" and code is not None:
                raise SettingsError(f"the {self._child.name} ended with code {code}; start the demo again")

    def stop(self) -> None:
        """Stop the child; nothing starts it again."""
        with self._lock:
            self._is_over = True
        self._child.stop()

    def _obey(self, control: socket.socket) -> None:
        with suppress(OSError), control, control.makefile("r", encoding="ascii") as orders:
            for order in orders:
                match order.strip():
                    case "kill":
                        self._kill()
                        self._tell(control, is_answer=True)
                    case "start" if self._begin():
                        self._tell(control, is_answer=True)
                        self._finish()
                        self._tell(control)
                    case _:
                        self._tell(control, is_answer=True)

    def _kill(self) -> None:
        with self._lock:
            if self._report.state != "running":
                return
            self._move("killed")
        self._child.kill()

    def _begin(self) -> bool:
        with self._lock:
            if self._report.state != "killed" or self._is_over:
                return False
            self._child = self._spawn()
            self._move("starting")
            return True

    def _finish(self) -> None:
        try:
            self._wait_ready(self._child)
        except Stopped:
            return
        except SettingsError as exc:
            with self._lock:
                self._failure = exc
            return
        with self._lock:
            self._move("running")

    def _move(self, state: State) -> None:
        self._report = Report(state=state, pid=self._child.pid, since_ms=_now_ms())

    def _tell(self, control: socket.socket, *, is_answer: bool = False) -> None:
        report = msgspec.structs.replace(self._report, is_answer=is_answer)
        control.sendall(msgspec.json.encode(report) + b"\n")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
