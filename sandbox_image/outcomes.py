"""What a call came to, as text: its value, or its exception. For the solution's process and the test's."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any

from sandbox_image import plain

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

# Frames of the supervisor's lie below a program's first: it gets as deep as it would alone.
RECURSION_LIMIT = 1000 + 9
INT_DIGITS = 4300
# Detail of a check that has passed.
BY_CANDIDATE = "by the word of the solution's classes"
_set_recursion_limit = sys.setrecursionlimit
_set_int_digits = sys.set_int_max_str_digits
_bases = vars(type)["__mro__"].__get__
_EXCEPTIONS = [
    (kind.__name__, kind)
    for kind in vars(builtins).values()
    if isinstance(kind, type) and issubclass(kind, BaseException)
]


def returned(value: Any, budget: int, digest_above: int) -> tuple[str, str, str]:
    """Kind, text and detail of a result; one that is too large, or cannot be read, has its own outcome."""
    return described(lambda: shortened(value, budget, digest_above))


def described(read: Callable[[], str]) -> tuple[str, str, str]:
    """The same of whatever text `read` makes."""
    try:
        return "value", read(), ""
    except plain.TooLarge:
        return "output_limit", "", "the result is too large"
    except MemoryError:
        return "memory", "", ""
    except BaseException as error:
        return "no_result", "", f"unreadable result: {plain.type_name(type(error))}"


def raised(error: BaseException, longest: int = 200) -> tuple[str, str, str]:
    """Kind, text and detail (`longest` characters at most) of an exception. The text is the type's name, then
    the builtin types that it derives from, `Mine|ValueError|Exception|BaseException`: what a test may catch
    it as. A type of the solution's that is named like a builtin one and is none is `solution.ValueError`.

    Its `__str__` may be the solution's, and may fail.
    """
    try:
        message = str.__str__(str(error))[:longest]
    except BaseException:
        message = ""
    kind = type(error)
    name = plain.type_name(kind)
    if any(name == known and builtin not in _bases(kind) for known, builtin in _EXCEPTIONS):
        name = f"solution.{name}"
    if name == "MemoryError":
        return "memory", "", message
    bases = [known for base in _bases(kind)[1:] for known, builtin in _EXCEPTIONS if base is builtin]
    return "exception", "|".join([name, *bases]), message


def encode(value: Any, budget: int) -> str:
    """`plain.encode`, again with the interpreter's own limits where the solution has lowered them."""
    try:
        return plain.encode(value, budget)
    except (RecursionError, ValueError, RuntimeError):
        _set_recursion_limit(RECURSION_LIMIT + 4 * plain.MAX_DEPTH)
        _set_int_digits(INT_DIGITS)
        return plain.encode(value, budget)


def shortened(value: Any, budget: int, digest_above: int) -> str:
    """The value's text, or its digest where that is allowed (`digest_above` > 0) and the text is longer."""
    if not 0 < digest_above < budget:
        return encode(value, budget)
    try:
        return encode(value, digest_above)
    except plain.TooLarge:
        return plain.digest(value)
