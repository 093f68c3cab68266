"""`docs/flow.md` names what exists."""

import importlib
import re
from pathlib import Path

import pytest

FLOW = Path(__file__).parents[2] / "docs" / "flow.md"
NAMES = re.findall(r"`(livefeed(?:\.\w+)+)`", FLOW.read_text())


def test_the_flow_has_its_seventeen_steps():
    assert len(re.findall(r"^\| *\d+ *\|", FLOW.read_text(), flags=re.MULTILINE)) == 17


@pytest.mark.parametrize("name", sorted(set(NAMES)))
def test_a_name_of_the_flow_exists(name: str):
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[cut:]:
            thing = getattr(thing, attribute)
        return
    pytest.fail(f"{name} does not exist")
