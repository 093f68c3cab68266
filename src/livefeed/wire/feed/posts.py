"""The parameters of ``log.blogpost.*`` as values.

What is missing raises the error that the method's page documents; whether it may be done is decided by
the portal.
"""

from typing import Final

import msgspec

from livefeed.errors import Fault
from livefeed.wire.faults import AddFailed, DeleteWrongPost, EmptyTitle, NoDestination, UpdateFailed
from livefeed.wire.feed.destinations import EVERYONE, Destination, parse_destinations
from livefeed.wire.feed.files import FileChanges, read_files
from livefeed.wire.ids import PostId, UserId
from livefeed.wire.params import Params

_WORDS_ALONE: Final = frozenset({"POST_ID", "POST_MESSAGE", "POST_TITLE"})
"""What most edits have, and nothing else."""

MAX_LIMIT = 200
DEFAULT_LIMIT = 50


class AddPost(msgspec.Struct, frozen=True, kw_only=True):
    """A post to publish.

    Source: api-reference/log/log-blogpost-add.md

    Attributes:
        message: ``POST_MESSAGE``, BBCode.
        title: ``POST_TITLE``.
        destinations: ``DEST``, or its old name ``SPERM``; everyone if neither is given.
        files: What to attach.
        is_important: ``IMPORTANT``.
        important_until: ``IMPORTANT_DATE_END``, ISO 8601 as it came.
        on_behalf_of: ``USER_ID``; only administrators may (A-27).
        tags: ``TAGS``, split at commas.
        background: ``BACKGROUND_CODE``.
        wants_preview: ``PARSE_PREVIEW``.
    """

    message: str
    title: str = ""
    destinations: tuple[Destination, ...] = (EVERYONE,)
    files: FileChanges = FileChanges()
    is_important: bool = False
    important_until: str = ""
    on_behalf_of: UserId | None = None
    tags: tuple[str, ...] = ()
    background: str = ""
    wants_preview: bool = False

    @classmethod
    def from_params(cls, params: Params) -> "AddPost":
        """Read the parameters.

        Raises:
            AddFailed: There is no text.
            NoDestination: Recipients are given and none can be read.
        """
        message = params.text("POST_MESSAGE", fault=AddFailed())
        if not message.strip():
            raise AddFailed
        destinations = _destinations(params, NoDestination())
        return cls(
            message=message,
            title=params.text("POST_TITLE"),
            destinations=(EVERYONE,) if destinations is None else destinations,
            files=read_files(params),
            is_important=params.flag("IMPORTANT"),
            important_until=params.text("IMPORTANT_DATE_END"),
            on_behalf_of=_on_behalf_of(params),
            tags=_tags(params),
            background=params.text("BACKGROUND_CODE"),
            wants_preview=params.flag("PARSE_PREVIEW"),
        )


class UpdatePost(msgspec.Struct, frozen=True, kw_only=True):
    """An edit of a post; None leaves a part as it is.

    Source: api-reference/log/log-blogpost-update.md

    Attributes:
        post_id: ``POST_ID``.
        message: ``POST_MESSAGE``.
        title: ``POST_TITLE``; a new text without a title drops the old title (contract 6.3).
        destinations: ``DEST``, replacing all recipients.
        files: What to attach and to take away.
        is_important: ``IMPORTANT``.
        important_until: ``IMPORTANT_DATE_END``.
        on_behalf_of: ``USER_ID``; only administrators may.
    """

    post_id: PostId
    message: str | None = None
    title: str | None = None
    destinations: tuple[Destination, ...] | None = None
    files: FileChanges = FileChanges()
    is_important: bool | None = None
    important_until: str | None = None
    on_behalf_of: UserId | None = None

    @classmethod
    def from_params(cls, params: Params) -> "UpdatePost":
        """Read the parameters.

        Raises:
            UpdateFailed: POST_ID is no number of a post.
            EmptyTitle: Neither a title nor a text.
        """
        message = params.text("POST_MESSAGE") or None
        title = params.text("POST_TITLE") or None
        post_id = _post_id(params, UpdateFailed())
        if message is None and title is None:
            raise EmptyTitle
        if params.has_only(_WORDS_ALONE):
            return cls(post_id=post_id, message=message, title=title)
        return cls(
            post_id=post_id,
            message=message,
            title=title,
            destinations=_destinations(params, UpdateFailed("No destination specified")),
            files=read_files(params),
            is_important=params.flag("IMPORTANT") if params.has("IMPORTANT") else None,
            important_until=params.text("IMPORTANT_DATE_END") if params.has("IMPORTANT_DATE_END") else None,
            on_behalf_of=_on_behalf_of(params),
        )


class DeletePost(msgspec.Struct, frozen=True, kw_only=True):
    """A post to delete.

    Source: api-reference/log/log-blogpost-delete.md
    """

    post_id: PostId

    @classmethod
    def from_params(cls, params: Params) -> "DeletePost":
        """Read the parameters.

        Raises:
            DeleteWrongPost: POST_ID is no number of a post.
        """
        return cls(post_id=_post_id(params, DeleteWrongPost()))


class GetPosts(msgspec.Struct, frozen=True, kw_only=True):
    """Which posts to return.

    Source: api-reference/log/log-blogpost-get.md

    Attributes:
        post_id: This one; ``rights`` is then ignored. 0 (given, but no number) matches nothing.
        rights: ``LOG_RIGHTS``, any of them (A-29).
        date_from: ``LOG_DATE_FROM``, ISO 8601 as it came.
        date_to: ``LOG_DATE_TO``.
        first_id: Feed entries greater than this; wins over ``last_id``.
        last_id: Feed entries less than this.
        limit: Rows in cursor mode, 1 to 200.
        start: Offset; -1 asks for no count.
    """

    post_id: PostId | None = None
    rights: tuple[Destination, ...] = ()
    date_from: str = ""
    date_to: str = ""
    first_id: int | None = None
    last_id: int | None = None
    limit: int = DEFAULT_LIMIT
    start: int = 0

    @classmethod
    def from_params(cls, params: Params) -> "GetPosts":
        """Read the parameters; none is required, and odd ones count as absent."""
        limit = params.integer("LIMIT")
        first_id = params.maybe_integer("FIRST_ID")
        return cls(
            post_id=PostId(max(0, params.integer("POST_ID"))) if params.text("POST_ID") else None,
            rights=parse_destinations(params.texts("LOG_RIGHTS")),
            date_from=params.text("LOG_DATE_FROM"),
            date_to=params.text("LOG_DATE_TO"),
            first_id=first_id,
            last_id=params.maybe_integer("LAST_ID") if first_id is None else None,
            limit=min(limit, MAX_LIMIT) if limit > 0 else DEFAULT_LIMIT,
            start=max(-1, params.integer("start")),
        )


def _post_id(params: Params, fault: Fault) -> PostId:
    number = params.integer("POST_ID", fault=fault)
    if number <= 0:
        raise fault
    return PostId(number)


def _on_behalf_of(params: Params) -> UserId | None:
    number = params.integer("USER_ID")
    return UserId(number) if number > 0 else None


def _destinations(params: Params, fault: Fault) -> tuple[Destination, ...] | None:
    """The recipients; None if none are given."""
    codes = params.texts("DEST") or params.texts("SPERM")
    if not codes:
        return None
    found = parse_destinations(codes)
    if not found:
        raise fault
    return found


def _tags(params: Params) -> tuple[str, ...]:
    tags = (tag.strip() for text in params.texts("TAGS") for tag in text.split(","))
    return tuple(dict.fromkeys(tag for tag in tags if tag))
