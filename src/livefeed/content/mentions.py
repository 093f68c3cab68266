"""Who is mentioned in a text: ``[USER=5]Name[/USER]``."""

from livefeed.content.bbcode import Element, Tree

_LONGEST_ID = 18


def mentions(tree: Tree) -> frozenset[int]:
    """Ids of the people mentioned; what stands inside ``[CODE]`` mentions nobody."""
    found: set[int] = set()
    _collect(tree, found)
    return frozenset(found)


def _collect(tree: Tree, found: set[int]) -> None:
    for node in tree:
        if not isinstance(node, Element):
            continue
        if node.tag == "user" and (person := _user_id(node.argument)):
            found.add(person)
        _collect(node.children, found)


def _user_id(argument: str) -> int:
    digits = argument.strip("\"' ")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_ID else 0
