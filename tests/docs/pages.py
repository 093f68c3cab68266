"""What stands in a page of `docs`: its blocks, and what they say about how they are run."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[2] / "docs"

# One block: a comment that says why it is not run, if there is one, the words after the fence, and the text.
_BLOCK: Final = re.compile(
    r"(?:^[ ]*<!-- not run: (?P<why>[^\n]+?) -->\n)?"
    r"^(?P<indent>[ ]*)```(?P<words>\w[^\n]*)?\n(?P<text>.*?)^[ ]*```$",
    flags=re.DOTALL | re.MULTILINE,
)
_NEEDS: Final = re.compile(r"^<!-- needs: (.+) -->$", flags=re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block.

    Attributes:
        kind: ``console``, ``python``, ``ini``, …
        words: What stands after it: the name of the file it is, or how it is run.
        text: Without the fence.
        why_not: Why it cannot be run; empty: it is.
    """

    kind: str
    words: str
    text: str
    why_not: str

    def commands(self) -> list[tuple[str, list[str]]]:
        """Each command with the lines that are shown below it; ``$`` begins one, ``>`` goes on with it."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif line.startswith("> ") or line == ">":
                found[-1] = (f"{found[-1][0]}\n{line[2:]}", found[-1][1])
            elif line:
                found[-1][1].append(line)
        return found


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, in their order."""
    return [
        Block(
            kind=(found["words"] or "").partition(" ")[0],
            words=(found["words"] or "").partition(" ")[2].strip(),
            text="".join(
                line.removeprefix(found["indent"]) for line in found["text"].splitlines(keepends=True)
            ),
            why_not=found["why"] or "",
        )
        for found in _BLOCK.finditer(page.read_text())
    ]


def needs_of(page: Path) -> set[str]:
    """What a page says in a comment that it needs: ``demo``, ``postgresql``, ``php``."""
    return {word for found in _NEEDS.findall(page.read_text()) for word in found.split(", ")}


def anchors_of(page: Path) -> set[str]:
    """What its headings can be linked by, as GitHub makes it of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
