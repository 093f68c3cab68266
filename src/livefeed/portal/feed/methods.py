"""The methods ``log.blogpost.*`` and ``log.blogcomment.*``, as the wire names them."""

from typing import Final

from livefeed.clock import iso
from livefeed.durable.store import Tx
from livefeed.portal.access import Viewer
from livefeed.portal.call import Call, Method
from livefeed.portal.feed import comments, files, posts, reading
from livefeed.portal.feed.editing import update_post, update_posts
from livefeed.portal.feed.reading import Filter, Post
from livefeed.portal.feed.wishes import audience_of, moment
from livefeed.portal.offline.origins import origin_of
from livefeed.portal.people import people
from livefeed.wire.calls import PAGE_SIZE, Answer, page_of
from livefeed.wire.faults import (
    ArgumentError,
    DeleteNotPermitted,
    DeleteWrongPost,
    DuplicateComment,
    NoDestination,
    NoPostFound,
)
from livefeed.wire.feed import (
    AddComment,
    AddPost,
    CommentRow,
    CommentsAnswer,
    DeletePost,
    GetComments,
    GetPosts,
    PostRow,
    destination_code,
)
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import FileId, UserId

_SOURCE: Final = "rest"
_TAG_CHARS: Final = 255
_BEYOND: Final = 2**62  # above every comment id


def add_post(tx: Tx, call: Call) -> Answer:
    """Publish a post.

    Source: api-reference/log/log-blogpost-add.md
    """
    wanted = AddPost.from_params(call.params)
    if any(len(tag) > _TAG_CHARS for tag in wanted.tags):
        raise ArgumentError(f"A tag has at most {_TAG_CHARS} characters")
    portal = call.portal.member_id
    author = _author(tx, call, wanted.on_behalf_of)
    draft = posts.Draft(
        author=author.user_id,
        title=wanted.title,
        text=wanted.message,
        audience=audience_of(tx, call, wanted.destinations, author, NoDestination()),
        is_important=wanted.is_important,
        important_until=moment(wanted.important_until, "IMPORTANT_DATE_END"),
        tags=wanted.tags,
        files=files.change(tx, portal, author.user_id, (), wanted.files),
        background_code=wanted.background,
    )
    post_id = posts.add(
        tx, portal, draft, actor=call.principal.user_id, source=_SOURCE, origin=origin_of(call)
    )
    return Answer(result=post_id)


def delete_post(tx: Tx, call: Call) -> Answer:
    """Delete a post.

    Source: api-reference/log/log-blogpost-delete.md
    """
    wanted = DeletePost.from_params(call.params)
    viewer = call.principal.viewer
    post = reading.find_visible(tx, call.portal.member_id, viewer, wanted.post_id)
    if post is None:
        raise DeleteWrongPost
    if not viewer.may_change(post.author):
        raise DeleteNotPermitted
    posts.delete(tx, post, actor=call.principal.user_id, source=_SOURCE, origin=origin_of(call))
    return Answer(result=True)


def get_posts(tx: Tx, call: Call) -> Answer:
    """Posts that the caller may see: one by its id, a page by offset, or a page by feed entry ids.

    Source: api-reference/log/log-blogpost-get.md
    """
    wanted = GetPosts.from_params(call.params)
    portal, viewer = call.portal.member_id, call.principal.viewer
    if wanted.post_id is not None:
        post = reading.find_visible(tx, portal, viewer, wanted.post_id)
        return Answer(result=[] if post is None else [_row(post)], total=0 if post is None else 1)
    chosen = _filter(wanted)
    if wanted.first_id is not None:
        found = reading.after(tx, portal, viewer, chosen, entry=wanted.first_id, count=wanted.limit)
    elif wanted.last_id is not None:
        found = reading.newest(tx, portal, viewer, chosen, before=wanted.last_id, count=wanted.limit)
    else:
        return _offset_page(tx, call, chosen, wanted.start)
    return Answer(result=[_row(post) for post in found], total=reading.count(tx, portal, viewer, chosen))


