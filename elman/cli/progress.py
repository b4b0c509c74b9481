"""What commands share in printing: JSON that stays JSON whatever the terminal's encoding."""

import json
import sys
from typing import Any


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Return ``value`` as JSON, readable where standard output is UTF-8 and escaped to ASCII elsewhere."""
    readable = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(value, indent=indent, ensure_ascii=not readable)
