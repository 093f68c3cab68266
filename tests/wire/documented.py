"""The documented bodies under ``tests/fixtures/wire``."""

import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parents[1] / "fixtures" / "wire"

EVENTS = sorted(path.stem for path in (FIXTURES / "events").glob("*.json"))


def event(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / "events" / f"{name}.json").read_text())["value"]


def answer(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / "answers" / f"{name}.json").read_text())["value"]


def body(name: str) -> bytes:
    return (FIXTURES / "bodies" / f"{name}.form").read_bytes()


def errors() -> list[dict[str, Any]]:
    return json.loads((FIXTURES / "errors.json").read_text())
