"""Risks: settings of a server under which a commit that was acknowledged can be lost."""

from typing import Final

from livefeed.durable.engines.unit import Tx
from livefeed.telemetry import logger

_SETTINGS: Final = """
SELECT name FROM pg_settings
WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting = 'off'
ORDER BY name
"""
_WHAT: Final = {
    "fsync": "what was acknowledged is lost with the power",
    "full_page_writes": "the loss of power can leave damaged pages",
    "synchronous_commit": "what was acknowledged in the last moments is lost with the server",
}
_log: Final = logger("durable")


def risks(tx: Tx) -> dict[str, str]:
    """The settings that are off, and what each one risks."""
    return {str(row[0]): _WHAT[row[0]] for row in tx.execute(_SETTINGS)}


def warn_of_risks(tx: Tx) -> None:
    """Say in the log what is risked; serving goes on, because it may be wanted so: for tests, for one."""
    for setting, what in risks(tx).items():
        _log.warning("database is not safe", setting=f"{setting}=off", risk=what, then=f"set {setting} = on")
