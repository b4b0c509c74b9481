"""Addresses of models on the Hugging Face Hub: ``hf://owner/name@revision``."""

import re
from typing import NamedTuple

from elman.checks import shown
from elman.errors import SettingError

PREFIX = "hf://"

_ADDRESS = r"hf://(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?"


class Address(NamedTuple):
    """The address of a model.

    Args:
        repository: ``owner/name``.
        revision: a branch, a tag or a commit; None for the main branch.
    """

    repository: str
    revision: str | None = None

    def __str__(self) -> str:
        """Return the address as it is written."""
        return f"{PREFIX}{self.repository}" + (f"@{self.revision}" if self.revision else "")


def is_address(model: object) -> bool:
    """Return whether a model is given by its address on the Hub."""
    return isinstance(model, str) and model.startswith(PREFIX)


def parse_address(text: str) -> Address:
    """Return the parts of an address.

    Raises:
        SettingError: it is invalid.

    >>> parse_address("hf://elman/surnames@v2")
    Address(repository='elman/surnames', revision='v2')
    """
    match = re.fullmatch(_ADDRESS, text, re.ASCII)
    if match is None:
        raise SettingError(f"an address on the Hub is hf://owner/name or hf://owner/name@revision; got {shown(text)!r}")
    return Address(match["repository"], match["revision"])
