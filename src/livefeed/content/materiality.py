"""How much a change of a text matters; a changed digit is never less than material."""

import enum
import unicodedata
from typing import Final

from livefeed.content.diff import diff_keys
from livefeed.content.tokens import Kind, Token, Tokens
from livefeed.content.words import has_weight, negates

_FEW_WORDS: Final = 3
_SMALL_SHARE: Final = 10  # at most one word in so many
_SAME_LETTER: Final = str.maketrans({"ё": "е", "’": "'", "ʼ": "'", "‑": "-"})


class Materiality(enum.StrEnum):
    """How much a change matters."""

    NONE = "none"  # a reader sees the same words in the same case
    COSMETIC = "cosmetic"  # only markup, white space, punctuation or case
    MINOR = "minor"  # few words, and nothing that counts, dates, points or negates
    MATERIAL = "material"


def weigh(old: Tokens, new: Tokens) -> Materiality:
    """How much the change from ``old`` to ``new`` matters; equal texts are NONE."""
    if _weighty(old) != _weighty(new) or _digits(old) != _digits(new):
        return Materiality.MATERIAL
    left, right = _folded(old), _folded(new)
    if left == right:
        same = [token.key for token in old] == [token.key for token in new]
        return Materiality.NONE if same else Materiality.COSMETIC
    return _weigh_words(left, right)


def is_cosmetic(gone: Tokens, came: Tokens) -> bool:
    """Whether a single change touches only punctuation or case."""
    return _folded(gone) == _folded(came)


def is_weighty(token: Token) -> bool:
    """Whether the token counts, dates, points at something, or negates."""
    match token.kind:
        case Kind.NUMBER | Kind.URL | Kind.MENTION | Kind.FILE:
            return True
        case Kind.SYMBOL:
            return token.text in "%‰№#@*/\\&§" or unicodedata.category(token.text[0]) in {"Sc", "Sm"}
        case Kind.WORD:
            return has_weight(_fold(token.text))
        case Kind.PUNCTUATION:
            return False


def _weigh_words(old: list[str], new: list[str]) -> Materiality:
    changed = 0
    for a, b, c, d in diff_keys(old, new):
        changed += max(b - a, d - c)
        if changed > _FEW_WORDS or any(negates(one, other) for one in old[a:b] for other in new[c:d]):
            return Materiality.MATERIAL
    return Materiality.MINOR if changed * _SMALL_SHARE <= len(old) else Materiality.MATERIAL


def _weighty(tokens: Tokens) -> list[tuple[str, str]]:
    """What counts, dates, points or negates, in order: a mere swap of two sums shows too."""
    return [(token.target, _fold(token.text)) for token in tokens if is_weighty(token)]


def _digits(tokens: Tokens) -> str:
    return "".join(char for token in tokens for char in token.text if unicodedata.category(char)[0] == "N")


def _folded(tokens: Tokens) -> list[str]:
    return [_fold(token.text) + token.target for token in tokens if token.kind is not Kind.PUNCTUATION]


def _fold(text: str) -> str:
    return text.casefold().translate(_SAME_LETTER)
