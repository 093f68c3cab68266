"""Which methods only read, and may be called again whatever became of the first call."""

from typing import Final

_READING: Final = frozenset(
    {"count", "current", "fields", "get", "info", "list", "profile", "scope", "methods", "search", "time"}
)
_LIKE_READING: Final = frozenset({"log.blogpost.getusers.important"})
_NOT_READING: Final = frozenset({"event.offline.get"})  # takes what it reads out of the queue


def is_read(method: str) -> bool:
    """Whether a method changes nothing, as far as its name tells: ``user.get``, ``crm.deal.list``.

    ``event.offline.get`` does change something, unless it is told not to.
    """
    name = method.lower()
    if name in _NOT_READING:
        return False
    last = name.rpartition(".")[2]
    return last in _READING or name in _LIKE_READING or last.startswith("getlist")
