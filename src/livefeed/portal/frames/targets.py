"""Targets: what opens when a person asks for an application, and why it does not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from livefeed.durable.store import Tx
from livefeed.portal.apps import registry
from livefeed.portal.apps.registry import App
from livefeed.portal.feed import reading
from livefeed.portal.frames import placements, places
from livefeed.portal.frames.placements import Placement
from livefeed.portal.people.people import Person
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import AppId, MemberId, PlacementId, PostId

WhyNot: TypeAlias = Literal["missing", "unpaid", "withheld", "no post"]

_NO_OPTIONS: Final[Mapping[str, JsonValue]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person asks for.

    Attributes:
        app: An application, by its number on the portal.
        placement: One of its widgets; None: its own page.
        post: The post a widget is opened from.
        uri: Path and query of our page on which the person was; empty: unknown, or another site's.
    """

    app: AppId
    placement: PlacementId | None = None
    post: PostId | None = None
    uri: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What opens.

    Attributes:
        app: Which application.
        url: Its page.
        title: What stands above it.
        place: ``PLACEMENT``.
        options: ``PLACEMENT_OPTIONS``.
        is_installer: Whether it is the page that finishes the installation.
    """

    app: App
    url: str
    title: str
    place: str = places.DEFAULT
    options: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    is_installer: bool = False

    def urls(self) -> tuple[str, ...]:
        """What of this application this page may have to show: sliders open its own page."""
        return (self.url, self.app.handler_url) if self.app.handler_url else (self.url,)


def find(tx: Tx, portal: MemberId, me: Person, wanted: Wanted, *, language: str) -> Target | WhyNot:
    """What opens for ``me``; before the installation is finished the installer's page, for administrators.

    Source: settings/app-installation/installation-finish.md; contract 3.2, 3.3
    """
    app = registry.find(tx, wanted.app)
    if app is None or app.portal != portal or app.state == "removed":
        return "missing"
    if not app.is_paid(tx.now_ms):
        return "unpaid"
    options = {"URI": wanted.uri} if wanted.uri else {}
    if wanted.placement is None or app.state == "withheld":
        return own_page(app, me, options)
    placement = placements.find(tx, portal, wanted.placement)
    if placement is None or placement.app != app.id:
        return "missing"
    return _widget(tx, app, placement, me, wanted, language)


def find_link(
    tx: Tx,
    portal: MemberId,
    me: Person,
    client_id: str,
    given: Mapping[str, JsonValue],
    *,
    uri: str,
    language: str,
) -> Target | WhyNot:
    """What opens behind a link to an application.

    Source: api-reference/widgets/universal/app-url.md
    """
    app = registry.find_by_client_id(tx, client_id)
    if app is None or app.portal != portal or app.state == "removed":
        return "missing"
    if not app.is_paid(tx.now_ms):
        return "unpaid"
    options = {**given, **({"URI": uri} if uri else {})}
    if app.state == "withheld":
        return own_page(app, me, options)
    bound = [one for one in placements.of_app(tx, app.id) if one.place == places.APP_LINK]
    if not bound or "placement" not in app.scopes:
        return "missing"
    return _shown(app, bound[0], options, language)


def own_page(app: App, me: Person, options: Mapping[str, JsonValue] = _NO_OPTIONS) -> Target | WhyNot:
    """An application's own page, or that of its installer."""
    is_installer = app.state == "withheld"
    if is_installer and not me.is_admin:
        return "withheld"
    url = (app.install_url or app.handler_url) if is_installer else app.handler_url
    if not app.has_interface or not url:
        return "missing"
    return Target(app=app, url=url, title=app.name, options=options, is_installer=is_installer)


def _widget(
    tx: Tx, app: App, placement: Placement, me: Person, wanted: Wanted, language: str
) -> Target | WhyNot:
    options: dict[str, JsonValue] = {"URI": wanted.uri} if wanted.uri else {}
    if placement.place != places.POST:
        return _shown(app, placement, options, language)
    if "log" not in app.scopes or wanted.post is None:
        return "missing"
    if reading.find_visible(tx, app.portal, me.viewer, wanted.post) is None:
        return "no post"
    return _shown(app, placement, {"POST_ID": str(wanted.post), **options}, language)


def _shown(app: App, placement: Placement, options: Mapping[str, JsonValue], language: str) -> Target:
    return Target(
        app=app,
        url=placement.handler,
        title=placement.title(language),
        place=placement.place,
        options=options,
    )
