"""What a notice says: who · did what · to which post · why you, and the shortest difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from livefeed.content.bbcode import Node, Text, Tree, parse
from livefeed.content.diff import diff
from livefeed.content.render import excerpt, safe_bbcode
from livefeed.content.short import as_tree, shorten
from livefeed.content.tokens import tokenize
from livefeed.notifier.changes import ChangeClass, Comparison, Version, known_as
from livefeed.notifier.participants import Reason
from livefeed.notifier.people import Person
from livefeed.notifier.policy import Editors, Unknown
from livefeed.wire.ids import UserId

_LONGEST_NAME: Final = 60
_LONGEST_TITLE: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """The fixed words of one language.

    Attributes:
        unknown: An editor without a name, alone.
        unknown_too: The same beside others.
        conjunction: Between the last two names.
        changed: By gender (M, F, empty), for several, and for each `Unknown`.
        reasons: Why somebody is told.
        untitled: A post without any words.
        title: Before the difference of a title.
        files_added: Forms of "{n} files added".
        files_removed: Forms of "{n} files removed".
        important: The post was marked as important.
        unimportant: The mark was taken away.
        more: Forms of "and {n} more changes".
        withheld: In place of a difference of which one side is not kept any more.
        found: Nothing told of the change; it was found by a sweep.
        is_slavic: Whether numbers take three forms.
    """

    unknown: Mapping[Unknown, str]
    unknown_too: Mapping[Unknown, str]
    conjunction: str
    changed: Mapping[str, str]
    reasons: Mapping[Reason, str]
    untitled: str
    title: str
    files_added: Sequence[str]
    files_removed: Sequence[str]
    important: str
    unimportant: str
    more: Sequence[str]
    withheld: str
    found: str
    is_slavic: bool = False

    def counted(self, forms: Sequence[str], number: int) -> str:
        """The form that goes with ``number``, with the number in it."""
        if not self.is_slavic:
            return forms[0 if number == 1 else 1].format(n=number)
        tens, units = number % 100, number % 10
        if units == 1 and tens != 11:
            return forms[0].format(n=number)
        return forms[1 if units in {2, 3, 4} and tens not in {12, 13, 14} else 2].format(n=number)


ENGLISH: Final = Phrases(
    unknown={Unknown.SOMEONE: "Someone", Unknown.AUTOMATION: "An automation"},
    unknown_too={Unknown.SOMEONE: "someone else", Unknown.AUTOMATION: "an automation"},
    conjunction=" and ",
    changed=dict.fromkeys(("M", "F", "", "several", *Unknown), "changed"),
    reasons={
        Reason.AUTHOR: "you wrote it",
        Reason.MENTIONED: "you are mentioned in it",
        Reason.COMMENTER: "you commented on it",
    },
    untitled="a post",
    title="title",
    files_added=("{n} file added", "{n} files added"),
    files_removed=("{n} file removed", "{n} files removed"),
    important="marked as important",
    unimportant="no longer important",
    more=("and {n} more change", "and {n} more changes"),
    withheld="the text, which is not kept here",
    found="found by sweep",
)
RUSSIAN: Final = Phrases(
    unknown={Unknown.SOMEONE: "Кто-то", Unknown.AUTOMATION: "Автоматизация"},
    unknown_too={Unknown.SOMEONE: "кто-то ещё", Unknown.AUTOMATION: "автоматизация"},
    conjunction=" и ",
    changed={
        "M": "изменил",
        "F": "изменила",
        "": "изменил(а)",
        "several": "изменили",
        Unknown.SOMEONE: "изменил",
        Unknown.AUTOMATION: "изменила",
    },
    reasons={
        Reason.AUTHOR: "вы автор",
        Reason.MENTIONED: "вас там упомянули",
        Reason.COMMENTER: "вы там комментировали",
    },
    untitled="сообщение",
    title="заголовок",
    files_added=("добавлен {n} файл", "добавлено {n} файла", "добавлено {n} файлов"),
    files_removed=("удалён {n} файл", "удалено {n} файла", "удалено {n} файлов"),
    important="отмечено как важное",
    unimportant="больше не важное",
    more=("и ещё {n} изменение", "и ещё {n} изменения", "и ещё {n} изменений"),
    withheld="текст, который здесь не хранится",
    found="найдено при сверке",
    is_slavic=True,
)


def phrases_of(language: str) -> Phrases:
    """The phrases of a language code; English for those that are not spoken here."""
    return RUSSIAN if language.lower()[:2] in {"ru", "be", "kz"} else ENGLISH


def compose(
    phrases: Phrases,
    *,
    editors: Editors,
    people: Mapping[UserId, Person],
    reason: Reason,
    old: Version,
    new: Version,
    comparison: Comparison,
    is_found: bool = False,
) -> str:
    """One line of BBCode in which no tag of the post is alive; ``is_found``: a sweep has found the change."""
    who, verb = _subject(phrases, editors, people)
    title = excerpt(known_as(old, new), _LONGEST_TITLE)
    named = f"«{title}»" if title else phrases.untitled
    how = f" ({phrases.found})" if is_found else ""
    line: list[Node] = [Text(f"{who} {verb} {named} — {phrases.reasons[reason]}{how}: ")]
    for index, part in enumerate(_parts(phrases, old, new, comparison)):
        line.extend((*((Text("; "),) if index else ()), *part))
    return safe_bbcode(tuple(line))


def _subject(phrases: Phrases, editors: Editors, people: Mapping[UserId, Person]) -> tuple[str, str]:
    """The names of the editors, and the verb that goes with them."""
    known = [people.get(number) or Person(id=number, name=f"#{number}") for number in editors.people]
    names = [excerpt(person.name, _LONGEST_NAME) for person in known]
    if not names:
        unknown = editors.unknown or Unknown.SOMEONE
        return phrases.unknown[unknown], phrases.changed[unknown]
    if editors.unknown is not None:
        names.append(phrases.unknown_too[editors.unknown])
    if len(names) == 1:
        return names[0], phrases.changed.get(known[0].gender, phrases.changed[""])
    return phrases.conjunction.join((", ".join(names[:-1]), names[-1])), phrases.changed["several"]


def _parts(phrases: Phrases, old: Version, new: Version, comparison: Comparison) -> list[Tree]:
    """What changed, the most important first."""
    parts: list[Tree] = []
    if ChangeClass.TITLE in comparison.classes:
        parts.append((Text(f"{phrases.title}: "), *_difference(phrases, old.title, new.title)))
    if old.withheld != new.withheld:
        parts.append((Text(phrases.withheld),))
    elif ChangeClass.TEXT in comparison.classes:
        parts.append(_difference(phrases, old.text, new.text))
    if added := len(set(new.files) - set(old.files)):
        parts.append((Text(phrases.counted(phrases.files_added, added)),))
    if removed := len(set(old.files) - set(new.files)):
        parts.append((Text(phrases.counted(phrases.files_removed, removed)),))
    if ChangeClass.IMPORTANCE in comparison.classes:
        parts.append((Text(phrases.important if new.is_important else phrases.unimportant),))
    return parts


def _difference(phrases: Phrases, old: str, new: str) -> Tree:
    before, after = tokenize(parse(old)), tokenize(parse(new))
    short = shorten(after, diff(before, after))
    more = (Text(" … " + phrases.counted(phrases.more, short.more)),) if short.more else ()
    return (*as_tree(short), *more)
