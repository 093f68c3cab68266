"""The rows of a history: who, when, what kind of change, how large."""

from datetime import UTC

import pytest

from livefeed.notifier.archive import Source
from livefeed.notifier.changes import Version
from livefeed.notifier.pages.versions import Kept, Row, as_row
from livefeed.notifier.people import Person
from livefeed.notifier.policy import Editors, Unknown
from livefeed.ui.languages import told

PEOPLE = {2: Person(id=2, name="Boris"), 3: Person(id=3, name="Clara")}


NOBODY = Editors()


def kept(number: int, text: str = "", *, source=Source.UPDATED, editors=NOBODY, **content) -> Kept:
    return Kept(number=number, source=source, at_ms=0, editors=editors, content=Version(text=text, **content))


def row(one: Kept, before: Kept | None = None, language: str = "en") -> Row:
    return as_row(one, before, people=PEOPLE, author=2, zone=UTC, language=language)


def kinds(old: Version, new: Version) -> list[str]:
    before = Kept(number=1, source=Source.ADDED, at_ms=0, editors=Editors(), content=old)
    one = Kept(number=2, source=Source.UPDATED, at_ms=0, editors=Editors(), content=new)
    return [told(kind, "en") for kind in row(one, before).kinds]


def test_editors_are_named():
    assert "Boris, Clara" == row(kept(2, editors=Editors(people=(2, 3)))).by
    assert "#9" == row(kept(2, editors=Editors(people=(9,)))).by


def test_the_first_version_is_the_authors():
    assert "Boris" == row(kept(1, source=Source.ADDED)).by


@pytest.mark.parametrize(
    ("editors", "by"),
    [
        (Editors(), "somebody"),
        (Editors(unknown=Unknown.AUTOMATION), "an automation"),
        (Editors(people=(3,), unknown=Unknown.SOMEONE), "Clara, somebody"),
    ],
)
def test_whom_nobody_can_name_is_said_so(editors: Editors, by: str):
    assert by == row(kept(2, editors=editors)).by


def test_words_are_counted():
    found = row(kept(2, "from 3 to 20 June"), kept(1, "from 1 to 14 June"))

    assert (2, 2) == (found.came, found.gone)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (Version(text="a"), Version(text="b"), ["text"]),
        (Version(text="a b"), Version(text="A, b!"), ["cosmetic"]),
        (Version(text="a"), Version(text="[b]a[/b]"), ["cosmetic"]),
        (Version(text="a", title="x"), Version(text="a", title="y"), ["title"]),
        (Version(files=(1,)), Version(files=(1, 2), is_important=True), ["files", "importance"]),
        (Version(tags="1"), Version(tags="2"), ["tags"]),
    ],
)
def test_the_kind_of_a_change_is_named(old: Version, new: Version, expected: list[str]):
    assert expected == kinds(old, new)


def test_a_long_text_is_not_weighed_word_by_word():
    old, new = "word " * 5000, "other " * 5000

    assert ["text"] == kinds(Version(text=old), Version(text=new))
    assert row(kept(2, new), kept(1, old)).came is None


def test_times_are_in_the_language_and_the_zone_of_the_reader():
    assert "1 января 1970, 00:00" == row(kept(2), language="ru").at
