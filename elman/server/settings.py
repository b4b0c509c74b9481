"""Settings: who may use the service, and its limits."""

import re
from dataclasses import dataclass, field, fields

from elman.checks import check_number, check_whole
from elman.errors import SettingError

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""The names of this machine."""

ANY = "*"
"""Any host, or any origin."""

_HOST = re.compile(r"[a-z0-9_.-]+|\[[0-9a-f:.]+\]")
_ORIGIN = re.compile(r"https?://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d+)?")


@dataclass(frozen=True)
class Settings:
    """The limits of a service, checked on creation.

    Args:
        names: the most names in a request.
        characters: the most characters in a name.
        total_characters: the most characters in all names of a request.
        rows: the most rows in a table.
        json_bytes: the most bytes in the body of a JSON request.
        upload_bytes: the most bytes in the body of a request with a table.
        requests: how many requests run at a time, tables excluded; others get an error.
        uploads: how many requests with a table run at a time; others get an error.
        seconds: how long a request may take.
        upload_seconds: how long a request with a table may take, both transfers included.
        idle_seconds: how long the body of a request may pause.
        stop_seconds: how long requests may still take when the service stops.
        batch_names: the most names that are scored together; larger requests are scored in slices.
        api_key: the key that requests must send; no key is needed if None.
        allowed_hosts: host names under which the service may be called, without ports; ``*`` allows any.
        cors_origins: other sites whose pages may send requests, such as ``https://example.org``; ``*`` allows any.

    Raises:
        SettingError: a value is invalid.

    >>> Settings(names=10).characters
    1000
    """

    names: int = 1000
    characters: int = 1000
    total_characters: int = 100_000
    rows: int = 1_000_000
    json_bytes: int = 2**20
    upload_bytes: int = 64 * 2**20
    requests: int = 128
    uploads: int = 2
    seconds: float = 30.0
    upload_seconds: float = 300.0
    idle_seconds: float = 10.0
    stop_seconds: float = 30.0
    batch_names: int = 512
    api_key: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = LOOPBACK
    cors_origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check each value."""
        for one in fields(self):
            if one.type is int:
                check_whole(one.name, getattr(self, one.name), 1)
            elif one.type is float:
                check_number(one.name, getattr(self, one.name), above=0)
        if self.api_key is not None and not (self.api_key and self.api_key.isascii() and self.api_key.isprintable()):
            raise SettingError("the API key must be one or more printable ASCII characters; unset it to have no key")
        for host in self.allowed_hosts:
            if host != ANY and not _HOST.fullmatch(host):
                raise SettingError(f"an allowed host must be in lower case and without a port; got {host!r}")
        for origin in self.cors_origins:
            if origin != ANY and not _ORIGIN.fullmatch(origin):
                raise SettingError(f"an origin must be like https://example.org, without a path; got {origin!r}")
