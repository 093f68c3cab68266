"""What tests need beside Python's own packages: where it is absent they are skipped with the reason.

``LIVEFEED_REQUIRE_ALL=1`` turns each such skip into a failure, so that a machine that promises everything
cannot pass by leaving tests out.
"""

import os
import shutil
from importlib.util import find_spec
from typing import NoReturn

import pytest

REQUIRE_ALL = "LIVEFEED_REQUIRE_ALL"


def absent(reason: str) -> NoReturn:
    """Skip the test for this reason, or fail where everything is required."""
    if os.environ.get(REQUIRE_ALL) == "1":
        pytest.fail(f"{reason} ({REQUIRE_ALL}=1)", pytrace=False)
    pytest.skip(reason)


def require_or_skip(tool: str) -> str:
    """The full path of a command."""
    # Servers lie where only administrators look, with or without that in the PATH.
    found = shutil.which(
        tool, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    )
    if found is None:
        absent(f"{tool} is not on this machine")
    return found


def require_package(name: str) -> None:
    """Go on only if a Python package can be imported."""
    if find_spec(name) is None:
        absent(f"the Python package {name} is not installed")
