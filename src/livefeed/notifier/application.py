"""The notifier as an application: which events it handles, and which lanes it has of its own."""

from typing import Final

from livefeed.app import App
from livefeed.app.sweep import sweep_with
from livefeed.durable.store import Tx
from livefeed.notifier import archive, backfill, comments, decisions, edits, notices, people, showing
from livefeed.notifier.channels import bell
from livefeed.notifier.gaps import ArchiveWatch
from livefeed.notifier.gaps.page import FOUND
from livefeed.notifier.pages import history
from livefeed.notifier.privacy import erasing
from livefeed.notifier.privacy.operations import OPERATIONS
from livefeed.settings import AppSettings
from livefeed.wire.events import AppInstalled, PostAdded, PostDeleted, PostUpdated
from livefeed.wire.ids import MemberId

_BELLS_AT_ONCE: Final = 8
_LONGEST_TELLING_S: Final = 600.0  # whoever commented is asked person by person, as fast as the portal allows


def build(settings: AppSettings) -> App:
    """The notifier, ready to be served; opens nothing."""
    app = App(settings)
    app.store_in("livefeed.notifier")
    app.on(AppInstalled)(edits.note_language)
    app.on(PostAdded)(edits.archive_added)
    app.on(PostUpdated, coalesce=True, timeout_s=_LONGEST_TELLING_S)(edits.tell_participants)
    app.on(PostDeleted)(edits.bury_deleted)
    app.consume(notices.BELL, bell.ring, kind=bell.KIND, cap=_BELLS_AT_ONCE)
    app.consume(backfill.CONSUMER, backfill.fill, kind=backfill.KIND, cap=1, is_setup=True)
    app.when_installed(backfill.order)
    sweep_with(app, ArchiveWatch())
    app.when_erased(_forget)
    app.show_in_console(showing.NOTICES)
    app.show_in_console(FOUND)
    for name, operation in OPERATIONS.items():
        app.operate(name, operation)
    history.add_pages(app)
    return app


def _forget(tx: Tx, portal: MemberId) -> None:
    for room in (decisions, notices, archive, comments, people, backfill, erasing):
        room.forget(tx, portal)
