"""A unit of work touches the database only: no await, no HTTP, no commit of its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "livefeed"
FORBIDDEN_CALLS = {"commit", "rollback", "send", "open", "urlopen", "sleep"}
FORBIDDEN_NAMES = {"HttpClient", "RestClient", "httpx", "aiohttp", "pyreqwest", "requests"}


def takes_tx(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(arg.arg == "tx" for arg in node.args.posonlyargs + node.args.args)


def units() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in sorted(SRC.rglob("*.py")):
        if "engines" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and takes_tx(node):
                yield f"{path.relative_to(SRC)}:{node.name}", node


UNITS = dict(units())


def test_there_are_units_to_look_at():
    assert len(UNITS) > 50


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_awaits_sends_and_commits_nothing(name: str):
    node = UNITS[name]

    assert not isinstance(node, ast.AsyncFunctionDef)
    assert not any(isinstance(inner, ast.Await | ast.AsyncFor | ast.AsyncWith) for inner in ast.walk(node))
    calls = {
        inner.func.attr
        for inner in ast.walk(node)
        if isinstance(inner, ast.Call)
        and isinstance(inner.func, ast.Attribute)
        and isinstance(inner.func.value, ast.Name)
        and inner.func.value.id in {"tx", "client", "http"}
    }
    assert not calls & FORBIDDEN_CALLS
    assert not {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)} & FORBIDDEN_NAMES
