"""Removing a whole database, as benchmarks do with those they made."""

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from livefeed.durable.engines.postgresql.faults import translated


def drop_database(dsn: str) -> None:
    """Remove the database that ``dsn`` names, whoever is still connected; nothing happens if there is none.

    Raises:
        StoreUnavailable: The server does not answer, or does not allow it.
    """
    name = str(conninfo_to_dict(dsn).get("dbname") or "")
    try:
        with psycopg.connect(make_conninfo(dsn, dbname="postgres"), autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    except psycopg.Error as exc:
        raise translated(exc) from exc
