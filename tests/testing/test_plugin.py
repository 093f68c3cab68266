"""The plugin as pytest has it: installed by its entry point, documented, and strict about its marker."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from livefeed.testing.plugin import _extra

pytest_plugins = ["pytester"]

DOCS = Path(__file__).parents[2] / "docs" / "testing.md"
FIXTURES = ["portal", "async_portal", "make_portal", "portal_process", "livefeed_certificate"]


def test_a_project_of_somebody_else_gets_a_portal_without_a_conftest(pytester: pytest.Pytester):
    examples = re.findall(r"```python\n(.*?)```", DOCS.read_text(), flags=re.DOTALL)
    misspelled = "@pytest.mark.livefeed(speed=1)\ndef test_misspelled(portal): ..."
    pytester.makepyfile("\n\n".join((*examples, misspelled)))
    # A process of its own: what this run has set up in this one is not to help.
    done = pytester.runpytest_subprocess("-W", "error", "--strict-markers", "-p", "no:cacheprovider")

    done.assert_outcomes(passed=len(examples), errors=1)
    done.stdout.fnmatch_lines(["*the marker livefeed: *speed*"])


def test_the_fixtures_are_documented(pytester: pytest.Pytester):
    shown = pytester.runpytest_inprocess("--fixtures", "-v", "-p", "no:cacheprovider").stdout.str()

    ours = shown.partition("fixtures defined from livefeed.testing.plugin")[2].partition("fixtures defined")[
        0
    ]
    assert [name for name in FIXTURES if f"\n{name} " not in ours] == []
    assert "portal.faults(seed=7).drop(before=0.2)" in ours
    assert "no docstring available" not in ours


def test_what_a_process_cannot_be_is_said(pytester: pytest.Pytester):
    marked = "import pytest\n@pytest.mark.livefeed(tls=True)\ndef test_x(portal_process): ..."
    pytester.makepyfile(marked)
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*a portal in a process of its own has no tls*"])


def test_the_plugin_imports_nothing_of_a_portal_until_it_is_used():
    code = "import sys, livefeed.testing.plugin; print(*sorted(m for m in sys.modules if 'livefeed' in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "livefeed livefeed.testing livefeed.testing.plugin"


def test_a_package_that_is_missing_is_named():
    with (
        pytest.raises(pytest.UsageError, match=r"nowhere is not installed; install livefeed\[testing\]"),
        _extra(),
    ):
        importlib.import_module("nowhere")
