"""Scopes in the words of those who are asked to grant them."""

from collections.abc import Iterable, Mapping
from typing import Final

from livefeed.ui.languages import Words, noted

_WORDS: Final[Mapping[str, Words]] = {
    "basic": noted("See who you are"),
    "calendar": noted("Read and change calendars"),
    "crm": noted("Read and change customers and deals"),
    "department": noted("See the departments of the company"),
    "disk": noted("Read and change files"),
    "entity": noted("Keep its own data on the portal"),
    "im": noted("Send notifications and chat messages in your name"),
    "imbot": noted("Run chat bots"),
    "lists": noted("Read and change lists"),
    "log": noted("Read, write, change and delete what you can in the News Feed"),
    "placement": noted("Add its own pages to the portal"),
    "socialnetwork": noted("See the groups you can see, and who is in them"),
    "sonet": noted("See the groups you can see, and who is in them"),
    "sonet_group": noted("See the groups you can see, and who is in them"),
    "task": noted("Read and change tasks"),
    "user": noted("See the people of the company and what is known of them"),
    "user_basic": noted("See the names and addresses of the people of the company"),
    "user_brief": noted("See the names of the people of the company"),
}


def in_words(scopes: Iterable[str]) -> list[Words]:
    """What an application with these scopes may do, each said once; a scope without words shows its name."""
    said = [_WORDS.get(scope) or noted("Use the scope %(scope)s", scope=scope) for scope in sorted(scopes)]
    return [words for place, words in enumerate(said) if words not in said[:place]]
