"""Migrations only add: processes of the version before go on working while, and after, a new one migrates."""

import re
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "livefeed"
FILES = {path.stem: path for path in sorted(SRC.glob("*/migrations/postgresql/*.sql"))}

BEFORE_THE_RULE = {"0154.webhooks"}
"""These were made before two versions could run side by side."""

FORBIDDEN = {
    "takes away what the version before reads": r"\bDROP\s+(?:TABLE|COLUMN|VIEW|SEQUENCE|INDEX|CONSTRAINT)\b",
    "gives another name to what the version before reads": r"\bRENAME\b",
    "changes a type": r"\bALTER\s+(?:COLUMN\s+)?\w+\s+(?:SET\s+DATA\s+)?TYPE\b",
    "refuses rows that the version before writes": (
        r"\bSET\s+NOT\s+NULL\b|\bALTER\s+TABLE\s+\w+\s+ADD\s+(?:CONSTRAINT|CHECK|UNIQUE|FOREIGN)\b"
    ),
    "empties or locks a table": r"\bTRUNCATE\b|\bLOCK\s+TABLE\b|\bVACUUM\b|\bCLUSTER\b|\bREINDEX\b",
}
COLUMN = re.compile(r"\bADD\s+COLUMN\s+(\w+)([^;]*)", re.IGNORECASE)


def wrongs(text: str) -> list[str]:
    """What a migration does that it may not."""
    statements = re.sub(r"--[^\n]*", "", text)
    found = [why for why, pattern in FORBIDDEN.items() if re.search(pattern, statements, re.IGNORECASE)]
    for name, rest in COLUMN.findall(statements):
        if "NOT NULL" in rest.upper() and "DEFAULT" not in rest.upper():
            found.append(f"{name} is missing in rows that the version before writes")
    return found


@pytest.mark.parametrize("name", sorted(FILES.keys() - BEFORE_THE_RULE))
def test_a_migration_only_adds(name: str) -> None:
    assert [] == wrongs(FILES[name].read_text())


@pytest.mark.parametrize(
    "text",
    [
        "DROP TABLE handler;",
        "ALTER TABLE handler DROP COLUMN url;",
        "ALTER TABLE one RENAME TO two;",
        "ALTER TABLE lane ALTER COLUMN key TYPE BYTEA;",
        "ALTER TABLE lane ALTER key SET DATA TYPE BYTEA;",
        "ALTER TABLE lane ALTER COLUMN head SET NOT NULL;",
        "ALTER TABLE lane ADD CONSTRAINT some CHECK (seq > 0);",
        "ALTER TABLE lane ADD COLUMN more BIGINT NOT NULL;",
        "TRUNCATE lane;",
    ],
)
def test_what_takes_away_or_narrows_is_found(text: str) -> None:
    assert wrongs(text)


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE lane ADD COLUMN more BIGINT NOT NULL DEFAULT 0;",
        "ALTER TABLE lane ADD COLUMN more BIGINT;",
        "CREATE TABLE thing (id BIGINT NOT NULL); -- no DROP TABLE here",
        "CREATE INDEX thing_by_id ON thing (id);",
    ],
)
def test_what_adds_is_allowed(text: str) -> None:
    assert [] == wrongs(text)
