"""Operations on webhooks."""

from typing import Final

from livefeed.durable.store import Tx
from livefeed.portal.apps import webhooks
from livefeed.portal.operations.office import (
    Asked,
    Document,
    Number,
    Office,
    OperationSpec,
    Scopes,
    active_person,
)
from livefeed.portal.portals import PortalRow
from livefeed.wire.apps import scope_list
from livefeed.wire.ids import UserId


class WebhookAdd(Asked, frozen=True, kw_only=True):
    """Make an incoming webhook with the rights of ``user``."""

    user: Number
    scope: Scopes


async def add_webhook(office: Office, portal: PortalRow, asked: WebhookAdd) -> Document:
    """Make an incoming webhook; its URL is a secret."""
    user_id, scopes = UserId(asked.user), scope_list([asked.scope]).split(",")

    def unit(tx: Tx) -> str:
        active_person(tx, portal, user_id)
        return webhooks.add(tx, portal=portal.member_id, user_id=user_id, scopes=scopes, keys=office.keys)

    return {"url": webhooks.url(portal, user_id, await office.store.write(unit))}


OPERATIONS: Final = (OperationSpec(name="webhook_add", asked=WebhookAdd, run=add_webhook),)
