"""Invalid limits are an error that names them."""

from dataclasses import fields

import pytest

from elman.errors import SettingError
from elman.server.settings import Settings

NUMBERS = [one.name for one in fields(Settings) if one.type in (int, float)]


def test_there_is_a_limit_for_everything_that_a_client_can_make_large():
    limits = {"names", "characters", "rows", "json_bytes", "upload_bytes", "requests", "uploads", "seconds"}
    times = {"upload_seconds", "idle_seconds", "stop_seconds"}
    assert {*NUMBERS} == limits | times | {"total_characters", "batch_names"}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [0, -1, "many", None, True, float("nan"), float("inf")])
def test_an_invalid_limit_is_named(name, value):
    with pytest.raises(SettingError, match=name):
        Settings(**{name: value})


@pytest.mark.parametrize("name", [one.name for one in fields(Settings) if one.type is int])
@pytest.mark.parametrize("value", [True, 1.5])
def test_counts_are_whole_numbers(name, value):
    with pytest.raises(SettingError, match=f"{name} must be a whole number"):
        Settings(**{name: value})


@pytest.mark.parametrize("key", ["", "tab\t", "ключ", "a\nb"])
def test_a_key_that_no_header_can_hold_is_an_error_that_does_not_quote_it(key):
    with pytest.raises(SettingError, match="API key") as caught:
        Settings(api_key=key)
    assert not key or key not in str(caught.value)


def test_the_repr_of_the_settings_hides_the_key():
    assert "secret" not in repr(Settings(api_key="secret"))


@pytest.mark.parametrize("host", ["localhost:80", "Example.org", "http://a", "::1", ""])
def test_an_allowed_host_is_a_name_without_a_port(host):
    with pytest.raises(SettingError, match="host"):
        Settings(allowed_hosts=(host,))


@pytest.mark.parametrize("origin", ["example.org", "https://example.org/", "ftp://a", "null", ""])
def test_an_origin_has_a_scheme_and_no_path(origin):
    with pytest.raises(SettingError, match="origin"):
        Settings(cors_origins=(origin,))


def test_any_host_and_any_origin_can_be_allowed():
    settings = Settings(allowed_hosts=("*", "a.b-c", "[::1]"), cors_origins=("*", "http://localhost:3000"))
    assert settings.allowed_hosts[0] == settings.cors_origins[0] == "*"
