"""Why a case that does not pass in the sandbox might hold beside the solution: what stayed out of sight.

An object of the solution's class leaves its process as a name, and may be equal to what is expected by a
method of its own. Such a case is no failure that anyone saw, and no pass. Where what is in sight fails
already, it is a failure.
"""

from __future__ import annotations

from typing import Any

from sandbox_image.iterators import MAX_ITEMS, MORE, Iterated
from tasks.core import values
from tasks.core.records import CONDITION, TRUTH, Case, Outcome
from tasks.execution.verdicts import OPAQUE_KEY, TOO_LARGE, Equality, variant_verdicts
from tasks.testcode import conditions

# What the system says to who starts a program, and to nothing else that a program here may try.
_NO_EXEC = ("[Errno 1] Operation not permitted: '/", "[Errno 1] Operation not permitted: b'/")
# Of these types, as their names tell, nothing equals plain data.
_EQUAL_TO_THEMSELVES = {
    "object",
    "function",
    "builtin_function_or_method",
    "method",
    "type",
    "module",
    "coroutine",
}


def hidden(outcome: Outcome, case: Case, equality: Equality = values.equal) -> str:
    """What kept the sandbox from seeing whether a case that does not pass would hold, or "" where it
    fails."""
    if outcome.kind == "boundary":
        return outcome.detail
    if outcome.exception == "PermissionError" and outcome.detail.startswith(_NO_EXEC):
        return "starts another program, which the sandbox does not allow (forked processes of Python may run)"
    if outcome.kind == "output_limit" and outcome.detail == TOO_LARGE:
        return f"{TOO_LARGE} to leave the solution's process (sandbox.output_kb)"
    if outcome.unstable:
        return "" if {*variant_verdicts(outcome, case, equality)} == {"fail"} else outcome.detail
    if outcome.kind != "value" or case.call is None or case.raises or not case.expected:
        return ""
    try:
        return _hidden_in(values.decode(outcome.value), outcome.value, case)
    except values.ValueFormatError:
        return ""


def _hidden_in(value: Any, text: str, case: Case) -> str:
    if isinstance(value, Iterated):
        more = value.end == (MORE,)
        return f"of an iterator {MAX_ITEMS} items leave the solution's process" if more else ""
    if OPAQUE_KEY not in text:
        return ""
    name = ""
    if case.rule == CONDITION:
        name = _asked_of(values.decode(case.expected), value)
    elif case.rule == TRUTH:
        name = value.type_name if isinstance(value, values.Opaque) else ""
    elif not case.rule:
        names: list[str] = []
        if _could_equal(value, values.decode(case.expected), names):
            name = names[0]
    return name and f"an object of type {name} stays in the solution's process, where no test can look at it"


def _could_equal(value: Any, expected: Any, names: list[str]) -> bool:
    """Whether a value would be the expected one if the objects in it, whose types `names` takes, were equal
    to what stands in their place."""
    if isinstance(value, values.Opaque):
        names.append(value.type_name)
        return value.type_name not in _EQUAL_TO_THEMSELVES
    if type(value) in (list, tuple) and type(value) is type(expected):
        same = zip(value, expected, strict=False)
        return len(value) == len(expected) and all(_could_equal(*pair, names) for pair in same)
    if isinstance(value, dict) and isinstance(expected, dict):
        known = [key for key in value if not isinstance(key, values.Opaque)]
        names += [key.type_name for key in value if isinstance(key, values.Opaque)]
        return len(value) == len(expected) and all(
            key in expected and _could_equal(value[key], expected[key], names) for key in known
        )
    if isinstance(value, set | frozenset) and isinstance(expected, set | frozenset):
        objects = [item for item in value if isinstance(item, values.Opaque)]
        names += [item.type_name for item in objects]
        return len(value) == len(expected) and value - {*objects} <= expected
    return values.equal(value, expected)


class _Watched(values.Opaque):
    """An object that notes when it is compared."""

    names: list[str]

    def __init__(self, type_name: str, names: list[str]) -> None:
        super().__init__(type_name)
        object.__setattr__(self, "names", names)

    def __eq__(self, other: object) -> bool:
        self.names.append(self.type_name)
        return False

    def __hash__(self) -> int:
        return id(self)


def _asked_of(condition: str, value: Any) -> str:
    """The type of an object that a condition looks at, "" if it looks at none of them."""
    names: list[str] = []

    def watched(part: Any) -> Any:
        if isinstance(part, values.Opaque):
            return _Watched(part.type_name, names)
        if type(part) in (list, tuple):
            return type(part)(map(watched, part))
        if isinstance(part, dict):
            return {key: watched(item) for key, item in part.items()}
        return part

    told = conditions.answer(condition, watched(value))
    if told is None or isinstance(value, values.Opaque):
        # It came to nothing: it did something that no object here answers to.
        names.append(_first_name(value))
    return names[0] if names else ""


def _first_name(value: Any) -> str:
    """The type of some object in a value that has one."""
    names: list[str] = []
    waiting = [value]
    while waiting and not names:
        part = waiting.pop()
        if isinstance(part, values.Opaque):
            names.append(part.type_name)
        elif isinstance(part, dict):
            waiting += [*part, *part.values()]
        elif isinstance(part, list | tuple | set | frozenset):
            waiting += part
    return names[0] if names else "unknown"
