"""Child processes of the demo: started in its process group, ended with it, watched while they run."""

import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from livefeed.errors import LivefeedError, SettingsError

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0


class Stopped(LivefeedError):
    """Somebody stopped the demo before all was up."""


class Child:
    """One `livefeed` process; it stops by itself when this process dies, because its stdin ends."""

    def __init__(
        self, name: str, arguments: Sequence[str], environ: Mapping[str, str], *, inherits: Sequence[int] = ()
    ) -> None:
        """Start ``livefeed <arguments>``, which inherits these file descriptors.

        A terminal sends Ctrl-C to all processes of the group; this one leaves it to whoever has started it.
        """
        self.name = name
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "livefeed", *arguments, "--stop-with-stdin"],
                stdin=subprocess.PIPE,
                stdout=sys.stderr,
                env={**os.environ, **environ},
                pass_fds=inherits,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def wait_ready(
        self, url: str, authority: Path | None = None, *, check: Callable[[], None] = lambda: None
    ) -> None:
        """Wait until ``<url>/readyz`` answers 200; over https it is trusted through ``authority``.

        ``check`` may raise between two looks.

        Raises:
            SettingsError: The process ended, or was not ready within `READY_TIMEOUT_S`.
        """
        context = None if authority is None else ssl.create_default_context(cafile=authority)

        def look() -> None:
            self._fail_if_dead()
            check()

        wait_until(lambda: _answers(f"{url}/readyz", context), f"the {self.name} is ready", look)

    def _fail_if_dead(self) -> None:
        if self.exit_code() is not None:
            raise SettingsError(f"the {self.name} did not start; its own message stands above")

    def kill(self) -> None:
        """End it with SIGKILL, as an accident would; a process that has ended stays so."""
        self._process.kill()
        self._end()

    def stop(self) -> None:
        """Ask it to stop and wait; kill it if it does not."""
        if self.exit_code() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._end()

    def _end(self) -> None:
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


def wait_until(is_so: Callable[[], bool], what: str, check: Callable[[], None]) -> None:
    """Look until it is so; ``check`` may raise between two looks.

    Raises:
        SettingsError: It was not so within `READY_TIMEOUT_S`.
    """
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not is_so():
        check()
        if time.monotonic() > deadline:
            raise SettingsError(f"waited {READY_TIMEOUT_S:.0f} s in vain until {what}")
        time.sleep(0.02)


def _answers(url: str, context: ssl.SSLContext | None) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1, context=context) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
