"""Every word of the pages is in a Russian catalogue, and no catalogue has words that no page says."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

SRC = Path(__file__).parents[2] / "src" / "livefeed"
TEMPLATES = SRC / "ui" / "templates"
CATALOGUES = sorted((SRC / "ui" / "locales" / "ru").glob("*.po"))
PLACE = re.compile(r"%\((\w+)\)[sd]")

Id = str | tuple[str, str]


def of_templates() -> Iterator[Id]:
    options = {"trim_blocks": "true", "lstrip_blocks": "true"}
    for path in sorted(TEMPLATES.glob("*.html")):
        with path.open("rb") as file:
            for _, name, words, _ in babel_extract(file, ("_", "gettext", "ngettext"), (), options):
                yield (str(words[0]), str(words[1])) if name == "ngettext" else _single(words)


def _single(words: object) -> str:
    return str(words[0] if isinstance(words, tuple) else words)


def of_modules() -> Iterator[Id]:
    """What stands in ``noted("…")``."""
    for path in sorted(SRC.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "noted":
                (first, *_) = node.args
                assert isinstance(first, ast.Constant), (
                    f"{path}:{node.lineno}: only a literal can be translated"
                )
                yield str(first.value)


@cache
def said() -> frozenset[Id]:
    return frozenset([*of_templates(), *of_modules()])


@cache
def read(path: Path) -> Catalog:
    return read_po(path.read_bytes().splitlines(keepends=True), locale="ru")


def messages(path: Path) -> list[Message]:
    return [message for message in read(path) if message.id]


def id_of(message: Message) -> Id:
    return (message.id[0], message.id[1]) if isinstance(message.id, (tuple, list)) else message.id


def test_every_word_of_the_pages_is_in_a_catalogue():
    known = {id_of(message) for path in CATALOGUES for message in messages(path)}

    assert [] == sorted(map(str, said() - known))


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_no_catalogue_has_words_that_no_page_says(path: Path):
    assert [] == [message.id for message in messages(path) if id_of(message) not in said()]
    assert [] == list(read(path).obsolete)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_translation_is_whole_and_keeps_the_places_for_values(path: Path):
    for message in messages(path):
        ids = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
        texts = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        assert not message.fuzzy, message.id
        assert len(texts) == (3 if len(ids) > 1 else 1), message.id
        for text in texts:
            assert text.strip(), message.id
            assert set(PLACE.findall(text)) == {place for one in ids for place in PLACE.findall(one)}, (
                message.id
            )


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_says_each_word_once(path: Path):
    lines = re.findall(r"^msgid (?!\"\"\n(?!\"))((?:\".*\"\n)+)", path.read_text(), re.MULTILINE)

    assert [] == [line for line, count in Counter(lines).items() if count > 1]


def test_the_same_word_is_said_the_same_way_in_every_catalogue():
    translations: defaultdict[Id, set[str]] = defaultdict(set)
    for path in CATALOGUES:
        for message in messages(path):
            translations[id_of(message)].add(str(message.string))

    assert {} == {word: found for word, found in translations.items() if len(found) > 1}
