"""What the scene says in the application's place, and how lengths of time and bytes are put."""

from typing import Final

from livefeed.ui.languages import Words, noted

_LONG_MS: Final = 600_000

REASONS: Final = {
    "author": noted("wrote it"),
    "mentioned": noted("is mentioned"),
    "commenter": noted("commented"),
}

STEPS: Final = {
    "received": noted("received"),
    "verified": noted("verified"),
    "coalesced": noted("coalesced"),
    "fetched": noted("fetched"),
    "compared": noted("compared"),
    "told": noted("told"),
}

WHY_NOT: Final = tuple(
    words.text
    for words in (
        noted("made the edit"),
        noted("does not work there any more"),
        noted("takes no part in the discussion"),
        noted("nothing differs from what was last told"),
        noted("only markup, white space, punctuation or case differ"),
        noted("only tags or recipients differ"),
        noted("nobody but the editor takes part"),
    )
)
"""Why the notifier is silent, as it says it; the translations are looked up by these words."""

NOTICES: Final = {
    "": noted("planned"),
    "planned": noted("planned"),
    "sending": noted("on its way"),
    "sent": noted("on the bell"),
    "skipped": noted("nothing was left to tell"),
    "failed": noted("the portal refused"),
}

ERRORS: Final = {
    "connect": noted("nobody answers at its address"),
    "reset": noted("the connection broke off"),
    "timeout": noted("no answer in time"),
}
FAILED: Final = noted("it did not work")

SAID: Final = {
    "gone": noted(
        "Somebody saved this post while you were writing. Your text stands in the box; save it again."
    ),
    "empty": noted("A post needs a text."),
    "nothing": noted("This cannot be suggested for this post any more."),
}


def after(took_ms: int | None) -> Words | str:
    """How long after the edit: ``+1 034 ms``, and minutes once nobody counts milliseconds."""
    if took_ms is None:
        return ""
    if took_ms >= _LONG_MS:
        return noted("%(number)s min", number="+" + _grouped(took_ms // 60_000))
    return noted("%(number)s ms", number=f"+{_grouped(took_ms)}" if took_ms > 0 else "0")


def _grouped(number: int) -> str:
    """Digits in threes, with narrow spaces that do not break."""
    return f"{number:,}".replace(",", "\u202f")


def told_as(known: dict[str, Words], name: str) -> Words | str:
    """The words for ``name``; itself if there are none."""
    return known.get(name, name)
