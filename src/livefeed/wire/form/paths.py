"""Keys with brackets → paths: ``data[FIELDS][POST_ID]`` → ``("data", "FIELDS", "POST_ID")``.

Two readings: the strict one refuses what ``http_build_query`` never writes, the other does what PHP does
with it. A path holds None where the next free index belongs (``a[]``).
"""

from typing import TypeAlias

from livefeed.errors import TooLarge, WireError

Path: TypeAlias = tuple[str | None, ...]


def strict_path(key: str) -> Path:
    """The path of ``key``.

    Raises:
        WireError: A bracket is missing, something stands behind the last one, or the name is empty.
    """
    name, bracket, rest = key.partition("[")
    if not name or "]" in name:
        raise WireError(shown(key), "a name before the brackets", "none")
    if not bracket:
        return (name,)
    if not rest.endswith("]"):
        raise WireError(shown(key), "a closing bracket at the end", "none")
    parts = rest[:-1].split("][")
    if any("[" in part or "]" in part for part in parts):
        raise WireError(shown(key), "balanced brackets", "unbalanced ones")
    return (name, *(part or None for part in parts))


def php_path(key: str) -> Path:
    """The path PHP gives ``key``, empty where PHP ignores the pair.

    In the name before the first bracket spaces and dots become underscores; so does a bracket that is
    never closed. What follows a closing bracket is ignored unless it opens the next one.

    Source: https://www.php.net/manual/en/language.variables.external.php
    """
    name, bracket, rest = key.lstrip(" ").partition("[")
    name = name.replace(" ", "_").replace(".", "_")
    if not name:
        return ()
    if not bracket:
        return (name,)
    if "]" not in rest:
        return (f"{name}_{rest}".replace(" ", "_").replace(".", "_").replace("[", "_"),)
    return (name, *_indexes(rest))


def _indexes(rest: str) -> list[str | None]:
    """The indexes in ``rest``, which begins just behind an opening bracket and holds a closing one."""
    indexes: list[str | None] = []
    start = 0
    while True:
        end = rest.find("]", start)
        if end < 0:
            return indexes
        index = rest[start:end]
        indexes.append(None if not index or (index.isspace() and len(index) == 1) else index)
        if rest[end + 1 : end + 2] != "[":
            return indexes
        start = end + 2


def check_path(path: Path, key: str, *, max_depth: int, max_digits: int) -> None:
    """Refuse a path that is too deep or holds an index of too many digits.

    Raises:
        TooLarge: It is one of the two.
    """
    if len(path) > max_depth:
        raise TooLarge(shown(key), f"at most {max_depth} levels", f"{len(path)}")
    for part in path:
        if part is not None and len(part) > max_digits and part.isdecimal():
            raise TooLarge(shown(key), f"at most {max_digits} digits in an index", f"{len(part)}")


def shown(key: str) -> str:
    """``key`` as an error may show it: short and printable."""
    short = key if len(key) <= 60 else f"{key[:57]}..."
    return short if short.isprintable() else ascii(short)
