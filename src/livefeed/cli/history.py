"""``check-history``: whether a recorded run lost, repeated or reordered anything.

The file is JSONL, written by any program: ``{"kind": "acked|received|effect", "portal", "post", "seq",
"at_ms", "id"}``. ``seq`` numbers the changes of one post; a recorder that cannot know it leaves it null.
Numbers may be strings, ``at_ms`` may have a fraction, and ``id`` may be a number.
"""

from codecs import BOM_UTF8
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import click
import msgspec

from livefeed.cli.output import json_option, print_document
from livefeed.errors import SettingsError


class Line(msgspec.Struct, frozen=True):
    """One line of a history: a change acknowledged to its author, received by an app, or its effect."""

    kind: Literal["acked", "received", "effect"]
    portal: str
    post: int
    at_ms: Annotated[float, msgspec.Meta(ge=0)]
    seq: int | None = None
    id: str | int | None = None


class Verdict(msgspec.Struct, frozen=True):
    """How many changes were acknowledged, and what became of them.

    Attributes:
        acked: Distinct changes acknowledged.
        lost: Acknowledged changes that were never received, or that no effect covers.
        repeated: Observations seen before under the same kind and id.
        reordered: Observations of a change after a later one of the same post, repeats included.
    """

    acked: int
    lost: int
    repeated: int
    reordered: int


def read_history(path: Path) -> list[Line]:
    """Read a history file.

    Raises:
        SettingsError: A line is not of the documented form; the message names it.
    """
    lines: list[Line] = []
    for number, raw in enumerate(path.read_bytes().removeprefix(BOM_UTF8).splitlines(), start=1):
        if raw.strip():
            try:
                lines.append(msgspec.json.decode(raw, type=Line, strict=False))
            except msgspec.DecodeError as exc:
                raise SettingsError(f"{path}:{number}: {exc}") from exc
    return lines


def judge(history: Iterable[Line]) -> Verdict:
    """Weigh a history: pure, in the order of ``at_ms``.

    An effect covers every change of its post up to its ``seq``, since one notice may tell of several edits.
    """
    ordered = sorted(history, key=lambda line: line.at_ms)
    acked: defaultdict[tuple[str, int], set[object]] = defaultdict(set)
    for place, line in enumerate(ordered):
        if line.kind == "acked":
            acked[line.portal, line.post].add(line.seq if line.seq is not None else line.id or place)
    lost = 0
    for kind in ("received", "effect"):
        seen = [line for line in ordered if line.kind == kind]
        if seen:
            lost = max(lost, _lost(acked, seen, covers=kind == "effect"))
    if not any(line.kind != "acked" for line in ordered):
        lost = sum(map(len, acked.values()))
    return Verdict(sum(map(len, acked.values())), lost, _repeated(ordered), _reordered(ordered))


def _lost(acked: dict[tuple[str, int], set[object]], seen: list[Line], *, covers: bool) -> int:
    by_post: defaultdict[tuple[str, int], list[Line]] = defaultdict(list)
    for line in seen:
        by_post[line.portal, line.post].append(line)
    return sum(_lost_of_post(changes, by_post[place], covers=covers) for place, changes in acked.items())


def _lost_of_post(changes: set[object], seen: list[Line], *, covers: bool) -> int:
    numbers = [line.seq for line in seen if line.seq is not None]
    if len(numbers) < len(seen):
        # A recorder that cannot number changes is held to their count.
        return max(0, len(changes) - len({line.id or place for place, line in enumerate(seen)}))
    if covers:
        last = max(numbers, default=-1)
        return sum(1 for change in changes if not isinstance(change, int) or change > last)
    return len(changes - set(numbers))


def _repeated(ordered: list[Line]) -> int:
    counts = Counter(
        (line.kind, line.portal, line.post, line.id) for line in ordered if line.kind != "acked" and line.id
    )
    return sum(count - 1 for count in counts.values())


def _reordered(ordered: list[Line]) -> int:
    """In a lane a change can be repeated, but never once a later one has been seen."""
    furthest: dict[tuple[str, str, int], int] = {}
    count = 0
    for line in ordered:
        if line.kind == "acked" or line.seq is None:
            continue
        place = (line.kind, line.portal, line.post)
        count += line.seq < furthest.get(place, line.seq)
        furthest[place] = max(line.seq, furthest.get(place, line.seq))
    return count


@click.command("check-history")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def check_history(file: Path, as_json: bool) -> None:
    """Say whether the run recorded in FILE lost, repeated or reordered anything.

    FILE holds one JSON object a line, written by any program, with the keys kind, portal, post, seq, at_ms
    and id, such as {"kind": "acked", "portal": "a", "post": 5, "seq": 1, "at_ms": 1743000379000, "id": "e1"}.

    The kind is acked: the author was told that change SEQ of the post is saved; received: an application got
    it; or effect: somebody saw it, or a later change of the same post. seq and id may be null.

    Exit code 1 if it lost or reordered.
    """
    verdict = judge(read_history(file))
    print_document(msgspec.to_builtins(verdict), as_json=as_json)
    if verdict.lost or verdict.reordered:
        raise SystemExit(1)
