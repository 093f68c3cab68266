"""Paths that an application may open beside itself: normalised first, then from a list, never another."""

import re
from dataclasses import dataclass
from posixpath import normpath
from typing import Final, TypeAlias
from urllib.parse import unquote, urlsplit

from livefeed.errors import WireError
from livefeed.wire.form import Form, Limits, decode
from livefeed.wire.ids import PostId, decimal

_MOST_CHARS: Final = 2_000
_POST: Final = re.compile(r"/(?:posts|company/personal/user/\d{1,18}/blog)/(\d{1,18})")
_LINK: Final = re.compile(r"/marketplace/view/([\w.-]{1,100})")
_LIMITS: Final = Limits(max_bytes=_MOST_CHARS, max_keys=50, max_depth=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostPath:
    """The page of a post."""

    post: PostId


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPath:
    """A link to an application, with what stands in its ``params``."""

    client_id: str
    query: str


OpenPath: TypeAlias = PostPath | LinkPath


def read_path(given: str) -> OpenPath | None:
    """What a path of ``openPath`` means; None for everything that is not on the list.

    Libraries put the width of the slider before it, and leave that again with as many ``..``. A post
    is known under our own path, and under that of its author's blog.

    Source: sdk/bx24-js-sdk/additional-functions/bx24-open-path.md
    """
    if (
        len(given) > _MOST_CHARS
        or not given.startswith("/")
        or given.startswith("//")
        or not given.isprintable()
    ):
        return None
    try:
        parts = urlsplit(given)
    except ValueError:
        return None
    path = normpath(unquote(parts.path)) if "\\" not in given else ""
    post = _POST.fullmatch(path)
    if post is not None:
        number = decimal(post.group(1))
        return None if number is None else PostPath(post=PostId(number))
    link = _LINK.fullmatch(path)
    return None if link is None else LinkPath(client_id=link.group(1), query=parts.query)


def link_params(query: str) -> Form:
    """``params[…]`` of a link to an application; empty if there is none, or it cannot be read.

    Source: api-reference/widgets/universal/app-url.md
    """
    try:
        params = decode(query.encode(), limits=_LIMITS, strict=False).get("params")
    except WireError:
        return {}
    return params if isinstance(params, dict) else {}
