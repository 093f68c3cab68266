"""A request as a command: curl in a POSIX shell, with a variable for each secret."""

from collections.abc import Sequence
from itertools import groupby
from shlex import quote
from typing import Final

from livefeed.portal.events.log.masks import Hole, Piece
from livefeed.portal.events.log.requests import Sent

_OF_CURL: Final = frozenset({"accept", "content-length", "host", "user-agent"})
"""Headers that curl makes itself."""


def as_curl(sent: Sent) -> str:
    """The command that sends ``sent`` again, once its variables are set."""
    lines = [
        f"curl -X POST {_word([sent.url])}",
        *(
            f"  -H {_word([f'{name}: ', *pieces])}"
            for name, pieces in sent.headers.items()
            if name not in _OF_CURL
        ),
        f"  --data-raw {_word(sent.body)}",
    ]
    return " \\\n".join(lines)


def _word(pieces: Sequence[Piece]) -> str:
    """One word of the shell: nothing in it is expanded but the variables."""
    word: list[str] = []
    for is_hole, run in groupby(pieces, key=lambda piece: isinstance(piece, Hole)):
        texts = [f'"${piece.name}"' if isinstance(piece, Hole) else piece for piece in run]
        word += texts if is_hole else [quote("".join(texts))]
    return "".join(word)
