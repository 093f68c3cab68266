from pathlib import Path

import pytest
import structlog

from livefeed.telemetry import configure_logs


def test_a_traceback_in_the_log_shows_no_values_of_variables():
    configure_logs()
    processors = structlog.get_config()["processors"]
    structlog.reset_defaults()
    code = "8g9l071" + "eismy9q2l"

    def look_up(code: str) -> None:
        raise ValueError("not found") from None

    try:
        look_up(code)
    except ValueError as exc:
        line = {"event": "call failed", "exc_info": exc}
        for processor in processors:
            line = processor(None, "error", line)
    assert "look_up" in line
    assert code not in line


def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch):
    full = Path("/dev/full").open("w")  # noqa: SIM115 - closed below, which fails too
    monkeypatch.setattr("sys.stderr", full)
    configure_logs()
    structlog.get_logger().warning("no room for this")
    structlog.reset_defaults()
    with pytest.raises(OSError, match="No space left"):
        full.close()
