"""Pages that an application adds to its console: a name in the menu, a template, and what goes into it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from livefeed.durable.store import Tx
from livefeed.ui.languages import Words
from livefeed.wire.params import Params


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a page was asked for.

    Attributes:
        query: The query string.
        language: One of the languages of pages.
    """

    query: Params
    language: str


Values: TypeAlias = Callable[[Tx, Asked], Mapping[str, object]]
"""Reads what a page shows; a short snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One page of the console.

    Attributes:
        name: The last part of its address: ``notices``.
        title: In the menu.
        template: Extends ``console.html``.
        values: Reads what the template names.
    """

    name: str
    title: Words
    template: str
    values: Values