def add_comment(tx: Tx, call: Call) -> Answer:
    """Comment on a post; no event follows.

    Source: api-reference/log/blogcomment/log-blogcomment-add.md
    """
    wanted = AddComment.from_params(call.params)
    portal = call.portal.member_id
    post = reading.find_visible(tx, portal, call.principal.viewer, wanted.post_id)
    if post is None:
        raise NoPostFound
    author = _author(tx, call, wanted.on_behalf_of).user_id
    attached = files.change(tx, portal, author, (), wanted.files)
    if not attached and comments.repeats_last(tx, post, author=author, text=wanted.text):
        raise DuplicateComment
    return Answer(result=comments.add(tx, post, author=author, text=wanted.text, files=attached))


def get_comments(tx: Tx, call: Call) -> Answer:
    """What one person wrote under posts that the caller may see.

    Source: api-reference/log/blogcomment/log-blogcomment-user-get.md
    """
    wanted = GetComments.from_params(call.params)
    found = comments.of_person(
        tx,
        call.portal.member_id,
        call.principal.viewer,
        author=wanted.user_id or call.principal.user_id,
        after=wanted.first_id or 0,
        before=_BEYOND if wanted.last_id is None else wanted.last_id,
        count=wanted.limit,
    )
    attached = files.find_many(tx, call.portal.member_id, (one for row in found for one in row.files))
    rows = tuple(
        CommentRow(
            id=row.id,
            log_id=row.log_id,
            date=iso(row.written_at),
            text=row.text,
            attach=tuple(attached[one].drive_file for one in row.files if one in attached),
        )
        for row in found
    )
    described = {str(one.drive_file): _file(one) for one in attached.values()}
    return Answer(result=CommentsAnswer(comments=rows, files=described).to_wire())


def _author(tx: Tx, call: Call, on_behalf_of: UserId | None) -> Viewer:
    """The caller, or the person an administrator writes for; others' USER_ID is ignored (contract A-27)."""
    viewer = call.principal.viewer
    if on_behalf_of is None or not viewer.is_admin or on_behalf_of == viewer.user_id:
        return viewer
    person = people.find(tx, call.portal.member_id, on_behalf_of)
    if person is None or not person.is_active:
        raise ArgumentError(f"USER_ID {on_behalf_of} is not an active user of this portal")
    return person.viewer


def _filter(wanted: GetPosts) -> Filter:
    since = moment(wanted.date_from, "LOG_DATE_FROM")
    until = moment(wanted.date_to, "LOG_DATE_TO")
    if since is not None and until is not None and since > until:
        raise ArgumentError("LOG_DATE_FROM must not be later than LOG_DATE_TO")
    codes = tuple(destination_code(one) for one in wanted.rights)
    return Filter(codes=codes or None, since=since, until=until)


def _offset_page(tx: Tx, call: Call, chosen: Filter, start: int) -> Answer:
    portal, viewer = call.portal.member_id, call.principal.viewer
    found = reading.newest(tx, portal, viewer, chosen, count=PAGE_SIZE, offset=max(0, start))
    total = 0 if start < 0 else reading.count(tx, portal, viewer, chosen)
    return page_of([_row(post) for post in found], start=start, total=total)


def _row(post: Post) -> JsonValue:
    return PostRow(
        id=post.id,
        author_id=post.author,
        title=post.title,
        text=post.text,
        published_at=iso(post.published_at),
        blog_id=post.author,
        num_comments=post.comment_count,
        is_micro=post.is_micro,
        category_id=",".join(map(str, post.tag_ids)),
        for_everyone="UA" in post.audience,
        files=tuple(map(FileId, post.files)),
        is_important=post.is_important,
        important_until="" if post.important_until is None else iso(post.important_until),
    ).to_wire()


def _file(one: files.Attachment) -> JsonValue:
    return {
        "id": one.drive_file,
        "date": iso(one.created_at),
        "type": "file",
        "name": one.name,
        "size": one.size,
        "authorId": one.owner,
    }


METHODS: Final = (
    Method(name="log.blogpost.add", fn=add_post, scope="log", writes=True),
    Method(name="log.blogpost.update", fn=update_post, many=update_posts, scope="log", writes=True),
    Method(name="log.blogpost.delete", fn=delete_post, scope="log", writes=True),
    Method(name="log.blogpost.get", fn=get_posts, scope="log"),
    Method(name="log.blogcomment.add", fn=add_comment, scope="log", writes=True),
    Method(name="log.blogcomment.user.get", fn=get_comments, scope="log"),
)
