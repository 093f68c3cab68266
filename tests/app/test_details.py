"""Details of steps are stored as a message with its values, and said in the reader's language."""

import pytest

from livefeed.app.inbox import details
from livefeed.ui.languages import Words, listed, noted, told

EVENTS = noted("%(count)s events", count=3)
BOTH = noted("%(handler)s: %(what)s", handler="shop.tell", what=noted("own write"))


@pytest.mark.parametrize(
    ("detail", "english", "russian"),
    [
        (EVENTS, "3 events", "событий: 3"),
        (BOTH, "shop.tell: own write", "shop.tell: собственная запись"),
        (listed([noted("archived"), EVENTS]), "archived, 3 events", "сохранено в архиве, событий: 3"),
        ("0.120 s, 100 %", "0.120 s, 100 %", "0.120 s, 100 %"),
    ],
)
def test_what_was_stored_is_said_in_each_language(detail: details.Detail, english: str, russian: str) -> None:
    read = details.read(details.stored(detail))

    assert (english, russian) == (told(read, "en"), told(read, "ru"))


def test_no_word_of_a_language_but_the_id_of_the_message_is_stored() -> None:
    assert '\x1e{"text":"%(count)s events","values":{"count":3}}' == details.stored(EVENTS)


@pytest.mark.parametrize(
    "text", ["nobody: nobody but the editor takes part", "", "{}", "\x1e", "\x1e[1]", '\x1e{"text":1}']
)
def test_what_no_version_of_ours_has_stored_as_words_is_shown_as_it_stands(text: str) -> None:
    assert text == details.read(text)


def test_a_text_of_a_handler_is_never_taken_for_words() -> None:
    forged = details.stored(EVENTS)

    assert not isinstance(details.read(details.stored(forged)), Words)
