"""What comes of looking at a page or sending a form: values that the desk turns into an answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from livefeed.ui.languages import Words, noted


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A page.

    Attributes:
        template: Its template.
        values: What goes into it.
        status: HTTP status; 4xx for a form shown again with what is wrong.
        policy: Directives of the content security policy that differ on this page.
    """

    template: str
    values: Mapping[str, object]
    status: int = 200
    policy: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """Done; show this address of our own: a path, never a host."""

    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorry:
    """Not done, and why, in words for people."""

    status: int
    heading: Words
    text: Words
    back: str = "/"


Result: TypeAlias = Shown | Go | Sorry

NO_POST: Final = Sorry(
    status=404,
    heading=noted("No such post"),
    text=noted("It does not exist, was deleted, or is not addressed to you."),
)
NOT_YOURS: Final = Sorry(
    status=403,
    heading=noted("Not permitted"),
    text=noted("Only the author and administrators may change a post."),
)
ONLY_ADMINISTRATORS: Final = Sorry(
    status=403, heading=noted("Not permitted"), text=noted("Only administrators may see this page.")
)
NOT_OUR_FORM: Final = Sorry(
    status=403,
    heading=noted("This form is not valid any more"),
    text=noted("Go back, reload the page, and send it again."),
)
UNREADABLE: Final = Sorry(
    status=400,
    heading=noted("The form cannot be read"),
    text=noted("Go back and send it again; it may be too long, or hold signs that are not allowed."),
)
BUSY: Final = Sorry(
    status=503,
    heading=noted("Too busy"),
    text=noted("Nothing was saved. Try again in a moment."),
)
