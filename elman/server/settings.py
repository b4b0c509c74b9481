"""Settings: who may ask the service, and how much at once."""

import math
import re
from dataclasses import dataclass, field, fields

from elman.errors import SettingError

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""How a machine calls itself."""

ANY = "*"
"""Stands for every host, or every origin."""

_HOST = re.compile(r"[a-z0-9_.-]+|\[[0-9a-f:.]+\]")
_ORIGIN = re.compile(r"https?://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d+)?")


@dataclass(frozen=True)
class Settings:
    """The limits of a service, checked when they are made.

    Args:
        names: in one request, at most.
        characters: in one name, at most.
        rows: in a table, at most.
        json_bytes: in the body of a request in JSON, at most.
        upload_bytes: in the body of a request with a table, at most.
        requests: that are worked on at a time, apart from tables; more are refused.
        uploads: tables that are worked on at a time; more are refused.
        seconds: that a request may take.
        upload_seconds: that a table may take, both transfers included.
        batch_names: that are scored together, at most; a single request may hold more.
        api_key: what callers must know to ask; None: anyone may.
        allowed_hosts: host names by which the service may be called, without ports; ``*`` stands for any.
        cors_origins: other sites whose pages may ask, as ``https://example.org``; ``*`` stands for any.

    Raises:
        SettingError: one of them cannot work.

    >>> Settings(names=10).characters
    1000
    """

    names: int = 1000
    characters: int = 1000
    rows: int = 1_000_000
    json_bytes: int = 2**20
    upload_bytes: int = 64 * 2**20
    requests: int = 128
    uploads: int = 2
    seconds: float = 30.0
    upload_seconds: float = 300.0
    batch_names: int = 512
    api_key: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = LOOPBACK
    cors_origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check each value."""
        for one in fields(self):
            value = getattr(self, one.name)
            if one.type is int and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise SettingError(f"{one.name} must be a whole number of at least 1; got {value!r}")
            if one.type is float and not (isinstance(value, int | float) and 0 < value < math.inf):
                raise SettingError(f"{one.name} must be a number above 0; got {value!r}")
        if self.api_key is not None and not (self.api_key and self.api_key.isascii() and self.api_key.isprintable()):
            raise SettingError("the API key must be of printable ASCII characters, at least one; unset it to have none")
        for host in self.allowed_hosts:
            if host != ANY and not _HOST.fullmatch(host):
                raise SettingError(f"expected an allowed host in small letters and without a port; got {host!r}")
        for origin in self.cors_origins:
            if origin != ANY and not _ORIGIN.fullmatch(origin):
                raise SettingError(f"expected an origin such as https://example.org, without a path; got {origin!r}")
