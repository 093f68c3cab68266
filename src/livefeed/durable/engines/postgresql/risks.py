"""Risks: settings of a server under which a commit that was acknowledged can be lost."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from livefeed.durable.engines.unit import Tx
from livefeed.telemetry import logger

_STANDBYS: Final = "synchronous_standby_names"
_SETTINGS: Final = """
SELECT name, setting FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'synchronous_standby_names')
"""
_OFF: Final = {
    "fsync": "what was acknowledged is lost with the power",
    "full_page_writes": "the loss of power can leave damaged pages",
    "synchronous_commit": "what was acknowledged in the last moments is lost with the server",
}
_SHORT_OF_STANDBY: Final = {
    "local": "no commit waits for the standby: when it takes over, the last moments are lost",
    "remote_write": "what the standby acknowledges is not on its disk: if its power fails, too, it is lost",
}
_log: Final = logger("durable")


class Risk(NamedTuple):
    """A setting, its value, and what is risked by it."""

    setting: str
    value: str
    what: str


def safety(tx: Tx) -> dict[str, str]:
    """The settings on which it depends whether a commit lasts, as they are for us."""
    return {str(name): str(value) for name, value in tx.execute(_SETTINGS)}


def risks_of(settings: Mapping[str, str]) -> Iterator[Risk]:
    """What is risked under these settings, each setting at most once."""
    for setting, what in _OFF.items():
        if settings[setting] == "off":
            yield Risk(setting, "off", what)
    value = settings["synchronous_commit"]
    if settings[_STANDBYS] and value in _SHORT_OF_STANDBY:
        yield Risk("synchronous_commit", value, _SHORT_OF_STANDBY[value])


def warn_of_risks(tx: Tx) -> None:
    """Say in the log what is risked; serving goes on, because it may be wanted so: for tests, for one."""
    for setting, value, what in risks_of(safety(tx)):
        _log.warning(
            "database is not safe", setting=f"{setting}={value}", risk=what, then=f"set {setting} = on"
        )
