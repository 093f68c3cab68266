"""The languages of the pages: catalogues of words, times as people say them, who is spoken to in which.

Templates mark their words with ``_()``, ``ngettext()`` and ``{% trans %}``. Words that are decided in Python
are marked with `noted` where they stand and translated by the filter ``told``, which escapes like any value.
Each room keeps its own catalogue, ``locales/<language>/<room>.po``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Final, Literal

from babel import Locale, negotiate_locale
from babel.dates import format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from babel.units import format_unit

from livefeed.clock import at_utc

LANGUAGES: Final = ("en", "ru")
"""What pages can be read in; the first is the one they are written in."""

_UNITS: Final = (("byte", 1), ("kilobyte", 1_000), ("megabyte", 1_000_000), ("gigabyte", 1_000_000_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A sentence with places for values: ``noted("%(n)s attempts", n=3)``."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict[str, object])


def noted(text: str, **values: object) -> Words:
    """Words for people, in English, to be translated where they are shown.

    Values may be words too; a float is said with one digit behind the point, or the comma.
    """
    return Words(text=text, values=values)


def listed(several: Iterable[Words]) -> Words:
    """Several things, at least one, in one line with commas between them."""
    values = {str(place): one for place, one in enumerate(several)}
    return Words(text=", ".join(f"%({place})s" for place in values), values=values)


def told(words: Words | str, language: str) -> str:
    """``words`` in ``language``; what no catalogue knows is said as it is."""
    if isinstance(words, str):
        return catalogue(language).gettext(words) if words else ""
    text = catalogue(language).gettext(words.text)
    values = {name: _said(value, language) for name, value in words.values.items()}
    return text % values if values else text


def _said(value: object, language: str) -> object:
    match value:
        case Words():
            return told(value, language)
        case float():
            return format_decimal(value, "0.0", locale=_locale(language))
        case _:
            return value


def spoken(at_ms: int, zone: tzinfo, language: str) -> str:
    """A time of day as people write it: ``21 November 2026, 14:05``, ``21 ноября 2026, 14:05``."""
    at: datetime = at_utc(at_ms).astimezone(zone)
    return format_datetime(at, "d MMMM y, HH:mm", locale=_locale(language))


def weighed(size_bytes: int, language: str) -> str:
    """The size of a file: ``512 bytes``, ``14 kB``, ``1.2 MB``."""
    unit, one = next(((name, one) for name, one in _UNITS if size_bytes < 1000 * one), _UNITS[-1])
    value = size_bytes / one
    shown = round(value, 1) if value < 10 and one > 1 else round(value)
    length: Literal["long", "short"] = "long" if one == 1 else "short"
    return format_unit(shown, f"digital-{unit}", length, locale=_locale(language))


def chosen(*wishes: str, accepted: str = "") -> str:
    """The first of ``wishes`` that pages can be read in, then what the browser accepts, then English.

    Args:
        wishes: Codes such as ``ru``; empty ones are passed over.
        accepted: An Accept-Language header.
    """
    asked = [part.partition(";")[0].strip().replace("_", "-") for part in accepted[:200].split(",")]
    known = negotiate_locale([*filter(None, wishes), *filter(None, asked)], LANGUAGES, sep="-")
    return known or LANGUAGES[0]


@cache
def catalogue(language: str) -> NullTranslations:
    """Every room's words in ``language``; none in the language pages are written in."""
    folder = resources.files("livefeed.ui").joinpath("locales", language)
    if language == LANGUAGES[0] or not folder.is_dir():
        return NullTranslations()
    rooms = [
        _compiled(file.read_bytes(), language)
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".po")
    ]
    whole = rooms[0]
    for room in rooms[1:]:
        whole.merge(room)
    return whole


def _compiled(source: bytes, language: str) -> Translations:
    binary = BytesIO()
    write_mo(binary, read_po(BytesIO(source), locale=language))
    binary.seek(0)
    return Translations(fp=binary)


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)
