"""Calls out: a REST client that may be used alone, OAuth tokens kept sealed, buckets shared by processes."""

from livefeed.client.bucket import ENTERPRISE, STANDARD, Rate
from livefeed.client.lists.cursor import Cursor
from livefeed.client.lists.progress import Progress
from livefeed.client.manners import Manners
from livefeed.client.oauth import TokenEndpoint
from livefeed.client.rest import Access, Credentials, Pace, Parameters, RestClient
from livefeed.client.sending.repeating import Repeats
from livefeed.client.tokens import AUTHORIZATION_SERVER, Pair
from livefeed.errors import Fault, NotYet, TransportError
from livefeed.secrets import Secret
from livefeed.wire.calls import Answer

__all__ = [
    "AUTHORIZATION_SERVER",
    "ENTERPRISE",
    "STANDARD",
    "Access",
    "Answer",
    "Credentials",
    "Cursor",
    "Fault",
    "Manners",
    "NotYet",
    "Pace",
    "Pair",
    "Parameters",
    "Progress",
    "Rate",
    "Repeats",
    "RestClient",
    "Secret",
    "TokenEndpoint",
    "TransportError",
]
