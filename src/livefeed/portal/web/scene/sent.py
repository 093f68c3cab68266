"""What left the queue: the last requests with their secrets masked, in memory while the portal runs."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from livefeed.durable.consumers import ConsumerId
from livefeed.durable.lanes import Lease
from livefeed.portal.events.masking import masked_body, masked_headers

_MOST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it left, without its secrets.

    Attributes:
        attempt: 1 for the first.
        url: Where it went.
        headers: As sent, the signature masked.
        body: As sent, tokens masked by as many dots.
        size_bytes: Of the body.
    """

    attempt: int
    url: str
    headers: Mapping[str, str]
    body: str
    size_bytes: int


class Requests:
    """The newest request of each event to each handler; a `livefeed.portal.events.dispatcher.Witness`."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, ConsumerId], Request] = OrderedDict()

    def __call__(self, lease: Lease, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Note a request that is about to be sent; its secrets are dropped here."""
        key = (lease.entries[0].seq, lease.consumer.id)
        self._known.pop(key, None)
        self._known[key] = Request(
            attempt=lease.attempt,
            url=url,
            headers=masked_headers(headers),
            body=masked_body(body),
            size_bytes=len(body),
        )
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    def find(self, seq: int, consumer: ConsumerId) -> Request | None:
        """The newest request of an event; None: none was made since the portal was started."""
        return self._known.get((seq, consumer))
