"""What a process of a check does to an object of its own when the other asks: one operation a request.

Also what a test's process refuses: a solution's process may call what it was given, read and write names of
objects that it was given, and use their special methods. Nothing leads from there to what the test knows.
"""

from __future__ import annotations

import builtins
import copy
import operator
import types
from collections.abc import Callable
from typing import Any

from sandbox_image import derived, handles

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

_setattr, _delattr = setattr, delattr
_contents = vars(type)["__dict__"].__get__


def _call(target: Any, /, *args: Any, **kwargs: Any) -> Any:
    return target(*args, **kwargs)


def _method(target: Any, name: str, /, *args: Any, **kwargs: Any) -> Any:
    return getattr(target, name)(*args, **kwargs)


def _resumed(generator: Any) -> Any:
    return generator.send(None) if type(generator) is types.CoroutineType else next(generator)


def _step(generator: Any, resume: Callable[..., Any], *args: Any) -> tuple[bool, Any]:
    """Whether a generator has come to its end, and what it has yielded or returned."""
    try:
        return False, resume(generator, *args)
    except StopIteration as end:
        return True, end.value


def _leave(manager: Any, error: BaseException | None) -> Any:
    if error is None:
        return type(manager).__exit__(manager, None, None, None)
    return type(manager).__exit__(manager, type(error), error, error.__traceback__)


def _leave_later(manager: Any, error: BaseException | None) -> Any:
    if error is None:
        return type(manager).__aexit__(manager, None, None, None)
    return type(manager).__aexit__(manager, type(error), error, error.__traceback__)


class _Probe:
    """What an object is compared with in place of what a test expects: of the same type, as far as it says,
    and whatever else is asked of it is noted."""

    def __init__(self, said: type | None) -> None:
        object.__setattr__(self, "touched", False)
        object.__setattr__(self, "said", said or _Probe)

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return object.__getattribute__(self, "said")
        object.__setattr__(self, "touched", True)
        raise AttributeError(name)


def _touched(name: str) -> Callable[..., Any]:
    def method(self: Any, *_: Any) -> Any:
        object.__setattr__(self, "touched", True)
        raise TypeError(f"nothing is known of what it is compared with: {name}")

    return method


for _name in (*handles.SPECIALS, "__eq__", "__ne__", "__hash__", "__str__", "__repr__", "__setattr__"):
    if _name != "__format__":
        setattr(_Probe, _name, _touched(_name))


def probed(value: Any, said: Any, how: str) -> bool:
    """Whether an object is unequal to anything of a type; to None where `said` is None, to what is of no type
    that is known where it is "". Its class's own method answers so, and looks at nothing but the type; what
    is written in C looks at what a probe cannot show."""
    method = getattr(type(value), f"__{how}__")
    if how == "ne" and method is object.__ne__:
        method, how = type(value).__eq__, "eq"
    if method is object.__eq__:
        return True
    if type(method) is not types.FunctionType:
        return False
    if said is None:
        return _says_unequal(method(value, None), how)
    probe = _Probe(said or None)
    builtins.type = _type_of  # type: ignore[misc, assignment]
    try:
        answer = method(value, probe)
    except Exception:
        return False
    finally:
        builtins.type = type  # type: ignore[misc]
    return not object.__getattribute__(probe, "touched") and _says_unequal(answer, how)


def _says_unequal(answer: Any, how: str) -> bool:
    return answer is NotImplemented or answer is (how == "ne")


def _type_of(*args: Any, **options: Any) -> Any:
    """`type`, for which a probe is of the type that it stands for."""
    return args[0].__class__ if len(args) == 1 and type(args[0]) is _Probe else type(*args, **options)


