"""The heading of an event: what a door has to know of it before anything else of it is worth reading."""

from typing import Final

import msgspec

from livefeed.errors import WireError
from livefeed.wire.events import POST_EVENTS
from livefeed.wire.form import Form, Shapes
from livefeed.wire.ids import PostId, decimal


class Heading(msgspec.Struct, frozen=True):
    """Which event, from whom, about what; the same as the whole envelope says.

    Attributes:
        event: The wire name in upper case, ``ONLIVEFEEDPOSTUPDATE``.
        member_id: The portal; a claim until ``application_token`` has proved it.
        application_token: A secret.
        post_id: Of a post event; None where there is no usable one.
    """

    event: str
    member_id: str | None
    application_token: str | None
    post_id: PostId | None

    def __repr__(self) -> str:
        return f"Heading(event={self.event!r}, member_id={self.member_id!r}, post_id={self.post_id!r})"


_POST_EVENTS: Final = frozenset(POST_EVENTS)
_NOTHING: Final[Form] = {}
_shapes: Final = Shapes(
    ("event",), ("auth", "member_id"), ("auth", "application_token"), ("data", "FIELDS", "POST_ID")
)


def read_heading(form: Form) -> Heading:
    """Read the heading of ``form``; a fifth of the cost of the envelope.

    Raises:
        WireError: There is no ``event``.
    """
    name = form.get("event")
    if not isinstance(name, str) or not name:
        raise WireError("event", "the name of an event", "none")
    event = name.upper()
    auth = form.get("auth")
    if not isinstance(auth, dict):
        auth = _NOTHING
    post_id = _post_id(form) if event in _POST_EVENTS else None
    return Heading(event, _text(auth, "member_id"), _text(auth, "application_token"), post_id)


def read_known(body: bytes) -> Heading | None:
    """The heading of a form body whose keys are known in this order; a third of the cost of `read_heading`.

    None: they are not, and nothing is known of the body. Otherwise it is a form, and its heading is this one.
    """
    values = _shapes.read(body)
    if values is None or not values[0]:
        return None
    name, member_id, application_token, post = values
    event = name.upper()
    number = decimal(post) if event in _POST_EVENTS else None
    return Heading(event, member_id or None, application_token or None, PostId(number) if number else None)


def learn(body: bytes) -> None:
    """Know the keys of a body whose sender is proved."""
    _shapes.learn(body)


def _text(block: Form, key: str) -> str | None:
    value = block.get(key)
    return value if isinstance(value, str) and value else None


def _post_id(form: Form) -> PostId | None:
    data = form.get("data")
    fields = data.get("FIELDS") if isinstance(data, dict) else None
    text = fields.get("POST_ID") if isinstance(fields, dict) else None
    number = decimal(text) if isinstance(text, str) else None
    return PostId(number) if number else None
