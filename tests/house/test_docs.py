"""What the documents say is so."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import livefeed.app
import livefeed.client
from livefeed.settings import AppSettings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_coverage_page_is_up_to_date():
    done = subprocess.run(
        [sys.executable, "tools/coverage_page.py", "--check"], cwd=ROOT, capture_output=True
    )

    assert 0 == done.returncode, done.stderr.decode()


def test_the_reference_pages_are_up_to_date():
    done = subprocess.run(
        [sys.executable, "tools/reference_pages.py", "--check"], cwd=ROOT, capture_output=True
    )

    assert 0 == done.returncode, done.stderr.decode()


def test_the_reference_has_every_export_and_every_command():
    pages = {path.name: path.read_text() for path in (ROOT / "docs" / "reference").glob("*.md")}

    for name in livefeed.app.__all__:
        assert f"\n## {name}\n" in pages["app.md"]
    for name in livefeed.client.__all__:
        assert f"\n## {name}\n" in pages["client.md"]
    for command in ("portal app add", "app serve", "db copy", "inbox"):
        assert f"\n## livefeed {command}\n" in pages["commands.md"]
    for name in AppSettings.__struct_fields__:
        assert f"`LIVEFEED_{name.upper()}`" in pages["settings.md"]


def test_every_row_of_the_coverage_page_that_is_done_names_a_test_that_exists():
    rows = [line.split("|") for line in (ROOT / "COVERAGE.md").read_text().splitlines() if "| done |" in line]
    named = {row[4].strip().strip("`") for row in rows}
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    files = sorted({name.partition("::")[0] for name in named})
    collected = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True)

    assert 40 < len(rows)
    assert named <= set(collected.stdout.splitlines()), collected.stdout[-2000:]


@pytest.mark.parametrize("path", sorted({*re.findall(r"\]\(([\w./-]+?)\)", README)}))
def test_a_file_that_the_readme_links_exists(path: str):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", sorted({*re.findall(r"`(tests/[\w/]+\.py::\w+)`", README)}))
def test_a_test_that_the_readme_names_exists(name: str):
    path, _, function = name.partition("::")

    assert f"def {function}(" in (ROOT / path).read_text()


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=lambda path: path.name)
def test_a_decision_says_what_would_change_our_mind(path: Path):
    headings = re.findall(r"^## (.+)$", path.read_text(), flags=re.MULTILINE)

    assert ["Context", "Decision", "Rejected", "Consequences", "What would change our mind"] == headings
    assert "\nStatus: " in path.read_text()


def test_every_setting_is_described():
    described = re.findall(r"^    (\w+):", inspect.getdoc(AppSettings) or "", flags=re.MULTILINE)

    assert set(AppSettings.__struct_fields__) == set(described)


def test_no_file_names_the_address_of_a_package_registry():
    addresses = [f"registry.{'npmjs'}", f"files.{'pythonhosted'}", f"{'pypi'}.org"]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]

    found = [
        path.name
        for path in files
        if path.is_file() and any(one.encode() in path.read_bytes() for one in addresses)
    ]

    assert [] == found
