"""The administrator's operations: the same over HTTP and, if nothing runs, in the file."""

from collections.abc import Mapping
from typing import Final, assert_never

from livefeed.clock import Clock, fresh_hex
from livefeed.durable import consumers, dead
from livefeed.durable.store import Store, Tx
from livefeed.net.http import is_http_url
from livefeed.portal import lifecycle
from livefeed.portal.apps import registry, webhooks
from livefeed.portal.apps.registry import NewApp
from livefeed.portal.apps.tokens import codec_of
from livefeed.portal.events import handlers
from livefeed.portal.events.cards import signing_secret
from livefeed.portal.feed import posts, reading
from livefeed.portal.feed.posts import Change
from livefeed.portal.lifecycle import Refused
from livefeed.portal.operations import (
    AppAdd,
    AppFinish,
    AppOpen,
    AppRemove,
    AppRotate,
    DeadReplay,
    EditPost,
    HandlerState,
    WebhookAdd,
    read_operation,
)
from livefeed.portal.people import people
from livefeed.portal.portals import Directory, PortalRow
from livefeed.secrets import KeyRing
from livefeed.wire.apps import scope_list
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import HandlerId, PostId, UserId
from livefeed.wire.oauth import ACCESS_TOKEN_LIFE_S

Document = dict[str, JsonValue]

ADMINISTRATOR: Final = UserId(1)
"""In whose name applications are registered and posts edited, unless another is named."""


class Admin:
    """Does what an administrator asks for; secrets in its documents are shown this once."""

    def __init__(self, *, store: Store, keys: KeyRing, clock: Clock, directory: Directory) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._directory = directory

    async def run(self, operation: str, arguments: Mapping[str, object]) -> Document:
        """Do one operation of `operations` and return its document.

        Raises:
            Refused: It cannot be done; the message says why.
            StoreError: It was not stored.
        """
        asked = read_operation(operation, arguments)
        portal = self._portal(asked.portal)
        match asked:
            case AppAdd():
                return await self._add_app(portal, asked)
            case AppFinish():
                app = await self._store.write(lambda tx: lifecycle.finish(tx, portal, asked.client_id))
                return {"client_id": app.client_id, "installed": app.state == "installed"}
            case AppRemove():
                return await self._remove_app(portal, asked)
            case AppRotate():
                return await self._rotate_app(portal, asked)
            case AppOpen():
                return await self._open_app(portal, asked)
            case WebhookAdd():
                return await self._add_webhook(portal, asked)
            case EditPost():
                return await self._edit_post(portal, asked)
            case HandlerState():
                return await self._store.write(lambda tx: _set_handler_state(tx, portal, asked))
            case DeadReplay():
                return await self._store.write(lambda tx: _replay(tx, portal, asked))
            case _:
                assert_never(asked)

    async def _add_app(self, portal: PortalRow, asked: AppAdd) -> Document:
        for url in (asked.handler_url, asked.install_url):
            if url and not is_http_url(url):
                raise Refused(f"{url!r} is not an absolute http or https URL")
        new = NewApp(
            name=asked.name,
            handler_url=asked.handler_url,
            install_url=asked.install_url,
            scope=tuple(scope_list([asked.scope]).split(",")),
            has_interface=asked.interface,
            auth_keys=asked.auth_keys,
        )
        fresh = registry.fresh_credentials(self._keys)

        def unit(tx: Tx) -> bool:
            _active_person(tx, portal, ADMINISTRATOR)
            return lifecycle.install(tx, portal, new, fresh, installer=ADMINISTRATOR).state == "installed"

        is_installed = await self._store.write(unit)
        return {
            "client_id": fresh.client_id,
            "client_secret": fresh.client_secret.reveal(),
            "application_token": fresh.application_token.reveal(),
            "member_id": portal.member_id,
            "installed": is_installed,
            "signing_secret": signing_secret(self._keys, fresh.client_id),
        }

    async def _remove_app(self, portal: PortalRow, asked: AppRemove) -> Document:
        app = await self._store.write(
            lambda tx: lifecycle.uninstall(tx, portal, asked.client_id, clean=asked.clean)
        )
        return {"client_id": app.client_id, "removed": True}

    async def _rotate_app(self, portal: PortalRow, asked: AppRotate) -> Document:
        fresh = registry.fresh_credentials(self._keys)
        app = await self._store.write(
            lambda tx: lifecycle.rotate(tx, portal, asked.client_id, fresh.secret_hash)
        )
        return {"client_id": app.client_id, "client_secret": fresh.client_secret.reveal()}

    async def _open_app(self, portal: PortalRow, asked: AppOpen) -> Document:
        """The values of the frame POST.

        Source: settings/oauth/simple-way.md
        """
        person = UserId(asked.user)

        def unit(tx: Tx) -> tuple[registry.App, int]:
            app = lifecycle.present(tx, portal, asked.client_id)
            epoch = handlers.person_epoch(tx, portal.member_id, person)
            if epoch is None:
                raise Refused(f"there is no active person {person} on this portal")
            return app, epoch

        app, epoch = await self._store.read(unit)
        codec, bearer, now_ms = codec_of(self._keys), app.bearer(person, epoch), self._clock.now_ms()
        return {
            "DOMAIN": portal.domain,
            "PROTOCOL": "1" if portal.public_url.startswith("https:") else "0",
            "LANG": portal.language,
            "APP_SID": fresh_hex(32),
            "AUTH_ID": codec.mint_fresh("access", bearer, now_ms),
            "AUTH_EXPIRES": str(ACCESS_TOKEN_LIFE_S),
            "REFRESH_ID": codec.mint_fresh("refresh", bearer, now_ms),
            "SERVER_ENDPOINT": portal.server_endpoint,
            "APPLICATION_TOKEN": app.application_token(self._keys).reveal(),
            "APPLICATION_SCOPE": app.scope,
            "member_id": portal.member_id,
            "status": app.status,
            "PLACEMENT": "DEFAULT",
        }

    async def _add_webhook(self, portal: PortalRow, asked: WebhookAdd) -> Document:
        user_id, scopes = UserId(asked.user), scope_list([asked.scope]).split(",")

        def unit(tx: Tx) -> str:
            _active_person(tx, portal, user_id)
            return webhooks.add(tx, portal=portal.member_id, user_id=user_id, scopes=scopes, keys=self._keys)

        return {"url": webhooks.url(portal, user_id, await self._store.write(unit))}

    async def _edit_post(self, portal: PortalRow, asked: EditPost) -> Document:
        if asked.as_automation and asked.user is not None:
            raise Refused("an edit is made by a user or by an automation, not by both")
        actor = None if asked.as_automation else UserId(asked.user or ADMINISTRATOR)

        def unit(tx: Tx) -> int:
            if actor is not None:
                _active_person(tx, portal, actor)
            post = reading.find(tx, portal.member_id, PostId(asked.post))
            if post is None:
                raise Refused(f"there is no post {asked.post} on this portal")
            change = Change(text=asked.text, title=asked.title)
            return posts.edit(tx, post, change, actor=actor, source="command").version

        return {"post": asked.post, "version": await self._store.write(unit)}

    def _portal(self, member_id: str | None) -> PortalRow:
        portal = self._directory.default if member_id is None else self._directory.by_member(member_id)
        if portal is None:
            raise Refused(f"there is no portal {member_id!r} on this server")
        return portal


