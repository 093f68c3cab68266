"""Placing values in nested dicts as PHP places them in nested arrays."""

from livefeed.wire.form.paths import Path
from livefeed.wire.form.values import Form
from livefeed.wire.ids import decimal


class FreeIndexes(dict[int, tuple[Form, int]]):
    """The next free numeric index of each dict that was appended to (``a[]``), by the dict's ``id()``.

    PHP takes one more than the greatest numeric index so far. Dicts never appended to cost nothing.
    The dict is kept beside its number, so that its ``id()`` cannot pass to another one.
    """

    __slots__ = ()

    def take(self, node: Form) -> str:
        """The next free index of ``node``, which is taken with it."""
        known = self.get(id(node))
        index = known[1] if known else max(map(_number, node), default=-1) + 1
        self[id(node)] = (node, index + 1)
        return str(index)

    def note(self, node: Form, key: str) -> None:
        """Learn that ``key`` was set in ``node`` by its name."""
        known = self.get(id(node))
        if known and _number(key) >= known[1]:
            self[id(node)] = (node, _number(key) + 1)


def _number(key: str) -> int:
    number = decimal(key)
    return -1 if number is None else number


def place_as_php(root: Form, path: Path, value: str, free: FreeIndexes) -> None:
    """Set ``value`` at ``path``; the last one wins, and an array replaces a text that is in its way.

    An empty path sets nothing.
    """
    if not path:
        return
    node = root
    for part in path[:-1]:
        key = free.take(node) if part is None else part
        child = node.get(key)
        if not isinstance(child, dict):
            child = {}
            node[key] = child
            if free:
                free.note(node, key)
        node = child
    last = path[-1]
    if last is None:
        node[free.take(node)] = value
    else:
        node[last] = value
        if free:
            free.note(node, last)
