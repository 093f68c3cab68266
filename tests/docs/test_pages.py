"""What the pages of `docs` tell people to do is done here, as it stands there, in a shell in an empty folder.

A page says in comments what it needs and why a block is not run. In a `console` block `$` begins a command,
and what stands below it is what it shows; any other block is a file, whose name stands after its language.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import engines
from tests.docs.pages import DOCS, Block, anchors_of, blocks_of, needs_of
from tests.docs.shell import Shell, has_lines
from tests.ports import free_port
from tests.required import require_or_skip

pytestmark = pytest.mark.system

PAGES = sorted(path for path in DOCS.rglob("*.md") if "adr" not in path.parts)

# Pages whose blocks another test runs or reads.
ELSEWHERE = {
    "operations.md": "tests/system/test_operations.py",
    "testing.md": "tests/testing/test_plugin.py",
    **{
        f"reference/{page.name}": "tests/house/test_docs.py"
        for page in sorted((DOCS / "reference").glob("*.md"))
    },
}

# How many blocks of a page cannot be run; each says why, in a comment before it.
NOT_RUN = {"how-to/real-portal.md": 2, "how-to/tunnel.md": 1, "operations.md": 2, "tutorial.md": 1}

DEMO_PORTS = ("8024", "8025")


def name_of(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


RUN_HERE = [page for page in PAGES if name_of(page) not in ELSEWHERE and blocks_of(page)]


class Demo:
    """The demo of the tutorial, which all pages that need one share."""

    def __init__(self, folder: Path) -> None:
        [block] = [one for one in blocks_of(DOCS / "tutorial.md") if one.words == "demo"]
        [(command, shown)] = block.commands()
        self.ports = {port: str(free_port()) for port in DEMO_PORTS}
        self.shell = Shell(folder)
        portal, app = self.ports.values()
        self.shell.run(f"{command} --no-browser --port {portal} --app-port {app} > demo.log 2>&1 &", [])
        self.shell.run("cat demo.log", [placed(line, self.ports) for line in shown])

    def lend(self, folder: Path) -> None:
        """The folder in which the page's commands are run is that of the demo, but for other files."""
        (folder / ".livefeed").symlink_to(self.shell.folder / ".livefeed")


def placed(text: str, ports: dict[str, str]) -> str:
    """The text with ports that are free here in place of those of the page."""
    return re.sub(r"\b80[23]\d\b", lambda found: ports.setdefault(found[0], str(free_port())), text)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    made = Demo(tmp_path_factory.mktemp("demo"))
    yield made
    made.shell.close()


def prepared(page: Path, folder: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """Everything that the page needs; the ports it has there."""
    needs = needs_of(page)
    assert needs <= {"demo", "php", "postgresql"}
    for tool in ("bash", "curl", *(needs & {"php"})):
        require_or_skip(tool)
    if "demo" not in needs:
        return {}
    demo: Demo = request.getfixturevalue("demo")
    demo.lend(folder)
    return dict(demo.ports)


def on_servers(text: str, folder: Path) -> str:
    """The text with databases of this machine's server in place of those of the page."""
    return re.sub(
        r"postgresql://[\w@.,:]+/(\w+)",
        lambda found: engines.database(folder, found[1], engine="postgresql"),
        text,
    )


def follow(block: Block, shell: Shell) -> None:
    if block.kind != "console":
        path = shell.folder / block.words
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
        return
    for command, shown in block.commands():
        shell.run(command, shown, code=1 if block.words == "fails" else 0)


@pytest.mark.parametrize("page", RUN_HERE, ids=name_of)
def test_what_a_page_says_works(page: Path, tmp_path: Path, request: pytest.FixtureRequest):
    shell = Shell(tmp_path / "here")
    try:
        ports = prepared(page, shell.folder, request)
        for block in blocks_of(page):
            if block.why_not or block.words == "demo":
                continue
            text = on_servers(placed(block.text, ports), tmp_path)
            follow(Block(kind=block.kind, words=block.words, text=text, why_not=""), shell)
    except AssertionError as exc:
        exc.add_note(shell.logs())
        raise
    finally:
        shell.close()


def test_only_the_blocks_that_cannot_be_run_are_left_out():
    left_out = {name_of(page): sum(bool(one.why_not) for one in blocks_of(page)) for page in PAGES}

    assert {name: count for name, count in left_out.items() if count} == NOT_RUN


@pytest.mark.parametrize("page", RUN_HERE, ids=name_of)
def test_a_block_is_a_command_or_a_file(page: Path):
    for block in blocks_of(page):
        if block.why_not:
            continue
        if block.kind == "console":
            assert block.words in {"", "demo", "fails"}
            assert block.text.startswith("$ ")
        else:
            assert re.fullmatch(r"[\w./-]+\.\w+", block.words), f"no file: ```{block.kind} {block.words}"


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_page_that_is_run_elsewhere_is_named_there(name: str):
    assert Path(name).parts[0].removesuffix(".md") in (DOCS.parent / ELSEWHERE[name]).read_text()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_link_leads_somewhere(page: Path):
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        if ":" in path:
            continue
        target = (page.parent / path).resolve() if path else page
        is_there = target.exists() and (not anchor or anchor in anchors_of(target))
        lost += [] if is_there else [link]

    assert lost == []


def test_every_page_can_be_reached_from_the_index():
    linked, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in linked:
            continue
        linked.add(page)
        links = re.findall(r"\]\(([^)\s#:]+\.md)", page.read_text())
        waiting += [(page.parent / link).resolve() for link in links if "adr" not in link]

    assert set(PAGES) <= linked


def test_a_line_that_is_shown_has_to_be_there():
    output = "a  b\nc 5 d\n"

    assert has_lines(output, ["a b", "c … d"])
    assert not has_lines(output, ["c … d", "a b"])
    assert not has_lines(output, ["a b", "c … e"])


def test_a_page_that_is_wrong_is_found(tmp_path: Path):
    shell = Shell(tmp_path)
    try:
        with pytest.raises(AssertionError, match="ended with 3"):
            shell.run("(exit 3)", [])
        with pytest.raises(AssertionError, match="did not show"):
            shell.run("echo yes", ["no"])
    finally:
        shell.close()
