"""What a form holds, what may be encoded into one, and how the two correspond."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Form: TypeAlias = dict[str, "str | Form"]
"""A decoded form: text at the leaves, dicts above; a list is a dict with the keys ``"0"``, ``"1"``, …"""

FormValue: TypeAlias = str | int | bool | Sequence["FormValue"] | Mapping[str, "FormValue"] | None
"""What can be encoded."""

JsonValue: TypeAlias = str | int | float | bool | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None
"""What a JSON body can hold; every form is one too."""


def as_text(value: str | int | float | bool | None) -> str:
    """The text of a scalar on the wire: ``True`` → ``1``, ``False`` → ``0``, ``None`` → empty.

    Source: api-reference/chat-bots/chat-bots-v2/imbot.v2/events/events.md
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


def as_form(value: Mapping[str, JsonValue]) -> Form:
    """What a receiver gets when ``value`` is encoded and decoded again.

    Empty lists and mappings vanish, at any depth, and what holds only such vanishes with them.
    """
    form: Form = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            nested = as_form(item)
        elif isinstance(item, Sequence) and not isinstance(item, str):
            nested = as_form({str(index): one for index, one in enumerate(item)})
        else:
            form[key] = as_text(item)
            continue
        if nested:
            form[key] = nested
    return form


def as_list(value: str | Form | None) -> list[str | Form]:
    """The items of ``key[0]``, ``key[1]``, … in the order they came; a scalar is a list of one."""
    if value is None:
        return []
    return list(value.values()) if isinstance(value, dict) else [value]
