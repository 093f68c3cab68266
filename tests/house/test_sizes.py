"""Files and functions stay small, and rooms hold few files."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "livefeed"
MODULES = sorted(SRC.rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(SRC))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_has_at_most_300_lines(path: Path):
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_function_has_at_most_60_lines(path: Path):
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]

    assert [] == [node.name for node in functions if (node.end_lineno or 0) - node.lineno + 1 > 60]


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES}), ids=name_of)
def test_a_room_has_at_most_12_files(folder: Path):
    assert len(list(folder.glob("*.py"))) <= 13, "twelve and the __init__"


@pytest.mark.parametrize("path", [path for path in MODULES if path.name == "__init__.py"], ids=name_of)
def test_an_init_is_a_docstring_or_a_list_of_exports(path: Path):
    allowed = (ast.Expr, ast.ImportFrom, ast.Assign)
    body = ast.parse(path.read_text()).body

    assert all(isinstance(node, allowed) for node in body)
    assert ast.get_docstring(ast.parse(path.read_text()))


FORBIDDEN = {"utils", "helpers", "common", "base", "manager", "misc", "core", "models", "services"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_is_named_after_nothing(path: Path):
    assert path.stem not in FORBIDDEN
    assert path.parent.name not in FORBIDDEN
