"""Details of steps: a message and its values as they are stored, to be said in the reader's language."""

from typing import Final, TypeAlias

import msgspec

from livefeed.ui.languages import Words

Detail: TypeAlias = Words | str
"""Words are kept as the id of their message with its values; a text is said as it stands."""

_MARK: Final = "\x1e"
"""What stored words begin with, and no text that is stored."""

_decoder: Final = msgspec.json.Decoder(Words)


def stored(detail: Detail) -> str:
    """``detail`` as it is stored: ``␞{"text":"%(count)s events","values":{"count":3}}``, or a text."""
    if isinstance(detail, str):
        return detail.lstrip(_MARK)
    return _MARK + msgspec.json.encode(detail).decode()


def read(text: str) -> Detail:
    """What was `stored`; anything else, such as the text of earlier versions, is said as it stands."""
    if not text.startswith(_MARK):
        return text
    try:
        return _opened(_decoder.decode(text.removeprefix(_MARK)))
    except msgspec.DecodeError:
        return text


def _opened(words: Words) -> Words:
    """``words`` whose values are read as well: words among them come as objects."""
    return Words(text=words.text, values={name: _value(one) for name, one in words.values.items()})


def _value(value: object) -> object:
    return _opened(msgspec.convert(value, Words)) if isinstance(value, dict) else value
