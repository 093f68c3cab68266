"""Every documented error is reached over https, or it is said why this portal never answers with it."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.clients.conftest import require_sdks
from tests.clients.world import ADMINISTRATOR, MEMBER, NAME, Registered, World

from livefeed.errors import Fault
from livefeed.wire import faults as f
from livefeed.wire.faults import ALL_FAULTS

HANDLER = "https://shop.example/handler"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Refusal:
    """What an answer said."""

    status: int
    code: str
    description: str

    @classmethod
    def of(cls, status: int, document: dict[str, Any]) -> "Refusal":
        return cls(status, document["error"], document["error_description"])


class Asker:
    """Calls the portal as anybody."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(world.ca_file))),
        )
        self.admin = self.world.webhook()
        self.member = self.world.webhook(MEMBER)
        self.app = self.world.register(scope="log,placement")

    def send(self, path: str, body: bytes = b"", content_type: str = JSON) -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(f"{self.world.url}{path}", body, {"Content-Type": content_type})
        try:
            with self._opener.open(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def hook(self, webhook: str, method: str, **params: Any) -> tuple[int, dict[str, Any]]:
        return self.send(f"/rest/{webhook}/{method}", json.dumps(params).encode())

    def call(self, method: str, **params: Any) -> tuple[int, dict[str, Any]]:
        return self.hook(self.admin, method, **params)

    def as_member(self, method: str, **params: Any) -> tuple[int, dict[str, Any]]:
        return self.hook(self.member, method, **params)

    def app_call(
        self, method: str, *, user: int = ADMINISTRATOR, **params: Any
    ) -> tuple[int, dict[str, Any]]:
        return self.send(
            f"/rest/{method}", json.dumps({**params, "auth": self.token(self.app, user)}).encode()
        )

    def token(self, app: Registered, user: int = ADMINISTRATOR) -> str:
        return self.world.operate("app_open", client_id=app.client_id, user=user)["AUTH_ID"]

    def in_batch(self, *commands: str) -> Refusal:
        """The error of the last command of a batch; a batch itself is answered with 200."""
        _, document = self.call("batch", cmd=list(commands))
        errors = document["result"]["result_error"]
        last = errors[str(len(commands) - 1)] if isinstance(errors, dict) else errors[-1]
        return Refusal.of(200, last)

    def grant(self, **params: str) -> tuple[int, dict[str, Any]]:
        return self.send("/oauth/token/", urlencode(params).encode(), FORM)

    def renew(self, app: Registered, **more: str) -> tuple[int, dict[str, Any]]:
        return self.grant(
            grant_type="refresh_token",
            client_id=app.client_id,
            client_secret=app.client_secret,
            refresh_token=app.auth["refresh_token"],
            **more,
        )

    def post(self, **more: Any) -> int:
        return self.call("log.blogpost.add", POST_MESSAGE="of the administrator", DEST=["UA"], **more)[1][
            "result"
        ]


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    require_sdks()
    world = World(tmp_path_factory.mktemp("faults"))
    yield Asker(world)
    world.close()


Ask = Callable[[Asker], "tuple[int, dict[str, Any]] | Refusal"]


def expired(ask: Asker) -> tuple[int, dict[str, Any]]:
    token = ask.token(ask.app)
    ask.world.clock.ahead_s += 3_700
    return ask.send("/rest/profile", json.dumps({"auth": token}).encode())


def unfinished(ask: Asker) -> tuple[int, dict[str, Any]]:
    made = ask.world.operate("app_add", name="Widget", scope="log", interface=True, handler_url=HANDLER)
    opened = ask.world.operate("app_open", client_id=made["client_id"], user=MEMBER)
    return ask.send("/rest/profile", json.dumps({"auth": opened["AUTH_ID"]}).encode())


def unpaid(ask: Asker) -> tuple[int, dict[str, Any]]:
    app = ask.world.register()
    ask.world.operate("app_payment", client_id=app.client_id, until="2020-01-01T00:00:00Z")
    return ask.renew(app)


def in_clear_text(ask: Asker) -> tuple[int, dict[str, Any]]:
    """A webhook over http, where the portal is known under https: as a proxy in front of it would tell."""
    request = urllib.request.Request(
        f"{ask.world.url}/rest/{ask.admin}/profile", headers={"X-Forwarded-Proto": "http"}
    )
    try:
        with ask._opener.open(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def twice(method: str, **params: Any) -> Ask:
    def run(ask: Asker) -> tuple[int, dict[str, Any]]:
        ask.app_call(method, **params)
        return ask.app_call(method, **params)

    return run


def a_damaged_row(ask: Asker) -> tuple[int, dict[str, Any]]:
    post = ask.post()
    damage = "UPDATE post SET files = 'no number' WHERE id = ?"
    ask.world.loop.run(ask.world.store.write(lambda tx: tx.execute(damage, (post,))))
    return ask.call("log.blogpost.get", POST_ID=post)


def a_repeated_comment(ask: Asker) -> tuple[int, dict[str, Any]]:
    post = ask.post()
    ask.call("log.blogcomment.add", POST_ID=post, TEXT="the same")
    return ask.call("log.blogcomment.add", POST_ID=post, TEXT="the same")


MESSAGE = {"USER_ID": 2, "MESSAGE": "x"}
BIND = {"event": "OnLiveFeedPostAdd", "handler": HANDLER}

REACHED: dict[type[Fault], Ask] = {
    f.InternalServerError: a_damaged_row,
    f.BatchMethodNotAllowed: lambda ask: ask.in_batch("batch?cmd[0]=profile"),
    f.BatchLengthExceeded: lambda ask: ask.in_batch(*["profile"] * 51),
    f.NoAuthFound: lambda ask: ask.hook("1/nosuchcode", "profile"),
    f.ExpiredToken: expired,
    f.InvalidRequest: in_clear_text,
    f.AccessDenied: lambda ask: ask.app_call(
        "placement.bind", user=MEMBER, PLACEMENT="LEFT_MENU", HANDLER=HANDLER
    ),
    f.InsufficientScope: lambda ask: ask.hook(ask.world.webhook(scope="im"), "log.blogpost.get"),
    f.UserAccessError: unfinished,
    f.MethodNotFound: lambda ask: ask.call("no.such.method"),
    f.ArgumentError: lambda ask: ask.call("log.blogpost.add", POST_MESSAGE="x", USER_ID=999),
    f.CoreError: lambda ask: ask.app_call("event.bind", event="OnLiveFeedPostAdd", handler="no address"),
    f.EventNotFound: lambda ask: ask.app_call("event.bind", event="OnNothing", handler=HANDLER),
    f.FeatureNeedsCode: lambda ask: ask.app_call("feature.get"),
    f.AppContextRequired: lambda ask: ask.call("app.info"),
    f.BindOfflineNeedsAdministrator: lambda ask: ask.app_call(
        "event.bind", user=MEMBER, event="OnLiveFeedPostAdd", event_type="offline"
    ),
    f.BindNeedsAdministrator: lambda ask: ask.app_call("event.bind", user=MEMBER, auth_type=1, **BIND),
    f.UnbindOfflineNeedsAdministrator: lambda ask: ask.app_call(
        "event.unbind", user=MEMBER, event="OnLiveFeedPostAdd", event_type="offline"
    ),
    f.UnbindNeedsAdministrator: lambda ask: ask.app_call("event.unbind", user=MEMBER, auth_type=1, **BIND),
    f.HandlerAlreadyBound: twice("event.bind", **BIND),
    f.BindNeedsHandler: lambda ask: ask.app_call("event.bind", event="OnLiveFeedPostAdd"),
    f.AddFailed: lambda ask: ask.call("log.blogpost.add", POST_MESSAGE=""),
    f.NoDestination: lambda ask: ask.call("log.blogpost.add", POST_MESSAGE="x", DEST=["U999"]),
    f.UpdateFailed: lambda ask: ask.call("log.blogpost.update", POST_ID="x", POST_MESSAGE="x"),
    f.UpdateNotPermitted: lambda ask: ask.as_member(
        "log.blogpost.update", POST_ID=ask.post(), POST_MESSAGE="x"
    ),
    f.UpdatePostNotFound: lambda ask: ask.call("log.blogpost.update", POST_ID=99_999, POST_MESSAGE="x"),
    f.EmptyTitle: lambda ask: ask.call("log.blogpost.update", POST_ID=1),
    f.DeleteWrongPost: lambda ask: ask.call("log.blogpost.delete", POST_ID=99_999),
    f.DeleteNotPermitted: lambda ask: ask.as_member("log.blogpost.delete", POST_ID=ask.post()),
    f.NoPostFound: lambda ask: ask.call("log.blogcomment.add", POST_ID=99_999, TEXT="x"),
    f.DuplicateComment: a_repeated_comment,
    f.BlogCommentNotAdded: lambda ask: ask.call("log.blogcomment.add", POST_ID=1, TEXT=" "),
    f.WidgetsNeedApp: lambda ask: ask.call("placement.get"),
    f.PlacementMissing: lambda ask: ask.app_call("placement.bind", HANDLER=HANDLER),
    f.PlacementNotText: lambda ask: ask.app_call("placement.bind", PLACEMENT=["LEFT_MENU"], HANDLER=HANDLER),
    f.PlacementNotFound: lambda ask: ask.app_call("placement.bind", PLACEMENT="CRM_LEAD", HANDLER=HANDLER),
    f.PlacementUserMode: lambda ask: ask.app_call(
        "placement.bind", PLACEMENT="LEFT_MENU", HANDLER=HANDLER, USER_ID=2
    ),
    f.PlacementMaxCount: twice("placement.bind", PLACEMENT="REST_APP_URI", HANDLER=HANDLER),
    f.PlacementAlreadyBound: twice("placement.bind", PLACEMENT="LEFT_MENU", HANDLER=HANDLER),
    f.SettingsEmpty: lambda ask: ask.app_call("app.option.set", options={}),
    f.SettingsNeedApp: lambda ask: ask.call("app.option.get"),
    f.SettingsNeedAdministrator: lambda ask: ask.app_call("app.option.set", user=MEMBER, options={"a": "b"}),
    f.UserIdEmpty: lambda ask: ask.call("im.notify.personal.add", MESSAGE="x"),
    f.MessageEmpty: lambda ask: ask.call("im.notify.system.add", USER_ID=2, MESSAGE=" "),
    f.AttachOversize: lambda ask: ask.call("im.notify.personal.add", ATTACH="x" * 60_001, **MESSAGE),
    f.AttachWrong: lambda ask: ask.call("im.notify.personal.add", ATTACH="{no json", **MESSAGE),
    f.ParamsWrong: lambda ask: ask.call("im.notify.read"),
    f.LastIdWithoutType: lambda ask: ask.call("im.notify.get", LAST_ID=5),
    f.LastIdIsText: lambda ask: ask.call("im.notify.get", LAST_ID="x", LAST_TYPE=3),
    f.InvalidRequestOauth: lambda ask: ask.grant(grant_type="refresh_token"),
    f.InvalidClient: lambda ask: ask.grant(
        grant_type="authorization_code", client_id="local.none", client_secret="no", code="none"
    ),
    f.InvalidGrant: lambda ask: ask.grant(
        grant_type="authorization_code",
        client_id=ask.app.client_id,
        client_secret=ask.app.client_secret,
        code="none",
    ),
    f.InvalidScope: lambda ask: ask.renew(ask.world.register(scope="log"), scope="log,crm"),
    f.PaymentRequired: unpaid,
}

NO_SUCH_METHOD = "its method is not built"
ALWAYS_THERE = "the feed is a part of every portal, and everybody has his place in it"
NEVER_HALF = "a failure inside is INTERNAL_SERVER_ERROR, and nothing was written"
NO_LIMITS = "limits are off on a portal of one's own"
NOT_OURS = "there is neither a plan, nor a manifest, nor a confirmation to wait for"

UNREACHED: dict[type[Fault], str] = {
    f.UnexpectedAnswer: "clients raise it when an answer is not one of a portal",
    f.QueryLimitExceeded: "said when the database cannot keep up; tests/portal/test_rest.py fills its queue",
    f.OverloadLimit: NO_LIMITS,
    f.OperationTimeLimit: NO_LIMITS,
    f.CommercialPlanRequired: NOT_OURS,
    f.ManifestNotAvailable: NOT_OURS,
    f.MethodConfirmWaiting: NOT_OURS,
    f.MethodConfirmDenied: NOT_OURS,
    f.InvalidCredentials: "each method has a text of its own for those without the right",
    f.PortalDeleted: "a portal that is gone answers nothing",
    f.WrongAuthType: "only its kinds are raised",
    f.NotForSessions: "REST does not know the sessions of browsers",
    f.SettingsAccess: "only its kinds are raised",
    f.ClientIdMissing: "CLIENT_ID may be left out: a webhook has tags of its own",
    f.InvalidToken: "REST says expired_token or NO_AUTH_FOUND",
    f.BlogModuleNotInstalled: ALWAYS_THERE,
    f.UpdateBlogModuleNotInstalled: ALWAYS_THERE,
    f.DeleteBlogModuleNotInstalled: ALWAYS_THERE,
    f.CommentModuleNotInstalled: ALWAYS_THERE,
    f.BlogNotFound: ALWAYS_THERE,
    f.UpdateBlogNotFound: ALWAYS_THERE,
    f.NoBlogFound: ALWAYS_THERE,
    f.CommentNotPermitted: "who sees a post may comment on it",
    f.CannotAddPost: NEVER_HALF,
    f.CannotUpdatePost: NEVER_HALF,
    f.DeleteFailed: NEVER_HALF,
    f.WrongPost: NO_SUCH_METHOD,
    f.ShareModuleNotInstalled: NO_SUCH_METHOD,
    f.WrongDestinations: NO_SUCH_METHOD,
    f.NoReadPermission: NO_SUCH_METHOD,
    f.RecipientsNotAccessible: NO_SUCH_METHOD,
    f.WrongComment: NO_SUCH_METHOD,
    f.NoDeletePermission: NO_SUCH_METHOD,
    f.CommentNotFound: NO_SUCH_METHOD,
}

OWN_WORDS = frozenset(
    {f.ArgumentError, f.CoreError, f.InvalidRequestOauth, f.InvalidGrant, f.InvalidScope, f.ParamsWrong}
)
"""Errors whose text says what is wrong this time."""


def test_every_documented_error_is_reached_or_said_to_be_out_of_reach():
    assert set(ALL_FAULTS) == {*REACHED, *UNREACHED}
    assert not {*REACHED} & {*UNREACHED}


@pytest.mark.parametrize("fault", REACHED, ids=lambda fault: fault.__name__)
def test_the_error_is_answered_as_documented(fault: type[Fault], asker: Asker):
    answered = REACHED[fault](asker)
    refusal = answered if isinstance(answered, Refusal) else Refusal.of(*answered)

    status = 200 if fault in {f.BatchMethodNotAllowed, f.BatchLengthExceeded} else fault.status
    assert (status, fault.code) == (refusal.status, refusal.code), refusal.description
    assert fault in OWN_WORDS or fault.description == refusal.description
    assert NAME not in refusal.description
