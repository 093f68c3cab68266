"""An application in FastAPI with Bitrix24's own SDK, which renews tokens and follows a renamed portal."""

import hmac
import os
from typing import Annotated

import fastapi
from b24pysdk.credentials import BitrixApp, BitrixToken, OAuthEventData
from b24pysdk.errors import BitrixSDKException
from b24pysdk.integrations.fastapi.dependencies import event_dependency

Event = Annotated[OAuthEventData, fastapi.Depends(event_dependency)]


class Shop:
    """What the application knows; a real one keeps it in its database."""

    def __init__(self) -> None:
        self.client_id = os.environ.get("CLIENT_ID", "")
        self.client_secret = os.environ.get("CLIENT_SECRET", "")
        self.public_url = os.environ.get("PUBLIC_URL", "")
        self.application_token = ""
        self.installer: BitrixToken | None = None

    @property
    def app(self) -> BitrixApp:
        return BitrixApp(client_id=self.client_id, client_secret=self.client_secret)

    def is_genuine(self, event: OAuthEventData) -> bool:
        """The SDK does not compare this token, and nothing else proves an event."""
        return hmac.compare_digest(self.application_token or "-", event.auth.application_token or "")


shop = Shop()
api = fastapi.FastAPI()


@api.post("/install")
def install(event: Event) -> None:
    """Anybody can call this address: the authorization server says whether the token is an installer's."""
    if shop.application_token and not shop.is_genuine(event):
        raise fastapi.HTTPException(403)
    try:
        info = event.get_app_info(shop.app)
        is_ours = info.client_id == shop.client_id and event.validate_against_app_info(info)
        token = BitrixToken.from_oauth_event_data(event, shop.app)
        client = token.get_client()
        if not is_ours or not client.user.admin().result:
            raise fastapi.HTTPException(403)
        shop.application_token, shop.installer = event.auth.application_token, token
        handler = f"{shop.public_url}/events"
        if handler not in [bound["handler"] for bound in client.event.get().result]:
            client.event.bind("OnLiveFeedPostUpdate", handler).result  # noqa: B018 - this is what calls
    except BitrixSDKException as exc:
        raise fastapi.HTTPException(403) from exc


@api.post("/events")
def events(event: Event, later: fastapi.BackgroundTasks) -> None:
    """Prove it, answer; the work begins when the answer has left."""
    if not shop.is_genuine(event):
        raise fastapi.HTTPException(403)
    later.add_task(tell, int(event.data["FIELDS"]["POST_ID"]))


def tell(number: int) -> None:
    """Tell the author that his post was edited, in the name of who installed; events may have no tokens."""
    client = shop.installer.get_client()
    for post in client.log.blogpost.get(post_id=number).result:
        words = f"«{post['TITLE']}» was edited"
        notice = client.im.notify.personal.add(int(post["AUTHOR_ID"]), words, tag=f"post-{number}")
        notice.result  # noqa: B018 - asking for it makes the call
