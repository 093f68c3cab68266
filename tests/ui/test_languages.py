"""Words with values in them are said as the language does."""

import pytest

from livefeed.app.console.moments import span
from livefeed.notifier.notices import BELL
from livefeed.notifier.participants import Reason
from livefeed.notifier.showing import CHANNELS, REASONS
from livefeed.ui.languages import told


@pytest.mark.parametrize(
    ("ms", "english", "russian"),
    [
        (1_440, "1.4 s", "1,4 с"),
        (9_000, "9.0 s", "9,0 с"),
        (10_400, "10 s", "10 с"),
        (7_200_000, "2 h", "2 ч"),
    ],
)
def test_a_duration_has_a_point_in_english_and_a_comma_in_russian(
    ms: int, english: str, russian: str
) -> None:
    assert (english, russian) == (told(span(ms), "en"), told(span(ms), "ru"))


def test_why_somebody_was_told_and_through_what_is_said_in_russian() -> None:
    for words in (*(REASONS[reason] for reason in Reason), CHANNELS[BELL]):
        assert told(words, "ru") != told(words, "en") == words.text
