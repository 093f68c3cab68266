"""Docstrings in Google's form as Markdown."""

import re
import textwrap
from collections.abc import Iterator
from typing import Final

_SECTIONS: Final = ("Args", "Attributes", "Returns", "Yields", "Raises", "Example", "Examples")
_ITEM: Final = re.compile(r"^(\*{0,2}\w+)(?: \([^)]*\))?: (.*)$")


def marked(text: str) -> str:
    """The docstring's own marks as Markdown."""
    return re.sub(r"``(.+?)``", r"`\1`", text)


def paragraphs(text: str) -> Iterator[str]:
    """Prose as it is, doctests and other indented blocks as code."""
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        if not block.strip():
            continue
        if all(line.startswith(("    ", ">>>", "...")) for line in block.splitlines()):
            code = [re.sub(r"^(>>>|\.\.\.) ?", "", line) for line in textwrap.dedent(block).splitlines()]
            yield "\n".join(["```python", *code, "```"])
        else:
            yield marked(" ".join(block.split()) if "- " not in block else block)


def items(text: str) -> list[str]:
    """``name: what it is`` as a list; lines that go on are joined."""
    found: list[str] = []
    for line in textwrap.dedent(text).splitlines():
        item = _ITEM.match(line)
        if item:
            found.append(f"- `{item[1]}`: {item[2]}")
        elif line.strip() and found:
            found[-1] += f" {line.strip()}"
        elif line.strip():
            found.append(line.strip())
    return [marked(one) for one in found]


def documented(doc: str) -> list[str]:
    """A docstring in Google's form as Markdown."""
    parts = re.split(rf"^({'|'.join(_SECTIONS)}):\s*$", doc, flags=re.MULTILINE)
    lines: list[str] = []
    for paragraph in paragraphs(parts[0]):
        lines += [paragraph, ""]
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        held, _, after = _ended(body)
        lines += [f"**{name}**", ""]
        if name in {"Example", "Examples"}:
            for paragraph in paragraphs(textwrap.dedent(held)):
                lines += [paragraph, ""]
        elif name in {"Returns", "Yields"}:
            lines += [marked(" ".join(held.split())), ""]
        else:
            lines += [*items(held), ""]
        for paragraph in paragraphs(after):
            lines += [paragraph, ""]
    return lines


def _ended(body: str) -> tuple[str, str, str]:
    """A section ends with the first line that is not indented."""
    lines = body.strip("\n").splitlines()
    end = next((at for at, line in enumerate(lines) if line and not line.startswith(" ")), len(lines))
    return "\n".join(lines[:end]), "", "\n".join(lines[end:])


def finished(lines: list[str]) -> str:
    """One blank line between two things, one newline at the end."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
