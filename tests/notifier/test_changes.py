import pytest

from livefeed.content.materiality import Materiality
from livefeed.notifier.changes import ChangeClass, Version, compare, known_as, mentioned
from livefeed.wire.feed.rows import PostRow
from livefeed.wire.ids import FileId, PostId, UserId


def classes(old, new):
    return {name.value for name in compare(old, new).classes}


BEFORE = Version(title="Holidays", text="From 1 to 14 June", files=(1,), tags="9")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"text": "From 3 to 14 June"}, {"text"}),
        ({"title": "Summer"}, {"title"}),
        ({"files": (1, 2)}, {"files"}),
        ({"is_important": True}, {"importance"}),
        ({"is_for_everyone": True}, {"recipients"}),
        ({"tags": "9,11"}, {"tags"}),
        ({"text": "from 1 to 14 June!"}, set()),
        ({"title": "", "is_derived": True}, set()),
        ({"text": "Nothing", "tags": ""}, {"text", "tags"}),
    ],
)
def test_each_field_has_its_class(change, expected):
    fields = {name: getattr(BEFORE, name) for name in BEFORE.__struct_fields__}
    assert classes(BEFORE, Version(**{**fields, **change})) == expected


def test_a_version_equals_itself():
    comparison = compare(BEFORE, BEFORE)
    assert (comparison.classes, comparison.text, comparison.is_cosmetic) == (
        frozenset(),
        Materiality.NONE,
        False,
    )


def test_case_and_commas_are_cosmetic():
    after = Version(title="HOLIDAYS", text="from 1, to 14 June", files=(1,), tags="9")
    assert compare(BEFORE, after).is_cosmetic


def test_tags_and_recipients_are_not_worth_telling_and_the_rest_is():
    quiet = Version(title="Holidays", text=BEFORE.text, files=(1,), tags="", is_for_everyone=True)
    assert not compare(BEFORE, quiet).is_worth_telling
    assert compare(BEFORE, Version(title="Holidays", text=BEFORE.text, tags="9")).is_worth_telling


def test_a_row_becomes_a_version():
    row = PostRow(
        id=PostId(5),
        author_id=UserId(1),
        title="T",
        text="x",
        files=(FileId(7), FileId(3)),
        is_important=True,
    )
    assert Version.of(row) == Version(title="T", text="x", files=(3, 7), is_important=True)


def test_a_micro_message_has_a_derived_title():
    assert Version.of(
        PostRow(id=PostId(5), author_id=UserId(1), title="x", text="x", is_micro=True)
    ).is_derived
    assert ChangeClass.TITLE not in compare(Version(title="T"), Version(title="x", is_derived=True)).classes


def test_people_know_a_post_by_the_title_that_somebody_gave_it():
    derived = Version(title="From 3", text="From 3 to 14 June", is_derived=True)
    assert known_as(BEFORE, derived) == "Holidays"
    assert known_as(BEFORE, Version(title="Summer", text="x")) == "Summer"
    assert known_as(derived, derived) == "From 3"
    assert known_as(Version(is_derived=True), Version(text="[b]Hello[/b]", is_derived=True)) == "Hello"


def test_mentions_of_the_old_and_the_new_text_count():
    assert mentioned(Version(text="[USER=5]A[/USER]"), Version(text="[user=7]B[/user]")) == {5, 7}
