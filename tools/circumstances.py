"""What a figure is worth nothing without: the command, the commit, the day and the machine."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]


def circumstances(command: str) -> dict[str, str]:
    """The command that was given, where and when."""
    return {"command": command, "machine": machine(), "day": datetime.now(UTC).date().isoformat()}


def commit() -> str:
    """The commit that is checked out."""
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def machine() -> str:
    """Processor, memory and Python."""
    cpus = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    total_kib = int(Path("/proc/meminfo").read_text().split()[1])
    model = cpus[0] if cpus else "an unknown processor"
    return f"{len(cpus)} cores of {model}, {total_kib / 2**20:.0f} GiB, CPython {sys.version.split()[0]}"
