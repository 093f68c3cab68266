"""The rounds that every application has: are its handlers still bound, and what is in the offline queue."""

from typing import Final

from livefeed.app.application import Application
from livefeed.app.installs import binding
from livefeed.app.offline import fetch_offline
from livefeed.app.offline.fetching import CONSUMER
from livefeed.app.rounds.lanes import again
from livefeed.settings import AppSettings

WATCH: Final = "watch"


def add_own(app: Application, settings: AppSettings) -> None:
    """Give ``app`` the rounds that ``settings`` ask for, unless it has them from being opened before."""
    if settings.watch_every_s and settings.public_url and WATCH not in app.consumptions:
        again(app, WATCH, settings.watch_every_s, binding.ask)
    if settings.offline_events and CONSUMER not in app.consumptions:
        fetch_offline(app, settings.offline_every_s)
