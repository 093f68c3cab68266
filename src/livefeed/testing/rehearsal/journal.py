"""The journal of a rehearsal: a file in which test and process say what is wanted and what has happened.

It outlives the process: one that was killed goes on, when it is started again, where it was.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from livefeed.testing.faults.plan import Occurred, Plan, Step, Struck
from livefeed.testing.seen import Called, Delivery, Given, Refreshed


class Entered(msgspec.Struct, frozen=True, kw_only=True, tag="entered"):
    """From here on these faults are in force; ``number`` is that of the block."""

    number: int
    plan: Plan


class Left(msgspec.Struct, frozen=True, kw_only=True, tag="left"):
    """They are not any longer."""

    number: int


class Stepped(msgspec.Struct, frozen=True, kw_only=True, tag="stepped"):
    """What the faults of a block have met or done."""

    number: int
    step: Occurred | Struck


class Turned(msgspec.Struct, frozen=True, kw_only=True, tag="turned"):
    """The clock goes by so much more before the machine's."""

    by_ms: int


class Saw(msgspec.Struct, frozen=True, kw_only=True, tag="saw"):
    """What was delivered, called or refreshed, or became of a token; one of the four."""

    delivery: Delivery | None = None
    called: Called | None = None
    refreshed: Refreshed | None = None
    given: Given | None = None


Line: TypeAlias = Entered | Left | Stepped | Turned | Saw

_decode: Final = msgspec.json.Decoder(Line).decode


class Journal:
    """Writes a journal, line by line."""

    def __init__(self, path: Path) -> None:
        """Go on with the file, which is made if there is none."""
        self._file: Final = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, line: Line) -> None:
        """Add a line; it stands in the file when this returns, whatever becomes of the process."""
        # A line that was torn, because its writer was killed, ends here.
        os.write(self._file, b"\n" + msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        """Write no more."""
        os.close(self._file)


def read_journal(path: Path) -> Iterator[Line]:
    """What the journal says, oldest first; a line that was torn is left out."""
    for line in path.read_bytes().split(b"\n") if path.exists() else ():
        if line:
            try:
                yield _decode(line)
            except msgspec.DecodeError:
                continue


def steps_of(lines: list[Line], number: int) -> list[Step]:
    """What the faults of a block have met and done so far."""
    return [one.step for one in lines if isinstance(one, Stepped) and one.number == number]
