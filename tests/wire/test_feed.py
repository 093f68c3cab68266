"""The words of the feed: parameters in, rows out, as the pages show them."""

import base64
import json

import msgspec
import pytest

from livefeed.errors import Fault, WireError
from livefeed.wire.faults import (
    AddFailed,
    BlogCommentNotAdded,
    DeleteWrongPost,
    EmptyTitle,
    NoDestination,
    NoPostFound,
    UpdateFailed,
)
from livefeed.wire.feed import (
    EVERYONE,
    AddComment,
    AddPost,
    CommentsAnswer,
    DeletePost,
    FileChanges,
    GetComments,
    GetPosts,
    PostRow,
    ToDepartment,
    ToGroup,
    ToUser,
    UpdatePost,
    Upload,
    UserFields,
    destination_code,
    parse_destination,
    parse_destinations,
    read_files,
    user_fields,
)
from livefeed.wire.form import REST_LIMITS, as_form, decode, encode
from livefeed.wire.ids import CommentId, DepartmentId, FileId, GroupId, LogId, PostId, UserId
from livefeed.wire.params import Params
from wire.documented import answer


def as_json(value: object) -> object:
    return json.loads(msgspec.json.encode(value))


def test_the_documented_post_is_read_and_written_key_for_key():
    (row,) = answer("post_get")["result"]
    written = as_json(PostRow.from_wire(row).to_wire())

    assert json.dumps(written) == json.dumps(row)


def test_the_documented_post_has_its_values():
    (row,) = answer("post_get")["result"]

    assert PostRow.from_wire(row) == PostRow(
        id=PostId(217),
        author_id=UserId(1269),
        title="New Regulations",
        text="The approval process will be updated starting November 1.",
        published_at="2026-03-17T15:29:15+01:00",
        blog_id=299,
        category_id="9,11,13",
        files=(FileId(505),),
    )


def test_a_post_of_another_kind_survives():
    row = PostRow(
        id=PostId(1),
        author_id=UserId(2),
        for_everyone=True,
        num_comments=7,
        enable_comments=False,
        is_micro=True,
        is_important=True,
        important_until="2026-04-01T00:00:00+00:00",
        files=(FileId(3), FileId(4)),
        publish_status="D",
        published_at=None,
    )

    assert PostRow.from_wire(as_json(row.to_wire())) == row


@pytest.mark.parametrize("row", [None, [], "x", {}, {"ID": "1"}, {"ID": "x", "AUTHOR_ID": "1"}])
def test_what_is_no_post_is_a_wire_error(row: object):
    with pytest.raises(WireError):
        PostRow.from_wire(row)


def test_a_short_row_is_a_post_if_it_says_which_and_whose():
    assert (
        PostRow.from_wire({"ID": "211", "AUTHOR_ID": 5, "TITLE": "New Regulations"}).title
        == "New Regulations"
    )


def test_attachments_are_shown_as_php_serialises_them():
    fields = user_fields(PostId(1), UserFields(files=(FileId(505), FileId(7))))["UF_BLOG_POST_FILE"]

    assert isinstance(fields, dict)
    assert fields["VALUE_RAW"] == "a:2:{i:0;i:505;i:1;i:7;}"


@pytest.mark.parametrize(
    ("code", "destination"),
    [
        ("UA", EVERYONE),
        ("U5", ToUser(UserId(5))),
        ("SG3", ToGroup(GroupId(3))),
        ("DR7", ToDepartment(DepartmentId(7))),
        ("D7", ToDepartment(DepartmentId(7), is_recursive=False)),
    ],
)
def test_destination_codes_are_read_and_written(code: str, destination: object):
    assert parse_destination(code) == parse_destination(f" {code.lower()} ") == destination
    assert destination_code(destination) == code


def test_au_is_taken_for_ua():
    assert parse_destination("AU") == EVERYONE


@pytest.mark.parametrize(
    "code", ["", "U", "U0", "X5", "SG", "SG3_K", "IU5", "CHAT7", "U-1", "U1.5", "G3", "U" + "9" * 30, "USG3"]
)
def test_other_access_codes_are_none(code: str):
    assert parse_destination(code) is None


def test_destinations_are_kept_once_and_in_order():
    assert parse_destinations(["U5", "x", "UA", "u5"]) == (ToUser(UserId(5)), EVERYONE)


