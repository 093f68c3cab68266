"""The company of a test: its people, its posts, and the applications that are installed on its portal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from livefeed.durable.store import Tx
from livefeed.portal import access, lifecycle
from livefeed.portal.apps import webhooks
from livefeed.portal.apps.registry import App
from livefeed.portal.apps.tokens import codec_of
from livefeed.portal.events import handlers
from livefeed.portal.events.handlers import Binding
from livefeed.portal.feed import comments, posts, reading
from livefeed.portal.feed.posts import Change
from livefeed.portal.people import people, places
from livefeed.portal.people.people import NewPerson
from livefeed.portal.portals import next_id
from livefeed.testing.stand import Stand
from livefeed.wire.ids import DepartmentId, MemberId, PostId, UserId

if TYPE_CHECKING:
    from livefeed.testing.desk import Desk

AUTOMATION: Final = UserId(0)
"""In ``by=``: no person does it, so that its event carries no tokens."""

_MAIN_OFFICE: Final = DepartmentId(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who works here.

    Attributes:
        id: Number on the portal; 1 is an administrator.
        name: ``Anna Petrova``.
        login: What he signs in with.
        webhook_url: An incoming webhook with his rights, ending in a slash: append the name of a method.
    """

    id: int
    name: str
    login: str
    webhook_url: str


@dataclass(frozen=True, slots=True)
class Post:
    """A post of the feed; what it says is read from the portal each time."""

    id: int
    _desk: "Desk"

    @property
    def text(self) -> str:
        """What it says now, BBCode."""
        return self._desk.read_post(self.id).text

    @property
    def title(self) -> str:
        """Its title; taken from the text where nobody gave one."""
        return self._desk.read_post(self.id).title

    @property
    def author(self) -> int:
        """Who wrote it."""
        return self._desk.read_post(self.id).author

    @property
    def version(self) -> int:
        """1 for what was published, one more for each edit."""
        return self._desk.read_post(self.id).version

    def edit(self, text: str, *, title: str | None = None, by: "Person | int | None" = None) -> None:
        """Edit it, and raise OnLiveFeedPostUpdate.

        Args:
            text: What it says from now on.
            title: None keeps it.
            by: Who edits; None: its author; `AUTOMATION`: nobody, and the event carries no tokens.
        """
        change = Change(text=text, title=title)

        def unit(tx: Tx, post: reading.Post) -> None:
            posts.edit(tx, post, change, actor=actor_of(by, post.author), source="test")

        self._desk.change_post(self.id, unit)

    def delete(self, *, by: "Person | int | None" = None) -> None:
        """Delete it, and raise OnLiveFeedPostDelete; see `edit` for ``by``."""

        def unit(tx: Tx, post: reading.Post) -> None:
            posts.delete(tx, post, actor=actor_of(by, post.author), source="test")

        self._desk.change_post(self.id, unit)

    def comment(self, text: str, *, by: "Person | int | None" = None) -> None:
        """Write a comment under it, by its author if nobody is named; no event follows (A-07)."""

        def unit(tx: Tx, post: reading.Post) -> None:
            comments.add(tx, post, author=UserId(id_of(by or post.author)), text=text)

        self._desk.change_post(self.id, unit)

    def __int__(self) -> int:
        return self.id

    def __repr__(self) -> str:
        return f"<Post {self.id}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledApp:
    """An application that is registered on the portal.

    Attributes:
        client_id: ``local.…``.
        client_secret: For the token endpoint.
        application_token: What proves its events genuine.
        member_id: Of the portal.
        signing_secret: Of ``webhook-signature``, ``whsec_…``.
        desk: Where it is registered.
    """

    client_id: str
    client_secret: str
    application_token: str
    member_id: str
    signing_secret: str
    desk: "Desk"

    def bind(self, event: str, url: str, *, auth_user: "Person | int | None" = None) -> int:
        """Bind a handler as the application does with ``event.bind``; its ``event_handler_id``.

        Args:
            event: ``OnLiveFeedPostUpdate``, in any case of letters.
            url: Where it is sent.
            auth_user: Whose tokens events carry; None: those of who acted.
        """

        def unit(tx: Tx, app: App) -> int:
            binding = Binding(
                event=event.upper(),
                url=url,
                auth_type=handlers.ACTING_USER if auth_user is None else UserId(id_of(auth_user)),
                owner=app.installer,
            )
            return handlers.bind(tx, app, binding)

        return self.desk.change_app(self.client_id, unit)

    def token(self, person: "Person | int" = 1) -> str:
        """An access token in the name of ``person``, good for an hour of the portal's clock."""
        return self.tokens(person)[0]

    def tokens(self, person: "Person | int" = 1) -> tuple[str, str]:
        """An access token and a refresh token in the name of ``person``."""
        codec, user = codec_of(self.desk.stand.keys), UserId(id_of(person))

        def unit(tx: Tx, app: App) -> tuple[str, str]:
            epoch = handlers.person_epoch(tx, app.portal, user)
            if epoch is None:
                raise LookupError(f"there is no active person {user} on this portal")
            bearer = app.bearer(user, epoch)
            return codec.mint("access", bearer, tx.now_ms), codec.mint("refresh", bearer, tx.now_ms)

        access_token, refresh_token = self.desk.change_app(self.client_id, unit)
        self.desk.stand.scene.give(self.client_id, access_token)
        return access_token, refresh_token

    def finish(self) -> None:
        """Finish the installation of an application with an interface."""
        self.desk.do("app_finish", client_id=self.client_id)

    def update(self, version: str) -> None:
        """Install another version, ``2.0.0``: its handlers are gone, ONAPPUPDATE is raised."""
        self.desk.do("app_update", client_id=self.client_id, version=version)

    def uninstall(self, *, clean: bool = False) -> None:
        """Uninstall it: tokens are dead, handlers gone, ONAPPUNINSTALL is raised where it was bound."""
        self.desk.do("app_remove", client_id=self.client_id, clean=clean)

    def __repr__(self) -> str:
        return f"<InstalledApp {self.client_id}>"


