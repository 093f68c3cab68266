"""One error tree, and one shape of error on the wire."""

import importlib
import inspect
import json
import pkgutil

import pytest

import livefeed
from livefeed import errors
from livefeed.errors import Fault, LivefeedError
from livefeed.wire.calls import fault_body
from livefeed.wire.faults import ALL_FAULTS


def every_class() -> dict[str, type]:
    found: dict[str, type] = {}
    for module in pkgutil.walk_packages(livefeed.__path__, "livefeed."):
        if module.name.endswith("__main__"):
            continue
        for name, thing in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if thing.__module__.startswith("livefeed."):
                found[f"{thing.__module__}.{name}"] = thing
    return found


CLASSES = every_class()


@pytest.mark.parametrize("name", sorted(name for name, cls in CLASSES.items() if issubclass(cls, Exception)))
def test_every_error_hangs_on_the_one_tree(name: str):
    assert issubclass(CLASSES[name], LivefeedError)


@pytest.mark.parametrize("name", sorted(name for name, cls in CLASSES.items() if issubclass(cls, Fault)))
def test_a_fault_lives_in_the_wire(name: str):
    assert name.startswith(("livefeed.wire.faults", "livefeed.errors"))


def test_the_tree_is_drawn_at_the_top_of_its_module():
    drawn = errors.__doc__ or ""

    assert [] == [name for name, cls in vars(errors).items() if inspect.isclass(cls) and name not in drawn]


@pytest.mark.parametrize("fault", ALL_FAULTS, ids=lambda fault: fault.__name__)
def test_every_fault_has_the_one_shape_of_the_wire(fault: type[Fault]):
    body = json.loads(fault_body(fault()))

    assert ["error", "error_description"] == list(body)[:2]
    assert all(isinstance(body[key], str) for key in ("error", "error_description"))
