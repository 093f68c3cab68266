"""What a module exports, as Markdown: signatures as they stand in the code, and docstrings."""

import ast
import inspect
import re
import textwrap
import types
from collections.abc import Iterator

from tools.referring.docstrings import documented


def signature(given: types.FunctionType) -> str:
    """As it stands in the code, without its body."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(given))).body[0]
    assert isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef)
    tree.decorator_list, tree.body = [], [ast.Pass()]
    for argument in (*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs):
        if isinstance(argument.annotation, ast.Constant):  # a name in quotes, for it comes later
            argument.annotation = ast.parse(str(argument.annotation.value)).body[0].value
    if isinstance(tree.returns, ast.Constant) and isinstance(tree.returns.value, str):
        tree.returns = ast.parse(tree.returns.value).body[0].value
    text = ast.unparse(tree).removesuffix("\n    pass").removesuffix(":")
    return text if len(text) < 100 else _in_lines(text)


def _in_lines(text: str) -> str:
    """One argument a line."""
    head, depth, lines = text.index("(") + 1, 0, [""]
    end = head
    for end in range(head, len(text)):
        letter = text[end]
        depth += letter in "([{"
        if letter in ")]}":
            if depth == 0:
                break
            depth -= 1
        if letter == "," and depth == 0:
            lines.append("")
        else:
            lines[-1] += letter
    return "\n".join([text[:head], *(f"    {line.strip()}," for line in lines if line.strip()), text[end:]])


def of_callable(name: str, given: types.FunctionType, level: str) -> list[str]:
    """A function or a method."""
    code = ["```python", signature(given), "```", ""]
    return [f"{level} {name}", "", *code, *documented(inspect.getdoc(given) or "")]


def members(given: type) -> Iterator[tuple[str, types.FunctionType | property]]:
    """What a class and those of ours above it have and say something about, in the order of the code."""
    seen: set[str] = set()
    for one in given.__mro__:
        if not one.__module__.startswith("livefeed."):
            continue
        for name, value in vars(one).items():
            raw = value.__func__ if isinstance(value, staticmethod | classmethod) else value
            is_member = isinstance(raw, types.FunctionType | property)
            if name.startswith("_") or name in seen or not is_member:
                continue
            seen.add(name)
            if inspect.getdoc(raw.fget if isinstance(raw, property) else raw):
                yield name, raw


def of_class(name: str, given: type, level: str) -> list[str]:
    """A class with its public members."""
    lines = [f"{level} {name}", ""]
    init = vars(given).get("__init__")
    if isinstance(init, types.FunctionType) and "livefeed" in init.__module__ and _is_written(init):
        lines += ["```python", signature(init).replace("def __init__(self, ", f"{name}(", 1), "```", ""]
        lines[-3] = lines[-3].replace("def __init__(self)", f"{name}()").removesuffix(" -> None")
    elif fields := getattr(given, "__struct_fields__", None) or getattr(given, "__dataclass_fields__", None):
        lines += [f"Fields: {', '.join(f'`{field}`' for field in fields if not field.startswith('_'))}.", ""]
    own = given.__doc__ or ""
    lines += documented(inspect.cleandoc(own)) if not own.startswith(f"{name}(") else []
    if isinstance(init, types.FunctionType) and init.__doc__ and _is_written(init):
        lines += documented(inspect.getdoc(init) or "")
    for member, value in members(given):
        if isinstance(value, property):
            getter = value.fget
            assert getter is not None
            lines += [f"{level}# {name}.{member}", "", *documented(inspect.getdoc(getter) or "")]
        else:
            lines += of_callable(f"{name}.{member}", value, f"{level}#")
    return lines


def _is_written(init: types.FunctionType) -> bool:
    """Not made by ``dataclass``."""
    return init.__code__.co_filename.endswith(".py")


def of_module(module: types.ModuleType, names: list[str]) -> list[str]:
    """Each export, in the order of its list."""
    lines: list[str] = []
    for name in names or module.__all__:
        given = getattr(module, name)
        if isinstance(given, type) and given.__module__.startswith("livefeed."):
            lines += of_class(name, given, "##")
        elif isinstance(given, types.FunctionType):
            lines += of_callable(name, given, "##")
        elif isinstance(fixture := getattr(given, "__wrapped__", None), types.FunctionType):
            lines += [f"## {name}", "", *documented(inspect.getdoc(fixture) or "")]
        else:
            lines += [f"## {name}", "", *of_value(name, given), ""]
    return lines


def of_value(name: str, given: object) -> list[str]:
    """A constant, or a name for a type."""
    if isinstance(given, str | int | float):
        return [f"`{name} = {given!r}`", ""]
    if isinstance(given, tuple | list | frozenset | dict):
        return ["Wire names: " + ", ".join(f"`{one}`" for one in sorted(map(str, given))) + ".", ""]
    if isinstance(given, types.UnionType):
        return ["One of " + ", ".join(f"`{one.__name__}`" for one in given.__args__) + ".", ""]
    text = re.sub(r"\b(?:[a-z_]+\.)+(?=\w)", "", str(given))
    return [f"`{text}`", ""]