ADD = {
    "POST_TITLE": "New Regulation",
    "POST_MESSAGE": "From November 1, the approval process is updated.",
    "DEST": ["UA"],
    "TAGS": "regulation,approval,update",
    "IMPORTANT": "Y",
    "FILES": [
        ["first-image.jpg", base64.b64encode(b"one").decode()],
        ["second-image.jpg", base64.b64encode(b"two").decode()],
    ],
}


@pytest.mark.parametrize("shape", ["json", "form"])
def test_the_documented_post_is_added_from_json_and_form(shape: str):
    values = ADD if shape == "json" else decode(encode(ADD), limits=REST_LIMITS, strict=False)

    assert AddPost.from_params(Params(values)) == AddPost(
        message="From November 1, the approval process is updated.",
        title="New Regulation",
        is_important=True,
        tags=("regulation", "approval", "update"),
        files=FileChanges(
            added=(
                Upload(name="first-image.jpg", content=b"one"),
                Upload(name="second-image.jpg", content=b"two"),
            )
        ),
    )


def test_a_post_without_recipients_is_for_everyone():
    assert AddPost.from_params(Params({"POST_MESSAGE": "x"})).destinations == (EVERYONE,)


def test_the_old_name_of_recipients_still_counts():
    assert AddPost.from_params(Params({"POST_MESSAGE": "x", "SPERM": ["U5"]})).destinations == (
        ToUser(UserId(5)),
    )


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        ({}, AddFailed),
        ({"POST_MESSAGE": "  "}, AddFailed),
        ({"POST_MESSAGE": ["x"]}, AddFailed),
        ({"POST_MESSAGE": "x", "DEST": ["nobody"]}, NoDestination),
    ],
)
def test_what_cannot_be_added_has_the_documented_fault(params: dict[str, object], fault: type[Fault]):
    with pytest.raises(fault):
        AddPost.from_params(Params(params))


def test_the_documented_post_is_updated():
    update = UpdatePost.from_params(
        Params({"POST_ID": 217, "POST_TITLE": "New Message Title", "FILES": {"505": "del"}})
    )

    assert update == UpdatePost(
        post_id=PostId(217), title="New Message Title", files=FileChanges(removed=(FileId(505),))
    )


def test_an_update_changes_only_what_it_names():
    update = UpdatePost.from_params(
        Params({"post_id": "217", "post_message": "x", "IMPORTANT": "N", "USER_ID": "5"})
    )

    assert (update.title, update.destinations, update.is_important, update.important_until) == (
        None,
        None,
        False,
        None,
    )
    assert update.files.is_empty()
    assert update.on_behalf_of == 5


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        ({"POST_MESSAGE": "x"}, UpdateFailed),
        ({"POST_ID": "x", "POST_MESSAGE": "x"}, UpdateFailed),
        ({"POST_ID": "-1", "POST_MESSAGE": "x"}, UpdateFailed),
        ({"POST_ID": 217}, EmptyTitle),
        ({"POST_ID": 217, "POST_TITLE": "", "POST_MESSAGE": ""}, EmptyTitle),
        ({"POST_ID": 217, "POST_TITLE": "x", "DEST": ["nobody"]}, UpdateFailed),
    ],
)
def test_what_cannot_be_updated_has_the_documented_fault(params: dict[str, object], fault: type[Fault]):
    with pytest.raises(fault):
        UpdatePost.from_params(Params(params))


def test_a_post_is_deleted_by_its_number():
    assert DeletePost.from_params(Params({"POST_ID": "209"})) == DeletePost(post_id=PostId(209))
    with pytest.raises(DeleteWrongPost):
        DeletePost.from_params(Params({"POST_ID": "0"}))


def test_all_posts_are_asked_for_by_default():
    assert GetPosts.from_params(Params()) == GetPosts()


def test_posts_are_asked_for_by_cursor_and_rights():
    asked = GetPosts.from_params(
        Params(
            {
                "LOG_RIGHTS": {"0": "U5", "1": "SG2"},
                "FIRST_ID": "9",
                "LAST_ID": "12",
                "LIMIT": "500",
                "start": "-1",
            }
        )
    )

    assert asked == GetPosts(rights=(ToUser(UserId(5)), ToGroup(GroupId(2))), first_id=9, limit=200, start=-1)