def id_of(person: "Person | int") -> int:
    """The number of a person, who may be named by it."""
    return person if isinstance(person, int) else person.id


def actor_of(by: "Person | int | None", author: UserId) -> UserId | None:
    """Who acts; None: nobody does."""
    if by is None:
        return author
    return None if by == AUTOMATION else UserId(id_of(by))


def app_on(tx: Tx, stand: Stand, client_id: str) -> App:
    """An application that is installed; raises Refused."""
    return lifecycle.present(tx, stand.row, client_id)


async def employ(stand: Stand, name: str, login: str, given: Mapping[str, Any]) -> Person:
    """Take a person in, with an incoming webhook of his own; he signs in with one click."""
    first, _, last = name.partition(" ")
    code = webhooks.new_code(stand.keys)
    new = NewPerson(login=login, email=f"{login}@meridian.example", first_name=first, last_name=last, **given)
    portal: MemberId = stand.row.member_id

    def unit(tx: Tx) -> UserId:
        person = UserId(next_id(tx, portal, "person"))
        people.add(tx, portal, person, new)
        places.join_department(tx, portal, person, _MAIN_OFFICE)
        access.rebuild(tx, portal)
        webhooks.add(tx, portal=portal, user_id=person, scopes=webhooks.SCOPES, code=code, name="test")
        return person

    person = await stand.write(unit)
    url = webhooks.url(stand.row, person, code.code.reveal())
    return Person(id=person, name=name, login=login, webhook_url=url)


def post_on(tx: Tx, stand: Stand, post_id: int) -> reading.Post:
    """A post of the feed.

    Raises:
        LookupError: There is none, or it was deleted.
    """
    post = reading.find(tx, stand.row.member_id, PostId(post_id))
    if post is None:
        raise LookupError(f"there is no post {post_id} on this portal")
    return post
