"""A person at a terminal: one shell in one folder, that is given the commands of a page."""

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

_PATIENCE_S: Final = 60.0
_DONE: Final = "== done =="

# Looking changes nothing: who does not see it yet looks again.
_LOOKING: Final = re.compile(
    r"livefeed (inbox|notices|who|gaps|lanes|processes|doctor|portal (deliveries|why|events))\b|curl |cat "
)


class Shell:
    """One bash in a folder of its own; everything it has started ends with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environ = {name: value for name, value in os.environ.items() if not name.startswith("LIVEFEED_")}
        self._bash = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env={
                **environ,
                "PATH": path,
                "HOME": str(folder),
                "PYTHONDONTWRITEBYTECODE": "1",
                "COLUMNS": "200",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._pause = threading.Event()
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def run(self, command: str, shown: list[str], *, code: int = 0) -> None:
        """Run a command; it ends with ``code``, and its output has the lines of ``shown``, in that order."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            ended, output = self._once(command, deadline)
            is_as_shown = has_lines(output, shown)
            is_right = ended == code and is_as_shown
            if is_right or not _LOOKING.match(command) or time.monotonic() > deadline:
                break
            self._pause.wait(0.1)  # between looks, never instead of one
        assert ended == code, f"{command}\nended with {ended}:\n{output}"
        assert is_as_shown, f"{command}\ndid not show\n{chr(10).join(shown)}\nbut\n{output}"

    def _once(self, command: str, deadline: float) -> tuple[int, str]:
        assert self._bash.stdin is not None
        self._bash.stdin.write(f'{command}\nprintf "\\n{_DONE}%d\\n" $?\n')
        self._bash.stdin.flush()
        seen: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=max(1.0, deadline + _PATIENCE_S - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{command}\ndid not end:\n{''.join(seen)}") from None
            if line.startswith(_DONE):
                return int(line.removeprefix(_DONE)), "".join(seen)
            seen.append(line)

    def _read(self) -> None:
        assert self._bash.stdout is not None
        for line in self._bash.stdout:
            self._lines.put(line)

    def logs(self) -> str:
        """The ends of what was written into files called log."""
        return "\n".join(
            f"== {log.name}\n{log.read_text()[-2000:]}" for log in sorted(self.folder.glob("*.log"))
        )

    def close(self) -> None:
        """End the shell and whatever runs in the background."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.wait(_PATIENCE_S)
        self._reader.join(_PATIENCE_S)
        for pipe in (self._bash.stdin, self._bash.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def has_lines(output: str, shown: list[str]) -> bool:
    """Whether the lines are there in this order; ``…`` stands for anything, white space for any other."""
    found = [" ".join(line.split()) for line in output.splitlines()]
    for line in shown:
        parts = [re.escape(part.strip()) for part in " ".join(line.split()).split("…")]
        wanted = re.compile(".*".join(parts))
        while found and not wanted.fullmatch(found[0]):
            found.pop(0)
        if not found:
            return False
        found.pop(0)
    return True
