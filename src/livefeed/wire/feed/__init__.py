"""The words of the News Feed: posts, comments, recipients, attachments (scope ``log``)."""

from livefeed.wire.feed.comments import AddComment, CommentRow, CommentsAnswer, GetComments
from livefeed.wire.feed.destinations import (
    EVERYONE,
    Destination,
    Everyone,
    ToDepartment,
    ToGroup,
    ToUser,
    destination_code,
    parse_destination,
    parse_destinations,
)
from livefeed.wire.feed.fields import UserFields, user_fields
from livefeed.wire.feed.files import FileChanges, Upload, read_files
from livefeed.wire.feed.posts import AddPost, DeletePost, GetPosts, UpdatePost
from livefeed.wire.feed.rows import PostRow

__all__ = [
    "EVERYONE",
    "AddComment",
    "AddPost",
    "CommentRow",
    "CommentsAnswer",
    "DeletePost",
    "Destination",
    "Everyone",
    "FileChanges",
    "GetComments",
    "GetPosts",
    "PostRow",
    "ToDepartment",
    "ToGroup",
    "ToUser",
    "UpdatePost",
    "Upload",
    "UserFields",
    "destination_code",
    "parse_destination",
    "parse_destinations",
    "read_files",
    "user_fields",
]
