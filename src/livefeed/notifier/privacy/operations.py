"""What a command may ask of a running notifier about what it keeps of people."""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from livefeed.app.application import Operation
from livefeed.app.runtime import Runtime
from livefeed.durable.store import rewrite
from livefeed.notifier.privacy.cases import START
from livefeed.notifier.privacy.erasing import Hands, Progress, admit, erase_some
from livefeed.notifier.privacy.redacting import redact
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import MemberId, PostId, UserId

_Number = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
_Words = Annotated[str, msgspec.Meta(max_length=2_000)]
_Document = dict[str, JsonValue]


class Erasure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to erase, and from where; a whole erasure is asked for again and again until it is over."""

    portal: str
    person: _Number
    place: Annotated[int, msgspec.Meta(ge=0)] = 0
    after: tuple[int, int] = START
    mended: int = 0
    left: int = 0
    held: int = 0


class Admission(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is to be kept again."""

    portal: str
    person: _Number


class Redaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which words to take out."""

    portal: str
    post: _Number
    version: _Number
    reason: _Words = ""


async def erase(hands: Hands, asked: Erasure) -> _Document:
    """A second's work of an erasure; when it is over the files are written anew."""
    at = Progress(place=asked.place, after=asked.after, mended=asked.mended, left=asked.left, held=asked.held)
    at = await erase_some(hands, MemberId(asked.portal), UserId(asked.person), at)
    return {
        "place": at.place,
        "name": at.name,
        "after": list(at.after),
        "mended": at.mended,
        "left": at.left,
        "held": at.held,
        "is_over": at.is_over,
        "is_overwritten": await rewrite(hands.store) if at.is_over else False,
    }


async def admit_again(hands: Hands, asked: Admission) -> _Document:
    """Keep what comes of a person from now on."""
    portal, person = MemberId(asked.portal), UserId(asked.person)
    is_news = await hands.store.write(lambda tx: admit(tx, hands.keys, portal, person))
    return {"portal": portal, "person": person, "admitted": is_news}


async def take_out(hands: Hands, asked: Redaction) -> _Document:
    """Redact the words of a version."""
    portal, post = MemberId(asked.portal), PostId(asked.post)
    versions = await hands.store.write(
        lambda tx: redact(tx, hands.keys, portal, post, asked.version, reason=asked.reason)
    )
    return {
        "portal": portal,
        "post": post,
        "redacted": list(versions),
        "is_overwritten": await rewrite(hands.store) if versions else True,
    }


def _hands(runtime: Runtime) -> Hands:
    return Hands(store=runtime.store, keys=runtime.keys, portal_keys=runtime.portal_keys)


async def _erase(runtime: Runtime, arguments: Mapping[str, object]) -> _Document:
    return await erase(_hands(runtime), msgspec.convert(arguments, Erasure))


async def _admit(runtime: Runtime, arguments: Mapping[str, object]) -> _Document:
    return await admit_again(_hands(runtime), msgspec.convert(arguments, Admission))


async def _redact(runtime: Runtime, arguments: Mapping[str, object]) -> _Document:
    return await take_out(_hands(runtime), msgspec.convert(arguments, Redaction))


OPERATIONS: Final[Mapping[str, Operation]] = {
    "person_erase": _erase,
    "person_admit": _admit,
    "redact": _redact,
}
