"""Flags win over variables, variables over defaults; what is not usable is one clear error."""

from pathlib import Path

import pytest

from livefeed.errors import SettingsError
from livefeed.settings import AppSettings, DatabaseUrl


def test_a_flag_wins_over_a_variable_and_a_variable_over_the_default():
    settings = AppSettings.from_environment(
        {"LIVEFEED_CLIENT_ID": "from variable", "LIVEFEED_DB": "sqlite:///x.db"},
        db="sqlite:///flag.db",
        client_id=None,
    )

    assert ("sqlite:///flag.db", "from variable", 0.0) == (settings.db, settings.client_id, settings.quiet_s)


def test_secrets_of_the_environment_do_not_show():
    settings = AppSettings.from_environment({"LIVEFEED_CLIENT_SECRET": "hunter2"})

    assert "hunter2" not in repr(settings)
    assert "hunter2" == settings.client_secret.reveal()


def test_a_number_that_is_none_is_named():
    with pytest.raises(SettingsError, match="LIVEFEED_QUIET_S"):
        AppSettings.from_environment({"LIVEFEED_QUIET_S": "soon"})


@pytest.mark.parametrize(
    ("url", "path"),
    [("sqlite:///feed.db", Path("feed.db")), ("sqlite:////var/feed.db", Path("/var/feed.db"))],
)
def test_a_database_url_names_its_file(url: str, path: Path):
    assert path == DatabaseUrl.parse(url).path
    assert url == str(DatabaseUrl.parse(url))


def test_a_url_of_a_server_keeps_its_password_to_itself():
    database = DatabaseUrl.parse("postgresql://feed:hidden@db1:5433,db2/house?connect_timeout=3")
    assert "postgresql://feed:***@db1:5433,db2/house?connect_timeout=3" == str(database)
    assert "hidden" not in repr(database)
    assert "postgresql://feed:hidden@db1:5433,db2/house?connect_timeout=3" == database.url
    assert (False, Path("livefeed-house")) == (database.is_file, database.path)
    parameter = DatabaseUrl.parse("postgresql://feed@db1/house?password=hidden&connect_timeout=3")
    assert "postgresql://feed@db1/house?password=***&connect_timeout=3" == str(parameter)


@pytest.mark.parametrize(
    "url", ["postgresql://", "postgresql://host", "postgres://host/", "postgresql://host/a%2Fb"]
)
def test_a_url_of_a_server_names_its_database(url: str):
    with pytest.raises(SettingsError, match="names its database"):
        DatabaseUrl.parse(url)


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///", "feed.db", "mysql://x/y"])
def test_another_url_is_refused_with_the_next_step(url: str):
    with pytest.raises(SettingsError, match="sqlite:///"):
        DatabaseUrl.parse(url)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, "https://oauth.bitrix.info"),
        ({"portal_url": "https://acme.bitrix24.com"}, "https://oauth.bitrix.info"),
        ({"portal_url": "https://acme.bitrix24.com.br/"}, "https://oauth.bitrix.info"),
        ({"portal_url": "http://127.0.0.1:8024/"}, "http://127.0.0.1:8024"),
        ({"portal_url": "https://bitrix24.office.example/"}, "https://bitrix24.office.example"),
        (
            {"portal_url": "https://office.example", "oauth_url": "https://oauth.bitrix.info/"},
            "https://oauth.bitrix.info",
        ),
        (
            {"portal_url": "https://acme.bitrix24.com", "oauth_url": "https://tokens.example"},
            "https://tokens.example",
        ),
    ],
)
def test_the_authorization_server_comes_from_the_settings(given: dict[str, str], asked: str):
    assert asked == AppSettings.from_environment({}, **given).authorization_url
