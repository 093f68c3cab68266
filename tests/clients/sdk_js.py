"""The vendor's JavaScript SDK, installed from its lock into a cache outside the repository."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.required import absent, require_or_skip

HERE = Path(__file__).parent / "js"
PACKAGE = "@bitrix24/b24jssdk"
UMD = f"{PACKAGE}/dist/umd/index.min.js"
INSTALL_TIMEOUT_S = 300


def cache_folder() -> Path:
    """One folder for each content of the lock."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    lock = (HERE / "package-lock.json").read_bytes()
    return cache / "livefeed-tests" / f"js-{hashlib.sha256(lock).hexdigest()[:16]}"


def installed() -> Path:
    """The ``node_modules`` folder with the SDK; made by ``npm ci`` where it is not there yet."""
    require_or_skip("node")
    folder = cache_folder()
    if not (folder / "node_modules" / PACKAGE).exists():
        _install(folder)
    return folder / "node_modules"


def _install(folder: Path) -> None:
    """Install beside the final name and rename, so that two runs at a time do not disturb each other."""
    npm = require_or_skip("npm")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as fresh:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, fresh)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=fresh, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S)
        if done.returncode != 0:
            absent(f"npm could not install {PACKAGE}: {done.stderr[-400:]}")
        made = Path(fresh) / "done"
        made.mkdir()
        for entry in [*Path(fresh).iterdir()]:
            if entry != made:
                entry.rename(made / entry.name)
        try:
            made.rename(folder)
        except OSError:
            if not (folder / "node_modules" / PACKAGE).exists():
                raise
