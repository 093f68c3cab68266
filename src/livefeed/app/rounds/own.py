"""The rounds that every application has.

Are its handlers still bound, what is in the offline queue, and which pairs of tokens would end unused.
"""

from functools import partial
from typing import Final

from livefeed.app.application import Application
from livefeed.app.installs import binding
from livefeed.app.offline import fetch_offline
from livefeed.app.offline.fetching import CONSUMER
from livefeed.app.payments import confirm_payments
from livefeed.app.rounds.lanes import KIND, again, first, next_round
from livefeed.app.runtime import Runtime
from livefeed.durable.lanes import Lease
from livefeed.durable.outcomes import Done, Outcome
from livefeed.errors import Fault, TransportError
from livefeed.settings import AppSettings
from livefeed.telemetry import logger
from livefeed.wire.ids import MemberId

WATCH: Final = "watch"
TOKENS: Final = "tokens"
_DAY_MS: Final = 86_400_000
_LOG: Final = logger("app")


def add_own(app: Application, settings: AppSettings) -> None:
    """Give ``app`` the rounds that ``settings`` ask for, unless it has them from being opened before."""
    if settings.watch_every_s and settings.public_url and WATCH not in app.consumptions:
        again(app, WATCH, settings.watch_every_s, binding.ask)
    if settings.offline_events and CONSUMER not in app.consumptions:
        fetch_offline(app, settings.offline_every_s)
    confirm_payments(app)
    if TOKENS not in app.consumptions:
        app.consume(TOKENS, _keep_tokens, kind=KIND, cap=1, quiet_ms=_DAY_MS, max_wait_ms=_DAY_MS)
        app.when_installed(partial(first, name=TOKENS))


async def _keep_tokens(lease: Lease, runtime: Runtime) -> Outcome:
    """Refresh what would end unused, and look again in a day; what fails now has many more days."""
    member_id = MemberId(lease.consumer.portal)
    try:
        kept = await runtime.vault.keep_alive(member_id)
    except (Fault, TransportError) as exc:
        _LOG.warning("tokens_not_kept_alive", member_id=member_id, error=str(exc))
    else:
        if kept:
            _LOG.info("tokens_kept_alive", member_id=member_id, pairs=kept)
    return Done(effects=lambda tx: next_round(tx, member_id, TOKENS, lease.consumer.id))