def _active_person(tx: Tx, portal: PortalRow, user_id: UserId) -> None:
    person = people.find(tx, portal.member_id, user_id)
    if person is None or not person.is_active:
        raise Refused(f"there is no active person {user_id} on this portal")


def _handler(tx: Tx, portal: PortalRow, handler: int) -> handlers.Handler:
    found = handlers.find(tx, portal.member_id, HandlerId(handler))
    if found is None or found.state == "unbound":
        raise Refused(f"there is no bound handler {handler} on this portal")
    return found


def _set_handler_state(tx: Tx, portal: PortalRow, asked: HandlerState) -> Document:
    found = _handler(tx, portal, asked.handler)
    consumer = consumers.get(tx, found.consumer)
    if consumer is None or consumer.state == "withheld":
        raise Refused(f"handler {asked.handler} is withheld: its application's installation is not finished")
    consumers.set_state(tx, found.consumer, asked.state)
    return {"handler": asked.handler, "state": asked.state}


def _replay(tx: Tx, portal: PortalRow, asked: DeadReplay) -> Document:
    # Letters are numbered over all portals of the server: without a name, those of every portal are meant.
    of_portal = None if asked.portal is None else portal.member_id
    if asked.id is not None:
        if dead.replay(tx, asked.id, portal=of_portal) is None:
            raise Refused(f"there is no dead letter {asked.id}")
        return {"replayed": 1}
    consumer = None if asked.handler is None else _handler(tx, portal, asked.handler).consumer
    return {"replayed": dead.replay_all(tx, portal=of_portal, consumer=consumer, since_ms=asked.since_ms)}
