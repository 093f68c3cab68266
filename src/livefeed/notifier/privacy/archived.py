"""Where the archive keeps a person: his posts and their versions, who edits and mentions whom, notices."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from livefeed.clock import iso
from livefeed.durable.store import Tx
from livefeed.notifier.changes import Version
from livefeed.notifier.decisions import Ruling
from livefeed.notifier.policy import Editors
from livefeed.notifier.privacy.cases import Case, Mended, Place, Row, rows_of
from livefeed.notifier.privacy.screen import SQL
from livefeed.wire.ids import PostId, UserId

_version: Final = msgspec.json.Decoder(Version)
_editors: Final = msgspec.json.Decoder(Editors)
_ruling: Final = msgspec.json.Decoder(Ruling)


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)


def _editors_of(row: Row) -> Editors:
    return _editors.decode(row["editors"]) if row["editors"] else Editors()


def _mentions(version: Version, case: Case) -> bool:
    return re.search(rf"\[USER=[\"' ]*{case.person}\D", version.text, re.IGNORECASE) is not None


def _show_person(row: Row, _case: Case) -> Mapping[str, object]:
    return {"name": row["name"], "gender": row["gender"], "is_active": bool(row["is_active"])}


def _drop_person(tx: Tx, _row: Row, case: Case) -> Mended:
    SQL.drop_person(tx.conn, portal=case.portal, person=case.person)
    return "mended"


def _is_in_version(row: Row, case: Case) -> bool:
    content = _version.decode(row["content"])
    is_his = row["author"] == case.person and content.withheld is None
    return is_his or case.person in _editors_of(row).people or _mentions(content, case)


def _show_version(row: Row, case: Case) -> Mapping[str, object]:
    content = _version.decode(row["content"])
    return {
        "post": row["post"],
        "version": row["version"],
        "at": iso(row["at"]),
        "source": row["source"],
        "is_author": row["author"] == case.person,
        "is_editor": case.person in _editors_of(row).people,
        "is_mentioned": _mentions(content, case),
        "title": content.title,
        "text": content.text,
        "files": content.files,
        "withheld": None if content.withheld is None else content.withheld.why,
    }


def _mend_version(tx: Tx, row: Row, case: Case) -> Mended:
    if row["post"] in case.held:
        return "held"
    content = case.screen.cover(
        PostId(row["post"]), UserId(row["author"] or 0), _version.decode(row["content"])
    )
    editors = case.screen.editors(_editors_of(row))
    SQL.mend_version(
        tx.conn,
        portal=case.portal,
        post=row["post"],
        version=row["version"],
        content=msgspec.json.encode(content),
        editors=msgspec.json.encode(editors) if editors else None,
    )
    return "mended"


def _show_post(row: Row, case: Case) -> Mapping[str, object]:
    return {
        "post": row["post"],
        "is_author": row["author"] == case.person,
        "is_seen_with_his_token": row["seen_by"] == case.person,
        "state": row["state"],
        "versions": row["seen_version"],
        "published_at": _moment(row["published_at"]),
        "edited_at": _moment(row["edited_at"]),
    }


def _mend_post(tx: Tx, row: Row, case: Case) -> Mended:
    if row["post"] in case.held and row["author"] == case.person:
        return "held"
    SQL.mend_post(tx.conn, portal=case.portal, post=row["post"], person=case.person)
    return "mended"


def _show_comment(row: Row, _case: Case) -> Mapping[str, object]:
    return {"comment": row["comment"], "feed_entry": row["log_id"], "post": row["post"] or None}


def _mend_comment(tx: Tx, row: Row, case: Case) -> Mended:
    if row["post"] in case.held:
        return "held"
    SQL.mend_comment(tx.conn, portal=case.portal, comment=row["comment"])
    return "mended"


def _is_in_notice(row: Row, case: Case) -> bool:
    return row["person"] == case.person or case.person in _editors_of(row).people


def _show_notice(row: Row, case: Case) -> Mapping[str, object]:
    return {
        "id": row["id"],
        "is_to_him": row["person"] == case.person,
        "is_about_his_edit": case.person in _editors_of(row).people,
        "post": row["post"],
        "channel": row["channel"],
        "from_version": row["from_version"],
        "to_version": row["to_version"],
        "reason": row["reason"] if row["person"] == case.person else None,
        "state": row["state"],
        "planned_at": iso(row["planned_at"]),
        "settled_at": _moment(row["settled_at"]),
    }


def _mend_notice(tx: Tx, row: Row, case: Case) -> Mended:
    if row["post"] in case.held:
        return "held"
    if row["person"] == case.person:
        SQL.drop_notice(tx.conn, id=row["id"])
    else:
        editors = case.screen.editors(_editors_of(row))
        SQL.mend_notice(tx.conn, id=row["id"], editors=msgspec.json.encode(editors))
    return "mended"


def _people_of(ruling: Ruling) -> set[int]:
    return {*ruling.editors.people, *(one.person for one in (*ruling.told, *ruling.passed_over))}


def _is_in_decision(row: Row, case: Case) -> bool:
    return case.person in _people_of(_ruling.decode(row["ruling"]))


def _show_decision(row: Row, case: Case) -> Mapping[str, object]:
    ruling = _ruling.decode(row["ruling"])
    return {
        "post": row["post"],
        "at": iso(row["at"]),
        "is_editor": case.person in ruling.editors.people,
        "told_because": next((one.reason for one in ruling.told if one.person == case.person), None),
        "not_told_because": next((one.why for one in ruling.passed_over if one.person == case.person), None),
    }


def _mend_decision(tx: Tx, row: Row, case: Case) -> Mended:
    if row["post"] in case.held:
        return "held"
    ruling = _ruling.decode(row["ruling"])
    left = msgspec.structs.replace(
        ruling,
        editors=case.screen.editors(ruling.editors),
        told=tuple(one for one in ruling.told if one.person != case.person),
        passed_over=tuple(one for one in ruling.passed_over if one.person != case.person),
    )
    SQL.mend_decision(tx.conn, portal=case.portal, post=row["post"], ruling=msgspec.json.encode(left))
    return "mended"


def _show_redaction(row: Row, _case: Case) -> Mapping[str, object]:
    return {"post": row["post"], "version": row["version"], "at": iso(row["redacted_at"])}


def _mend_redaction(tx: Tx, row: Row, case: Case) -> Mended:
    SQL.mend_redaction(tx.conn, portal=case.portal, post=row["post"], version=row["version"])
    return "mended"


def _show_filling(row: Row, _case: Case) -> Mapping[str, object]:
    return {"phase": row["phase"]}


def _mend_filling(tx: Tx, _row: Row, case: Case) -> Mended:
    SQL.mend_filling(tx.conn, portal=case.portal, person=case.person)
    return "mended"


def _show_round(row: Row, _case: Case) -> Mapping[str, object]:
    return {"post": row["post"], "at": iso(row["at"])}


def _mend_round(tx: Tx, row: Row, case: Case) -> Mended:
    SQL.mend_round(tx.conn, portal=case.portal, post=row["post"], person=case.person)
    return "mended"


def _columns(table: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{table}.{name}" for name in names)


PLACES: Final = (
    Place(
        name="profile",
        columns=_columns("archived_person", "person", "name", "gender", "is_active", "comment_cursor"),
        walk=rows_of(SQL.walk_person),
        show=_show_person,
        mend=_drop_person,
    ),
    Place(
        name="versions",
        columns=_columns("archived_version", "content", "editors"),
        walk=rows_of(SQL.walk_versions),
        is_about=_is_in_version,
        show=_show_version,
        mend=_mend_version,
    ),
    # Behind the versions, which are found by their author.
    Place(
        name="posts",
        columns=_columns("archived_post", "author", "seen_by"),
        walk=rows_of(SQL.walk_posts),
        show=_show_post,
        mend=_mend_post,
    ),
    Place(
        name="comments",
        columns=_columns("archived_comment", "person"),
        walk=rows_of(SQL.walk_comments),
        show=_show_comment,
        mend=_mend_comment,
    ),
    Place(
        name="notices",
        columns=_columns("notice", "person", "editors", "reason", "detail"),
        walk=rows_of(SQL.walk_notices),
        is_about=_is_in_notice,
        show=_show_notice,
        mend=_mend_notice,
    ),
    Place(
        name="decisions",
        columns=_columns("decision", "ruling"),
        walk=rows_of(SQL.walk_decisions),
        is_about=_is_in_decision,
        show=_show_decision,
        mend=_mend_decision,
    ),
    Place(
        name="redactions",
        columns=_columns("redaction", "person"),
        walk=rows_of(SQL.walk_redactions),
        show=_show_redaction,
        mend=_mend_redaction,
    ),
    Place(
        name="back_fill",
        columns=_columns("told_portal", "reader", "page"),
        walk=rows_of(SQL.walk_filling),
        show=_show_filling,
        mend=_mend_filling,
    ),
    Place(
        name="searches_for_comments",
        columns=_columns("comment_round", "after"),
        walk=rows_of(SQL.walk_rounds),
        show=_show_round,
        mend=_mend_round,
    ),
)
