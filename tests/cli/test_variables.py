"""Variables of the environment where a command has a flag of the same meaning."""

import pytest

from livefeed.cli.app.serving import serve_notifier
from livefeed.settings import AppSettings


@pytest.mark.parametrize(
    "name", ["quiet_s", "max_wait_s", "sweep_every_s", "sweep_all_every_s", "hot_window_days"]
)
def test_the_notifier_heeds_a_variable_unless_a_flag_says_otherwise(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    assert name in AppSettings.__struct_fields__
    monkeypatch.setenv(f"LIVEFEED_{name.upper()}", "7")
    assert serve_notifier.make_context("serve", []).params[name] == 7

    (flag,) = next(one.opts for one in serve_notifier.params if one.name == name)
    assert serve_notifier.make_context("serve", [flag, "8"]).params[name] == 8
