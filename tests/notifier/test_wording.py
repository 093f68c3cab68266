import re

from hypothesis import given
from hypothesis import strategies as st

from livefeed.notifier.changes import Version, compare
from livefeed.notifier.participants import Reason
from livefeed.notifier.people import Person
from livefeed.notifier.policy import Editors, Unknown
from livefeed.notifier.wording import ENGLISH, RUSSIAN, compose, phrases_of

PEOPLE = {
    1: Person(id=1, name="Anna Petrova", gender="F"),
    2: Person(id=2, name="Boris Ivanov", gender="M"),
    3: Person(id=3, name="Chris Lee"),
}
OLD = Version(title="Holidays", text="Holidays: from 1 to 14 June")
NEW = Version(title="Holidays", text="Holidays: from 3 to 14 June")


def say(phrases=ENGLISH, *, editors=(1,), unknown=None, reason=Reason.COMMENTER, old=OLD, new=NEW):
    return compose(
        phrases,
        editors=Editors(people=editors, unknown=unknown),
        people=PEOPLE,
        reason=reason,
        old=old,
        new=new,
        comparison=compare(old, new),
    )


def test_who_what_which_post_and_why_you():
    expected = (
        "Anna Petrova changed «Holidays» — you commented on it: Holidays: from [s]1[/s] [b]3[/b] to 14 June"
    )
    assert say() == expected


def test_the_same_in_russian():
    expected = "Anna Petrova изменила «Holidays» — вы автор: Holidays: from [s]1[/s] [b]3[/b] to 14 June"
    assert say(RUSSIAN, reason=Reason.AUTHOR) == expected


def test_russian_verbs_follow_the_editor():
    heads = [say(RUSSIAN, editors=editors).split(" «")[0] for editors in ((2,), (3,), (1, 2), ())]
    assert heads == [
        "Boris Ivanov изменил",
        "Chris Lee изменил(а)",
        "Anna Petrova и Boris Ivanov изменили",
        "Кто-то изменил",
    ]


def test_russian_numbers_take_three_forms():
    forms = [RUSSIAN.counted(RUSSIAN.files_added, number) for number in (1, 2, 5, 11, 21, 112)]
    assert forms == [
        "добавлен 1 файл", "добавлено 2 файла", "добавлено 5 файлов", "добавлено 11 файлов",
        "добавлен 21 файл",
        "добавлено 112 файлов",
    ]  # what belongs together in a line # fmt: skip


def test_unknown_editors_have_a_word_of_their_own():
    assert say(editors=(), unknown=Unknown.AUTOMATION).startswith("An automation changed «")
    assert say(editors=(), unknown=Unknown.SOMEONE).startswith("Someone changed «")
    assert say(unknown=Unknown.SOMEONE).startswith("Anna Petrova and someone else changed «")


def test_several_editors_are_all_named():
    assert say(editors=(1, 2, 3)).startswith("Anna Petrova, Boris Ivanov and Chris Lee changed")
    assert say(editors=(99,)).startswith("#99 changed")


def test_every_reason_has_words_in_every_language():
    for reason in Reason:
        assert ENGLISH.reasons[reason] in say(reason=reason)
        assert RUSSIAN.reasons[reason] in say(RUSSIAN, reason=reason)


def test_title_files_and_importance_are_told_too():
    new = Version(title="Summer", text=NEW.text, files=(1, 2), is_important=True)
    text = say(new=new).split(": ", 1)[1]
    expected = (
        "title: [s]Holidays[/s] [b]Summer[/b]; Holidays: from [s]1[/s] [b]3[/b] to 14 June; 2 files added; "
        "marked as important"
    )
    assert text == expected
    assert say(old=new, new=Version(title="Summer", text=NEW.text)).endswith(
        "2 files removed; no longer important"
    )


def test_changes_beyond_three_fragments_are_counted():
    lines = [f"{word} stays here for ever as it always was" for word in ("one", "two", "six", "ten", "cat")]
    old, new = Version(text="\n".join(lines)), Version(text="\n".join(f"new {line}" for line in lines))
    assert say(old=old, new=new).endswith("… and 2 more changes")


def test_languages_are_chosen_by_their_code():
    assert [phrases_of(code) is RUSSIAN for code in ("ru", "RU", "en", "", "de")] == [
        True,
        True,
        False,
        False,
        False,
    ]


@given(st.text(max_size=80), st.text(max_size=80))
def test_nothing_of_a_post_is_alive_in_a_notice(title, text):
    hostile = "[SEND=x]y[/SEND][PUT=1]2[/PUT][URL=https://evil.example]z[/URL]"
    old = Version(title=title, text=text)
    new = Version(title=hostile + title, text=text + hostile)
    people = {1: Person(id=1, name="[URL=https://evil.example]Anna[/URL]")}
    line = compose(
        ENGLISH,
        editors=Editors(people=(1,)),
        people=people,
        reason=Reason.AUTHOR,
        old=old,
        new=new,
        comparison=compare(old, new),
    )
    assert set(re.findall(r"\[/?([^\[\]]*)\]", line)) <= {"b", "s"}
    assert line.count("[") == len(re.findall(r"\[/?[bs]\]", line))
