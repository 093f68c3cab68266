"""Suggestions: edits that show something, made from whatever the post says now."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from livefeed.ui.languages import Words, noted

_NUMBER: Final = re.compile(r"\[[^\]]*\]|\d{1,9}")
_BURST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """Somebody who takes no part in the discussion yet."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """An edit that one press of a button makes.

    Attributes:
        name: What the form says.
        label: What the button says.
        outcome: What is to be expected.
    """

    name: str
    label: Words
    outcome: Words


_Make = Callable[[str, Newcomer | None], list[str]]


def texts(name: str, text: str, newcomer: Newcomer | None) -> list[str]:
    """The texts to save one after the other; none if there is no such suggestion for this post."""
    make = _MAKE.get(name)
    return [] if make is None else make(text, newcomer)


def offered(text: str, newcomer: Newcomer | None) -> list[Suggestion]:
    """What can be suggested for a post that says ``text``."""
    return [one for one in SUGGESTIONS if texts(one.name, text, newcomer)]


def counted_up(text: str) -> str:
    """``text`` with its first number raised by one, from 9 back to 1; a text without one gets one."""
    for found in _NUMBER.finditer(text):
        if found[0].startswith("["):
            continue
        number = 1 if found[0] == "9" else int(found[0]) + 1
        return f"{text[: found.start()]}{number}{text[found.end() :]}"
    return f"{text} 1"


def _one(text: str, _newcomer: Newcomer | None) -> list[str]:
    return [counted_up(text)]


def _burst(text: str, _newcomer: Newcomer | None) -> list[str]:
    made = [text]
    for _ in range(_BURST):
        made.append(counted_up(made[-1]))
    return made[1:]


def _revert(text: str, _newcomer: Newcomer | None) -> list[str]:
    return [counted_up(text), text]


def _cosmetic(text: str, _newcomer: Newcomer | None) -> list[str]:
    return [f"{text[:-1]}." if text.endswith("!") else f"{text.removesuffix('.')}!"]


def _mention(text: str, newcomer: Newcomer | None) -> list[str]:
    if newcomer is None:
        return []
    return [f"{text}\n\n[USER={newcomer.id}]{newcomer.name}[/USER], please have a look."]


_MAKE: Final[Mapping[str, _Make]] = {
    "number": _one,
    "burst": _burst,
    "mention": _mention,
    "revert": _revert,
    "cosmetic": _cosmetic,
}

SUGGESTIONS: Final = (
    Suggestion(
        name="number", label=noted("Change the date"), outcome=noted("everybody who takes part is told")
    ),
    Suggestion(
        name="burst",
        label=noted("Three edits in a row"),
        outcome=noted("three events, but one notice a person"),
    ),
    Suggestion(name="mention", label=noted("Mention somebody new"), outcome=noted("one more is told")),
    Suggestion(
        name="revert", label=noted("Edit and take it back"), outcome=noted("nothing changed: nobody is told")
    ),
    Suggestion(
        name="cosmetic", label=noted("Only punctuation"), outcome=noted("not worth telling: nobody is told")
    ),
)
