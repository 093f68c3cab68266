"""Writes that fail, for a program that is started with the library of this folder."""

import subprocess
from pathlib import Path

from tests.required import require_or_skip


def build_shim(folder: Path) -> Path:
    """The library, for ``LD_PRELOAD``; its source says what it heeds."""
    built = folder / "fault.so"
    source = Path(__file__).with_name("fault.c")
    command = [require_or_skip("gcc"), "-shared", "-fPIC", "-O1", "-o", str(built), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return built
