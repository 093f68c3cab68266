from pathlib import Path

import pytest
import structlog

from livefeed.telemetry import concealed, configure_logs, logger

TOKEN = "523kzuahm5scvcpn2chhxx5zye32oe5e"


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


def test_where_nobody_configures_logs_they_show_no_secrets_either(capfd: pytest.CaptureFixture[str]):
    def look_up(code: str) -> None:
        raise ValueError(f"not found: auth={TOKEN}")

    try:
        look_up("8g9l071" + "eismy9q2l")
    except ValueError:
        logger("app").exception("call failed")
    said = capfd.readouterr().out

    assert "call failed" in said
    assert "look_up" in said
    assert not [secret for secret in (TOKEN, "8g9l071" + "eismy9q2l") if secret in said]


def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch):
    full = Path("/dev/full").open("w")  # noqa: SIM115 - closed below, which fails too
    monkeypatch.setattr("sys.stderr", full)
    configure_logs()
    structlog.get_logger().warning("no room for this")
    structlog.reset_defaults()
    with pytest.raises(OSError, match="No space left"):
        full.close()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"401 for url: https://a.b/rest/profile?auth={TOKEN}&x=1", "401 for url: https://a.b/rest/profile?auth=***&x=1"),
        (f"{{'access_token': '{TOKEN}', 'n': 1}}", "{'access_token': '***', 'n': 1}"),
        (f'{{"refresh_token":"{TOKEN}"}}', '{"refresh_token":"***"}'),
        (f"auth[application_token]={TOKEN}", "auth[application_token]=***"),
        (f"auth%5Baccess_token%5D={TOKEN}&a=b", "auth%5Baccess_token%5D=***&a=b"),
        (f"https://a.b/rest/1/{TOKEN}/profile failed", "https://a.b/rest/1/***/profile failed"),
        (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer ***"),
        ("postgresql://me:pass@h/db", "postgresql://***@h/db"),
        (f"nothing names {TOKEN}", "nothing names ***"),
        ("the author=somebody has auth == something", "the author=somebody has auth == something"),
        ("access_token='***'", "access_token='***'"),
    ],
)  # what belongs together in a line # fmt: skip
def test_what_others_say_is_shown_without_the_secrets_it_names(said: str, shown: str):
    assert shown == concealed(said, ["", None, TOKEN if "nothing" in said else None])


def test_a_log_conceals_what_an_error_of_somebody_elses_code_says(capfd: pytest.CaptureFixture[str]):
    configure_logs(is_for_good=False)
    try:
        raise OSError(f"GET /rest/1/{TOKEN}/profile?auth={TOKEN}")
    except OSError as exc:
        structlog.get_logger().error("effects failed", exc_info=exc, tried=[f"auth={TOKEN}"], n=1)
    finally:
        structlog.reset_defaults()
    line = capfd.readouterr().err

    assert "GET /rest/1/***/profile" in line
    assert TOKEN not in line