@pytest.mark.parametrize(
    ("limit", "expected"), [("0", 50), ("-5", 50), ("x", 50), ("1", 1), ("200", 200), ("201", 200)]
)
def test_an_odd_limit_is_the_default(limit: str, expected: int):
    assert GetPosts.from_params(Params({"LIMIT": limit})).limit == expected


def test_a_post_id_that_is_none_matches_nothing():
    assert GetPosts.from_params(Params({"POST_ID": "x"})).post_id == 0


def test_a_comment_is_added():
    added = AddComment.from_params(Params({"POST_ID": 403, "TEXT": "Comment on the post", "USER_ID": 27}))

    assert added == AddComment(post_id=PostId(403), text="Comment on the post", on_behalf_of=UserId(27))


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        ({"TEXT": "x"}, NoPostFound),
        ({"POST_ID": "0", "TEXT": "x"}, NoPostFound),
        ({"POST_ID": 1, "TEXT": " "}, BlogCommentNotAdded),
    ],
)
def test_a_comment_that_cannot_be_added_has_the_documented_fault(
    params: dict[str, object], fault: type[Fault]
):
    with pytest.raises(fault):
        AddComment.from_params(Params(params))


def test_a_comment_may_be_a_file_alone():
    assert AddComment.from_params(Params({"POST_ID": 1, "FILES": [["a.txt", "eA=="]]})).files.added == (
        Upload(name="a.txt", content=b"x"),
    )


def test_comments_are_asked_for_by_person():
    assert GetComments.from_params(Params({"USER_ID": 28, "FIRST_ID": 215, "LAST_ID": 216})) == GetComments(
        user_id=UserId(28), first_id=215, last_id=216
    )
    assert GetComments.from_params(Params({"USER_ID": "x", "LIMIT": 500})) == GetComments()


def test_the_documented_comments_are_read_and_written():
    result = answer("comments_get")["result"]
    read = CommentsAnswer.from_wire(result)

    assert as_json(read.to_wire()) == result
    assert (read.comments[0].id, read.comments[0].log_id, read.comments[0].attach) == (
        CommentId(4821),
        LogId(13579),
        (90210,),
    )


def test_no_comments_are_two_empty_lists():
    assert as_json(CommentsAnswer(comments=()).to_wire()) == {"comments": [], "files": []}
    assert CommentsAnswer.from_wire({"comments": [], "files": []}) == CommentsAnswer(comments=())


@pytest.mark.parametrize("result", [None, [], {"comments": [{"id": 1}]}, {"comments": [{"log_id": 1}]}])
def test_what_are_no_comments_is_a_wire_error(result: object):
    with pytest.raises(WireError):
        CommentsAnswer.from_wire(result)


@pytest.mark.parametrize(
    "files",
    [[["a", "%%%"]], [["a"]], ["a"], [["a", "eA==", "x"]], [[1, "eA=="]], [["", "eA=="]], "x", [["a", "é"]]],
)
def test_an_attachment_that_cannot_be_read_is_left_out(files: object):
    assert read_files(Params({"FILES": files})).added == ()


@pytest.mark.parametrize("text", ["eHl6", " eH\nl6 ", "eHl6...", "eHl6A", "eHk", "eHk=", ""])
def test_base64_is_read_as_php_reads_it(text: str):
    (upload,) = read_files(Params({"FILES": [["a", text]]})).added

    assert b"xyz".startswith(upload.content)


def test_files_of_the_drive_are_attached_or_cleared():
    assert read_files(Params({"UF_BLOG_POST_FILE": ["n505", "x"]})) == FileChanges(drive=(505,))
    assert read_files(Params(as_form({"UF_BLOG_POST_FILE": ["empty"]}))) == FileChanges(clear=True)


def test_added_and_removed_files_may_come_together():
    changes = read_files(Params({"FILES": {"0": ["a.txt", "eA=="], "437": "del"}}))

    assert changes == FileChanges(added=(Upload(name="a.txt", content=b"x"),), removed=(FileId(437),))


def test_the_content_of_a_file_does_not_show():
    assert repr(Upload(name="a.txt", content=b"secret")) == "Upload(name='a.txt', 6 bytes)"
