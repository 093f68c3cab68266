"""What a room exports is a list, kept on purpose."""

import importlib
import pkgutil

import pytest

import livefeed
import livefeed.app

PACKAGES = [
    "livefeed",
    *(module.name for module in pkgutil.walk_packages(livefeed.__path__, "livefeed.") if module.ispkg),
]


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_exports_what_its_list_says(name: str):
    package = importlib.import_module(name)

    listed = getattr(package, "__all__", [])
    assert len(listed) == len(set(listed))
    assert [] == [export for export in listed if not hasattr(package, export)]


def test_the_application_runtime_exports_what_the_readme_uses():
    assert {"App", "Context"} <= set(livefeed.app.__all__)
