"""Findings: what a look at a database comes to, in words for people."""

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at.

    Attributes:
        item: What it was, in one word: ``schema``.
        is_ok: Whether it is as it should be.
        said: What was found.
        then: What to do; empty if nothing.
    """

    item: str
    is_ok: bool
    said: str
    then: str = ""


def ok(item: str, said: str) -> Finding:
    """As it should be."""
    return Finding(item, True, said)


def problem(item: str, said: str, then: str) -> Finding:
    """Not as it should be."""
    return Finding(item, False, said, then)
