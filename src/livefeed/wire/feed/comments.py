"""The parameters and answers of ``log.blogcomment.*`` as values."""

from collections.abc import Mapping

import msgspec

from livefeed.errors import WireError
from livefeed.wire.faults import BlogCommentNotAdded, NoPostFound
from livefeed.wire.feed.files import FileChanges, read_files
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import CommentId, LogId, PostId, UserId
from livefeed.wire.params import Params

MAX_LIMIT = 100


class AddComment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment to publish.

    Source: api-reference/log/blogcomment/log-blogcomment-add.md
    """

    post_id: PostId
    text: str
    files: FileChanges = FileChanges()
    on_behalf_of: UserId | None = None

    @classmethod
    def from_params(cls, params: Params) -> "AddComment":
        """Read the parameters.

        Raises:
            NoPostFound: POST_ID is no number of a post.
            BlogCommentNotAdded: Neither a text nor a file.
        """
        post_id = params.integer("POST_ID", fault=NoPostFound())
        if post_id <= 0:
            raise NoPostFound
        text, files = params.text("TEXT"), read_files(params)
        if not text.strip() and not files.added:
            raise BlogCommentNotAdded
        author = params.integer("USER_ID")
        return cls(
            post_id=PostId(post_id),
            text=text,
            files=files,
            on_behalf_of=UserId(author) if author > 0 else None,
        )


class GetComments(msgspec.Struct, frozen=True, kw_only=True):
    """Whose comments to return; there is no way to ask for those of a post.

    Source: api-reference/log/blogcomment/log-blogcomment-user-get.md

    Attributes:
        user_id: Whose; None means the caller.
        first_id: Comments greater than this.
        last_id: Comments less than this; both may be given.
        limit: 1 to 100.
    """

    user_id: UserId | None = None
    first_id: int | None = None
    last_id: int | None = None
    limit: int = MAX_LIMIT

    @classmethod
    def from_params(cls, params: Params) -> "GetComments":
        """Read the parameters; none is required, and odd ones count as absent."""
        user_id, limit = params.integer("USER_ID"), params.integer("LIMIT")
        return cls(
            user_id=UserId(user_id) if user_id > 0 else None,
            first_id=params.maybe_integer("FIRST_ID"),
            last_id=params.maybe_integer("LAST_ID"),
            limit=limit if 0 < limit <= MAX_LIMIT else MAX_LIMIT,
        )


class CommentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One comment in the answer; its author is the user who was asked for.

    Attributes:
        id: ``id`` and ``comment_id`` are the same.
        log_id: The feed entry, which is not the post.
        date: ``2025-01-28T11:05:42+02:00``.
        text: May be empty when an administrator asks for somebody else's.
        attach: Numbers in ``files`` of the answer.
    """

    id: CommentId
    log_id: LogId
    date: str
    text: str = ""
    attach: tuple[int, ...] = ()

    def to_wire(self) -> dict[str, JsonValue]:
        """The row as the page shows it."""
        return {
            "id": self.id,
            "comment_id": self.id,
            "log_id": self.log_id,
            "date": self.date,
            "text": self.text,
            "attach": self.attach,
        }


class CommentsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of ``log.blogcomment.user.get``.

    Attributes:
        comments: The rows.
        files: What is attached, by number, as it came or goes.
    """

    comments: tuple[CommentRow, ...]
    files: Mapping[str, JsonValue] = {}

    def to_wire(self) -> dict[str, JsonValue]:
        """The result; without files they are ``[]``, as PHP shows an empty array."""
        return {"comments": [row.to_wire() for row in self.comments], "files": self.files or []}

    @classmethod
    def from_wire(cls, result: JsonValue) -> "CommentsAnswer":
        """Read the result.

        Raises:
            WireError: It is not such an answer.
        """
        if not isinstance(result, Mapping):
            raise WireError("result", "an object with comments", "something else")
        params = Params(result)
        return cls(
            comments=tuple(_row(item) for item in params.items("comments") if isinstance(item, Mapping)),
            files=params.mapping("files"),
        )


def _row(item: Mapping[str, JsonValue]) -> CommentRow:
    row = Params(item)
    comment_id, log_id = (
        row.maybe_integer("id") or row.maybe_integer("comment_id"),
        row.maybe_integer("log_id"),
    )
    if comment_id is None or log_id is None:
        raise WireError("result[comments]", "rows with id and log_id", "a row without")
    return CommentRow(
        id=CommentId(comment_id),
        log_id=LogId(log_id),
        date=row.text("date"),
        text=row.text("text"),
        attach=tuple(row.integers("attach")),
    )
