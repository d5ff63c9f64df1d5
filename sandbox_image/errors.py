"""Exceptions as they cross a check's pipe: their arguments, what they have beside them, and what led to them.

An exception of a builtin type, or of the library's, is made again in the other process. One of a class of the
solution's is a handle there that can be raised. Read with C-level methods only.
"""

from __future__ import annotations

import builtins
import contextlib
import types
from typing import Any

from sandbox_image import handles

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

MAX_ATTRIBUTES = 100
_ancestors = vars(type)["__mro__"].__get__
_contents = vars(type)["__dict__"].__get__
_arguments, _cause, _context, _error_dict = (
    vars(BaseException)[name].__get__ for name in ("args", "__cause__", "__context__", "__dict__")
)
_MEMBERS = {types.MemberDescriptorType, types.GetSetDescriptorType}
_NOTES = "__notes__"
_FROM_NONE = "__suppress_context__"
_suppresses = vars(BaseException)[_FROM_NONE].__get__
# Attributes of exceptions that lead on to other objects, or are there at times alone.
_UNSAID = {"obj", "characters_written", "print_file_and_line"}


def led_to(value: Any) -> tuple[Any, Any]:
    """What an exception was raised from, and what was handled meanwhile."""
    return _cause(value), _context(value)


def arguments_of(value: Any, kind: type) -> tuple[Any, ...]:
    """The arguments of an exception; those of a group with its members in a tuple, which are there when it is
    made."""
    if BaseExceptionGroup in _ancestors(kind):
        return tuple(vars(BaseExceptionGroup)[name].__get__(value) for name in ("message", "exceptions"))
    return _arguments(value)


def state_of(value: Any, kind: type, of_library: bool) -> dict[str, Any]:
    """What an exception of the library's has beside its arguments (`errno`, `name`, what was set); of one of
    the solution's, whose attributes are asked for, its notes."""
    own = {str(name): part for name, part in _error_dict(value).items()}
    if _suppresses(value):
        own[_FROM_NONE] = True
    if not of_library:
        return {name: part for name, part in own.items() if name in (_NOTES, _FROM_NONE)}
    for ancestor in _ancestors(kind):
        if ancestor not in (BaseException, BaseExceptionGroup, object):
            for name, member in _contents(ancestor).items():
                if type(member) in _MEMBERS and name not in _UNSAID:
                    with contextlib.suppress(AttributeError):
                        own[name] = member.__get__(value)
    kept = [name for name in own if name[:2] != "__" or name in (_NOTES, _FROM_NONE)]
    return {name: own[name] for name in kept[:MAX_ATTRIBUTES]}


def made(items: list[Any], names: list[str]) -> BaseException:
    kind, cause, context, *parts = items
    if not (issubclass(type(kind), type) and issubclass(kind, BaseException)):
        raise ValueError("not an exception")
    error = _new_error(kind, parts[len(names) :])
    for name, part in zip(names, parts, strict=False):
        if name[:2] != "__" or name in (_NOTES, _FROM_NONE):
            with contextlib.suppress(Exception):
                object.__setattr__(error, name, part)
    if isinstance(cause, BaseException):
        error.__cause__ = cause
    if isinstance(context, BaseException):
        error.__context__ = context
    return error


def _new_error(kind: type[BaseException], args: list[Any]) -> BaseException:
    if type(kind) is not handles.HandleType:
        try:
            error = kind(*args)
            if type(error) is kind:
                return error
        except Exception:
            pass  # It wants other arguments.
    builtin = next(base for base in kind.__mro__ if type(base) is not handles.HandleType)
    made: BaseException = builtin.__new__(kind, *args)  # type: ignore[call-overload]
    return made
