"""What can be wrong with a PostgreSQL server."""

from collections.abc import Iterator
from typing import Final

from livefeed.clock import Clock
from livefeed.durable.diagnosis.findings import Finding, ok, problem
from livefeed.durable.engines.postgresql.risks import risks_of, safety
from livefeed.durable.engines.unit import Tx

_MOST_OFFSET_MS: Final = 1_000
_CLOCK: Final = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"
_STANDBYS: Final = "SELECT application_name, sync_state FROM pg_stat_replication WHERE state = 'streaming'"
_SAFE: Final = ("fsync", "full_page_writes", "synchronous_commit")
_WAITS_FOR_NOBODY: Final = frozenset({"off", "local"})


def of_a_server(tx: Tx, clock: Clock) -> Iterator[Finding]:
    """Whether its commits are durable, its clock is ours, and its standby is there."""
    settings = safety(tx)
    found = {risk.setting: risk for risk in risks_of(settings)}
    for setting in _SAFE:
        said = f"{setting} is {settings[setting]}"
        if risk := found.get(setting):
            yield problem(setting, f"{said}: {risk.what}", f"set {setting} = on and reload")
        else:
            yield ok(setting, said)
    yield _clock(tx, clock)
    yield _standby(
        tx,
        settings["synchronous_standby_names"],
        waits=settings["synchronous_commit"] not in _WAITS_FOR_NOBODY,
    )


def _clock(tx: Tx, clock: Clock) -> Finding:
    """Compared with the middle of the time that the question took."""
    before_ms = clock.now_ms()
    (theirs_ms,) = tx.execute(_CLOCK).fetchone()
    offset_ms = theirs_ms - (before_ms + clock.now_ms()) // 2
    side = "ahead of" if offset_ms > 0 else "behind"
    said = f"the server's clock is {abs(offset_ms)} ms {side} this machine's"
    if abs(offset_ms) > _MOST_OFFSET_MS:
        return problem("clock", said, "let both machines keep time by NTP")
    return ok("clock", said)


def _standby(tx: Tx, asked: str, *, waits: bool) -> Finding:
    rows = [tuple(row) for row in tx.execute(_STANDBYS)]
    names = ", ".join(sorted(str(name) for name, _ in rows))
    if not asked:
        return ok("standby", "no synchronous standby is asked for: what the server loses is lost")
    if any(state in {"sync", "quorum"} for _, state in rows):
        return ok(
            "standby", f"{'commits wait' if waits else 'no commit waits'} for a standby; attached: {names}"
        )
    return problem(
        "standby",
        f"synchronous_standby_names is {asked}, but no such standby is attached"
        + (": no commit succeeds" if waits else ""),
        "start it with that application_name in primary_conninfo, or empty synchronous_standby_names",
    )
