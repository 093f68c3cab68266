"""What a module keeps for as long as a process runs is known, and is nothing that another process needs.

A request may come to any process (docs/adr/0073). What is kept is named here with the reason why it may be;
whoever adds to it has to say why the next process can do without.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

SRC = Path(__file__).parents[2] / "src" / "livefeed"
FILLED = {"dict", "list", "set", "deque", "OrderedDict", "defaultdict", "Counter", "WeakValueDictionary"}
KEEPING = {"cache", "lru_cache"}

KNOWN = {
    "failpoints.py:_left": "tests only",
    "net/http.py:_NOTHING": "always empty",
    "portal/frames/targets.py:_NO_OPTIONS": "always empty",
    "portal/people/passwords.py:_queue": "how many comparisons this process makes at once",
    "portal/seed/company.py:_NOBODY": "always empty",
    "secrets/sealing.py:_nonces": "random bytes, drawn ahead; a forked process draws its own",
    "telemetry.py:_page_of": "which worker this process is, set once after the fork",
    "wire/form/decode.py:_known_paths": "what the same key was split into before",
    "wire/form/decode.py:_known_php_paths": "what the same key was split into before",
    "wire/form/encode.py:_known_keys": "what the same key was encoded as before",
    "wire/headings.py:_NOTHING": "always empty",
}
OF_THE_DATABASE = {"tx", "store", "conn", "reader", "clock"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Everything but the command line, whose benches and demo are one process each."""
    for path in sorted(SRC.rglob("*.py")):
        if "cli" not in path.relative_to(SRC).parts:
            yield str(path.relative_to(SRC)), ast.parse(path.read_text())


def kept() -> Iterator[str]:
    """Containers that are empty when their module is read, and names that functions set anew."""
    for name, tree in modules():
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and is_to_be_filled(node.value):
                target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                yield f"{name}:{ast.unparse(target)}"
        for node in ast.walk(tree):
            if isinstance(node, ast.Global):
                yield from (f"{name}:{one}" for one in node.names)


def caches() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Functions whose results are kept."""
    for name, tree in modules():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if KEEPING & {called(one) for one in node.decorator_list}:
                yield f"{name}:{node.name}", node


def is_to_be_filled(value: ast.expr | None) -> bool:
    match value:
        case ast.Dict(keys=[]) | ast.List(elts=[]):
            return True
        case ast.Call(args=[], keywords=[]):
            return called(value) in FILLED
        case _:
            return False


def called(node: ast.expr) -> str:
    """The last name of what is called or subscripted: ``deque[bytes]()`` → ``deque``."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_what_a_module_keeps_is_named_with_its_reason():
    assert set(kept()) == set(KNOWN)


def test_no_result_of_the_database_or_of_the_clock_is_cached():
    found = dict(caches())

    assert len(found) > 10
    for name, node in found.items():
        parameters = {one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
        assert not parameters & OF_THE_DATABASE, name
