"""A post as a handler gets it: typed, with ids as numbers and times as times."""

from dataclasses import dataclass
from datetime import UTC, datetime

from livefeed.client.rest import RestClient
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import FileId, PostId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What one reader may see of a post now.

    Source: https://apidocs.bitrix24.com/api-reference/log/log-blogpost-get.html

    Attributes:
        id: Its number.
        author_id: Who published it.
        title: May be made from the text by the portal.
        text: BBCode.
        published_at: None if the portal names no time.
        num_comments: As the portal counts them.
        is_important: Marked as important.
        for_everyone: Published for all; False proves nothing.
        files: Attachments.
        row: The answer of the portal, with all that is not named here.
    """

    id: PostId
    author_id: UserId
    title: str
    text: str
    published_at: datetime | None
    num_comments: int
    is_important: bool
    for_everyone: bool
    files: tuple[FileId, ...]
    row: PostRow

    @classmethod
    def from_wire(cls, value: JsonValue) -> "Post":
        """Read one row of ``log.blogpost.get``.

        Raises:
            WireError: It has no ID or no AUTHOR_ID.
        """
        row = PostRow.from_wire(value)
        return cls(
            id=row.id,
            author_id=row.author_id,
            title=row.title,
            text=row.text,
            published_at=_time(row.published_at),
            num_comments=row.num_comments,
            is_important=row.is_important,
            for_everyone=row.for_everyone,
            files=row.files,
            row=row,
        )


async def fetch_post(client: RestClient, post_id: PostId) -> Post | None:
    """The post as ``client``'s user sees it; None if he sees none, which does not mean that it is deleted."""
    answer = await client.call("log.blogpost.get", {"POST_ID": post_id})
    rows = answer.result if isinstance(answer.result, list) else []
    for post in map(Post.from_wire, rows):
        if post.id == post_id:
            return post
    return None


def _time(text: str | None) -> datetime | None:
    """An ISO time in UTC; None for none, and for one that cannot be read."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
