"""Builds the files as they may lie on the disk when the power fails at one moment of a recording."""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HEAD = struct.Struct("<cHIq")
SECTOR = 512


@dataclass(frozen=True)
class Step:
    """One call: ``w`` write, ``t`` truncate, ``s`` sync, ``u`` remove."""

    op: str
    path: str
    offset: int
    data: bytes


@dataclass
class File:
    """What is certainly on the disk, and what came since the last sync."""

    kept: bytearray = field(default_factory=bytearray)
    since: list[Step] = field(default_factory=list)


def read(log: Path) -> Iterator[Step]:
    content = memoryview(log.read_bytes())
    place = 0
    while place + HEAD.size <= len(content):
        op, named, length, offset = HEAD.unpack_from(content, place)
        place += HEAD.size
        path = bytes(content[place : place + named]).decode()
        place += named
        yield Step(op.decode(), path, offset, bytes(content[place : place + length]))
        place += length


def apply(kept: bytearray, step: Step) -> None:
    if step.op == "t":
        del kept[step.offset :]
        kept.extend(bytes(step.offset - len(kept)))
    elif step.op == "w":
        kept.extend(bytes(max(0, step.offset + len(step.data) - len(kept))))
        kept[step.offset : step.offset + len(step.data)] = step.data


class Disk:
    """All files up to one moment."""

    def __init__(self, folder: Path) -> None:
        self.files = {str(path): File(bytearray(path.read_bytes())) for path in folder.iterdir()}

    def take(self, step: Step) -> None:
        file = self.files.setdefault(step.path, File())
        if step.op == "s":
            for earlier in file.since:
                apply(file.kept, earlier)
            file.since.clear()
        else:
            file.since.append(step)

    def has_unsynced(self) -> bool:
        return any(file.since for file in self.files.values())

    def lose_power(self, into: Path, draw: random.Random, *, share: float) -> None:
        """Write what is left: of what was not synced, ``share`` of the sectors, in no order."""
        for path, file in self.files.items():
            content = bytearray(file.kept)
            survivors = [one for step in file.since for one in sectors(step) if draw.random() < share]
            draw.shuffle(survivors)
            for one in survivors:
                apply(content, one)
            (into / Path(path).name).write_bytes(content)


def sectors(step: Step) -> Iterator[Step]:
    """A write can be cut between any two sectors."""
    if step.op != "w":
        yield step
        return
    place = 0
    while place < len(step.data):
        length = SECTOR - (step.offset + place) % SECTOR
        yield Step("w", step.path, step.offset + place, step.data[place : place + length])
        place += length
