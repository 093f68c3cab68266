"""One error tree, and one shape of error on the wire."""

import importlib
import inspect
import pkgutil

import pytest

import livefeed
from livefeed import errors
from livefeed.errors import Fault, LivefeedError


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