_NAMES = (
    "lt le gt ge eq ne add sub mul truediv floordiv mod pow lshift rshift and_ or_ xor matmul iadd isub imul "
    "itruediv ifloordiv imod ipow ilshift irshift iand ior ixor imatmul contains getitem setitem delitem neg "
    "pos abs invert index length_hint"
)
_FUNCTIONS = {
    **{name: getattr(operator, name) for name in _NAMES.split()},
    **{
        name: getattr(builtins, name)
        for name in (
            *("len", "iter", "next", "reversed", "bool", "int", "float", "complex", "round", "divmod"),
            *("bytes", "repr", "str", "format", "dir", "hash", "isinstance", "issubclass"),
        )
    },
}
OPERATIONS: dict[str, Callable[..., Any]] = {
    **{f".{name.rstrip('_')}": function for name, function in _FUNCTIONS.items()},
    ".pow": pow,
    ".get": getattr,
    ".set": _setattr,
    ".del": _delattr,
    ".call": _call,
    ".method": _method,
    ".enter": lambda manager: type(manager).__enter__(manager),
    ".exit": _leave,
    ".aenter": lambda manager: type(manager).__aenter__(manager),
    ".aexit": _leave_later,
    ".aiter": lambda value: type(value).__aiter__(value),
    ".anext": lambda value: type(value).__anext__(value),
    ".trunc": lambda value: type(value).__trunc__(value),
    ".floor": lambda value: type(value).__floor__(value),
    ".ceil": lambda value: type(value).__ceil__(value),
    ".fspath": lambda value: type(value).__fspath__(value),
    ".class": derived.made,
    ".signature": derived.described,
    ".own": lambda kind, name: _contents(kind)[name],
    ".names": lambda kind: [*_contents(kind)],
    ".copy": copy.copy,
    ".deepcopy": copy.deepcopy,
    ".step": lambda generator: _step(generator, _resumed),
    ".send": lambda generator, value: _step(generator, type(generator).send, value),
    ".throw": lambda generator, error: _step(generator, type(generator).throw, error),
    ".close": lambda generator: generator.close(),
    ".probe": probed,
}
# These end loops as they should; any other end of a loop from the other process would end one in silence.
ITERATING = {".next", ".step", ".send", ".throw", ".anext", ".length_hint"}
# What a test's process does for a solution's, beside what operators are.
_READ = {"__name__", "__qualname__", "__doc__", "__module__"}
_LEADS_ON = ("__", "gi_", "cr_", "ag_", "f_", "tb_", "co_", "func_")
_FORMATS = ("format", "format_map")
_REFUSED = {".class", ".signature", ".own", ".names", ".probe", ".copy", ".deepcopy", ".dir"}
# What tasks and locks of the test's lead on to: the loop, and all that runs in it.
_OF_LOOPS = {"get_loop", "get_coro", "get_stack", "print_stack", "get_context"}


# What a decorator asks a function for, and can do without.
_OF_FUNCTIONS = {"__annotations__", "__type_params__", "__dict__", "__wrapped__", "__signature__"}
_OF_FUNCTIONS |= {"__isabstractmethod__"}


def is_missing(operation: str, args: list[Any]) -> bool:
    """Whether a function of the test's has nothing of this name for the solution."""
    return operation == ".get" and args[1] in _OF_FUNCTIONS and callable(args[0])


def refused(operation: str, args: list[Any]) -> str:
    """Why a test's process does not make this operation for the solution's, "" if it does."""
    if operation not in OPERATIONS or operation in _REFUSED:
        return f"the operation {operation}"
    if operation not in (".get", ".set", ".del", ".method"):
        return ""
    target, name = args[0], args[1]
    if type(name) is not str:
        return "a name that is no text"
    writes = operation in (".set", ".del")
    if name.startswith(_LEADS_ON) and (writes or name not in _READ):
        return f"the name {name!r} of an object of the test's"
    if type(target).__module__.split(".")[0] in ("asyncio", "_asyncio") and (
        name[:1] == "_" or name in _OF_LOOPS
    ):
        return f"the name {name!r} of an object of the test's event loop"
    if isinstance(target, str) and name in _FORMATS:
        return f"the name {name!r} of a text of the test's"
    if writes and (isinstance(target, type) or not _may_be_written(type(target), name)):
        return f"to change {name!r} of an object of the test's"
    return ""


def _may_be_written(kind: type, name: str) -> bool:
    """Whether a name of an object is no method of its class: what a test asks its own objects stays."""
    for ancestor in kind.__mro__:
        if name in vars(ancestor):
            return not callable(found := vars(ancestor)[name]) and not isinstance(
                found, staticmethod | classmethod | types.FunctionType
            )
    return not kind.__module__.startswith("unittest.mock") or not name.startswith("assert")
