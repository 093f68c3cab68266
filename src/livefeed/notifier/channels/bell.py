"""The bell: ``im.notify.personal.add`` with a TAG, so that a repeat shows once.

Source: https://apidocs.bitrix24.com/api-reference/chats/notifications/im-notify-personal-add.html
"""

import asyncio
from typing import Final

import msgspec

from livefeed.app.runtime import Runtime
from livefeed.durable.consumers import ConsumerId
from livefeed.durable.entries import append
from livefeed.durable.lanes import Lease, is_held
from livefeed.durable.outcomes import Dead, Done, Outcome
from livefeed.durable.store import Tx
from livefeed.errors import Fault, LeaseLost
from livefeed.failpoints import failpoint
from livefeed.notifier import archive, notices
from livefeed.notifier.changes import Version, compare
from livefeed.notifier.gaps import is_found
from livefeed.notifier.notices import BELL, Notice
from livefeed.notifier.people import Person, find_people
from livefeed.notifier.wording import compose, phrases_of
from livefeed.wire.form import JsonValue
from livefeed.wire.ids import MemberId, UserId

KIND: Final = "notice.bell"
_METHOD: Final = "im.notify.personal.add"
_LARGE_CHARS: Final = 20_000


class _Order(msgspec.Struct, frozen=True):
    """The body of an entry: which notice is to be sent."""

    notice: int


class _Material(msgspec.Struct, frozen=True, kw_only=True):
    """All that the text of a notice is made of."""

    notice: Notice
    old: Version
    new: Version
    people: dict[UserId, Person]
    language: str
    is_gone: bool
    is_found: bool


def order(tx: Tx, portal: MemberId, person: UserId, number: int, consumer: ConsumerId) -> None:
    """Append a planned notice to the lane of its person."""
    append(
        tx,
        portal=portal,
        key=f"person:{person}",
        kind=KIND,
        body=msgspec.json.encode(_Order(notice=number)),
        source="notifier",
        consumers=[consumer],
        only=consumer,
    )


async def ring(lease: Lease, runtime: Runtime) -> Outcome:
    """Send the notice of the leased entry.

    Raises:
        LeaseLost: Another worker holds the lane.
        TransportError: The portal gave no usable answer; the call will be repeated under the same TAG.
        Fault: The portal refused; tried again later.
    """
    number = msgspec.json.decode(lease.entries[0].body, type=_Order).notice
    while True:
        material = await runtime.store.read(lambda tx: _read(tx, number))
        if material is None or material.notice.is_settled:
            return Done()
        notice = material.notice
        text = await _text(material)
        if text is None:
            return _done(notice, "skipped", "nothing is left to tell")
        if await runtime.store.write(lambda tx, notice=notice: _mark_sending(tx, lease, notice)):
            return await _call(runtime, notice, text)


async def _call(runtime: Runtime, notice: Notice, text: str) -> Outcome:
    failpoint("notice.sending")
    params = {"USER_ID": notice.person, "MESSAGE": text, "TAG": notice.tag}
    try:
        answer = await runtime.client(notice.portal).call(_METHOD, params)
    except Fault as fault:
        if fault.retryable:
            raise
        reason = str(fault)
        return Dead(reason=reason, effects=lambda tx: notices.settle(tx, notice, "failed", reason))
    failpoint("notice.called")
    if not _is_taken(answer.result):
        return _done(notice, "failed", "the portal made no notification: this person has no bell")
    return _done(notice, "sent", "")


def _done(notice: Notice, state: notices.State, detail: str) -> Done:
    return Done(effects=lambda tx: notices.settle(tx, notice, state, detail))


def _is_taken(result: JsonValue) -> bool:
    return bool(result) and result != "false"


def _mark_sending(tx: Tx, lease: Lease, notice: Notice) -> bool:
    tx.serialize(notice.portal)  # an edit may be adding to this notice
    if not is_held(tx, lease):
        raise LeaseLost(f"the lane {lease.key} of {BELL} has another worker now")
    return notices.mark_sending(tx, notice)


async def _text(material: _Material) -> str | None:
    """What the notice says; None if the post is gone, or is again as the person knew it."""
    if material.is_gone:
        return None
    if len(material.old.text) + len(material.new.text) > _LARGE_CHARS:
        return await asyncio.to_thread(_compose, material)
    return _compose(material)


def _compose(material: _Material) -> str | None:
    comparison = compare(material.old, material.new)
    if not comparison.is_worth_telling:
        return None
    return compose(
        phrases_of(material.language),
        editors=material.notice.editors,
        people=material.people,
        reason=material.notice.reason,
        old=material.old,
        new=material.new,
        comparison=comparison,
        is_found=material.is_found,
    )


def _read(tx: Tx, number: int) -> _Material | None:
    notice = notices.find(tx, number)
    post = None if notice is None else archive.find(tx, notice.portal, notice.post)
    if notice is None or post is None:
        return None
    return _Material(
        notice=notice,
        old=archive.version(tx, notice.portal, notice.post, notice.from_version),
        new=archive.version(tx, notice.portal, notice.post, notice.to_version),
        people=find_people(tx, notice.portal, notice.editors.people),
        language=archive.language_of(tx, notice.portal),
        is_gone=post.is_gone,
        is_found=is_found(tx, notice.portal, notice.post, old=notice.from_version, new=notice.to_version),
    )
