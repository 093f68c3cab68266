"""One post as ``log.blogpost.get`` returns it; ids are strings there.

Source: api-reference/log/log-blogpost-get.md
"""

from collections.abc import Mapping

import msgspec

from livefeed.errors import WireError
from livefeed.wire.feed.fields import UserFields, user_fields
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import FileId, PostId, UserId
from livefeed.wire.params import Params


class PostRow(msgspec.Struct, frozen=True, kw_only=True):
    """One post. Its recipients, its editor and the time of its edit are not returned by any method.

    Attributes:
        id: ``ID``.
        author_id: ``AUTHOR_ID``.
        title: ``TITLE``, written as ``POST_TITLE``.
        text: ``DETAIL_TEXT``, written as ``POST_MESSAGE``; BBCode.
        published_at: ``DATE_PUBLISH``, ISO 8601; None if there is none.
        blog_id: ``BLOG_ID``.
        publish_status: ``P``.
        num_comments: ``NUM_COMMENTS``.
        enable_comments: ``ENABLE_COMMENTS``.
        is_micro: ``MICRO``.
        category_id: ``CATEGORY_ID``, tag ids.
        for_everyone: ``HAS_SOCNET_ALL``; False proves nothing (A-37).
        files: ``FILES``, attachment numbers.
        is_important: ``UF_BLOG_POST_IMPRTNT`` has a value.
        important_until: ``UF_IMPRTANT_DATE_END``.
    """

    id: PostId
    author_id: UserId
    title: str = ""
    text: str = ""
    published_at: str | None = None
    blog_id: int = 0
    publish_status: str = "P"
    num_comments: int = 0
    enable_comments: bool = True
    is_micro: bool = False
    category_id: str = ""
    for_everyone: bool = False
    files: tuple[FileId, ...] = ()
    is_important: bool = False
    important_until: str = ""

    def to_wire(self) -> dict[str, JsonValue]:
        """The row as the page shows it, keys in its order."""
        return {
            "ID": str(self.id),
            "BLOG_ID": str(self.blog_id),
            "PUBLISH_STATUS": self.publish_status,
            "TITLE": self.title,
            "AUTHOR_ID": str(self.author_id),
            "ENABLE_COMMENTS": _letter(self.enable_comments),
            "NUM_COMMENTS": str(self.num_comments),
            "CODE": None,
            "MICRO": _letter(self.is_micro),
            "DETAIL_TEXT": self.text,
            "DATE_PUBLISH": self.published_at,
            "CATEGORY_ID": self.category_id,
            "HAS_SOCNET_ALL": _letter(self.for_everyone),
            "HAS_TAGS": _letter(bool(self.category_id)),
            "HAS_IMAGES": "N",
            "HAS_PROPS": "Y",
            "HAS_COMMENT_IMAGES": None,
            **user_fields(
                self.id,
                UserFields(
                    files=self.files, is_important=self.is_important, important_until=self.important_until
                ),
            ),
            "FILES": self.files,
        }

    @classmethod
    def from_wire(cls, row: JsonValue) -> "PostRow":
        """Read one row.

        Raises:
            WireError: It has no ID or no AUTHOR_ID.
        """
        if not isinstance(row, Mapping):
            raise WireError("result", "posts", "something else")
        fields = Params(row)
        post_id, author_id = fields.integer("ID"), fields.integer("AUTHOR_ID")
        if post_id <= 0 or author_id <= 0:
            raise WireError("result", "posts with ID and AUTHOR_ID", "one without")
        important = Params(fields.mapping("UF_BLOG_POST_IMPRTNT")).value("VALUE")
        return cls(
            id=PostId(post_id),
            author_id=UserId(author_id),
            title=fields.text("TITLE"),
            text=fields.text("DETAIL_TEXT"),
            published_at=fields.text("DATE_PUBLISH") or None,
            blog_id=fields.integer("BLOG_ID"),
            publish_status=fields.text("PUBLISH_STATUS", "P"),
            num_comments=fields.integer("NUM_COMMENTS"),
            enable_comments=fields.flag("ENABLE_COMMENTS", default=True),
            is_micro=fields.flag("MICRO"),
            category_id=fields.text("CATEGORY_ID"),
            for_everyone=fields.flag("HAS_SOCNET_ALL"),
            files=tuple(FileId(number) for number in fields.integers("FILES")),
            is_important=str(important or "0") not in ("0", ""),
            important_until=Params(fields.mapping("UF_IMPRTANT_DATE_END")).text("VALUE"),
        )


def _letter(value: bool) -> str:
    return "Y" if value else "N"
