"""When a value is as good as the expected one, where the file has no Python to say so: of JSON, of stdout."""

from __future__ import annotations

import json
from typing import Any

from tasks.core import values


def stripped(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()


def same_output(left: Any, right: Any) -> bool:
    """The stdout rule: equal texts but for whitespace at the end of lines and of the whole."""
    if not isinstance(left, str) or not isinstance(right, str):
        return False
    return bool(stripped(left) == stripped(right))


def json_equal(left: Any, right: Any) -> bool:
    """Python's `==` over plain data, a tuple counting as the list that JSON makes of it, and the key 1 of a
    dictionary as "1"."""
    return values.equal(listed(left), listed(right))


def listed(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [listed(item) for item in value]
    if isinstance(value, dict):
        texts = {_json_key(key): listed(item) for key, item in value.items()}
        # JSON has no two keys of one text.
        return texts if len(texts) == len(value) else {key: listed(item) for key, item in value.items()}
    return value


def _json_key(key: Any) -> Any:
    """A key as JSON has it, which knows texts alone."""
    return json.dumps(key) if key is None or type(key) in (int, float, bool) else key
