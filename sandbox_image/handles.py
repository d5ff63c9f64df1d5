"""Handles: what stands in one process of a check for an object that lives in the other.

A handle has no state. Its class bears the name of the object's class, has the same bases and those special
methods that the object's class has; each of them, each attribute and each call is one operation that the
other process makes on the object itself (`operations`). Handles never leave identity open: one object has one
handle (`objects`). Both processes of a check use this; what either lets the other do is `peer`'s to say.
"""

from __future__ import annotations

import builtins
import collections.abc
import types
from collections.abc import Callable
from typing import Any

from sandbox_image import derived

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

_BINARY = (
    "add sub mul truediv floordiv mod divmod pow lshift rshift and or xor matmul"  # with a reflected form
)
_IN_PLACE = "iadd isub imul itruediv ifloordiv imod ipow ilshift irshift iand ior ixor imatmul"
_ORDER = "lt le gt ge"
_OTHERS = (
    "len iter next reversed contains getitem setitem delitem call enter exit bool int float complex index "
    "round trunc floor ceil neg pos abs invert bytes fspath format length_hint "
    "await aiter anext aenter aexit"
)
# Operators of two objects, and of one.
OPERATORS = tuple(
    f"__{name}__"
    for name in [
        *_BINARY.split(),
        *(f"r{name}" for name in _BINARY.split()),
        *_ORDER.split(),
        *("neg", "pos", "abs", "invert"),
    ]
)
# How a class says what it can do, by the names of its special methods.
SPECIALS = tuple(
    f"__{name}__"
    for name in [
        *_BINARY.split(),
        *(f"r{name}" for name in _BINARY.split()),
        *_IN_PLACE.split(),
        *_ORDER.split(),
        *_OTHERS.split(),
    ]
)
_READS_LOCALLY = {
    *("__name__", "__qualname__", "__module__", "__mro__", "__bases__", "__base__", "__class__"),
    *("__subclasshook__", "__abstractmethods__", "__instancecheck__", "__subclasscheck__", "mro"),
    *("__copy__", "__deepcopy__", "__flags__", "__type_params__", "__weakrefoffset__", "__basicsize__"),
}
_COPIES = {"__copy__", "__deepcopy__", "__reduce_ex__"}
_READS_LOCALLY_OF_ERRORS = {
    *("__traceback__", "__context__", "__cause__", "__suppress_context__", "with_traceback", "add_note"),
    *("__notes__", "args", "__setstate__"),
}
# What an object may say that it is, beside its class: none of these types is data.
_SAID = {
    kind.__name__: kind
    for kind in (
        types.FunctionType,
        types.BuiltinFunctionType,
        types.MethodType,
        types.ModuleType,
        types.CoroutineType,
        types.AsyncGeneratorType,
        types.MappingProxyType,
        property,
        map,
        filter,
        zip,
        enumerate,
        reversed,
    )
}
_TRUTHLESS = {"function", "builtin_function_or_method", "method", "type", "module"}
_type_call = type.__call__
_type_get = type.__getattribute__
_object_get = object.__getattribute__
_contents = vars(type)["__dict__"].__get__
_peers: list[Any] = []


def connect(peer: Any) -> None:
    """Has the handles of this process ask `peer`."""
    _peers[:] = [peer]


def see_kinds() -> None:
    """Has `isinstance` and `issubclass` know of what the classes of handles derive."""
    builtins.isinstance, builtins.issubclass = _is_instance, _is_subclass  # type: ignore[assignment]


def _is_instance(value: Any, kinds: Any, /) -> bool:
    """`isinstance` for the test's process: also of a class of the library, from which the class of a handle
    derives where the object is."""
    return isinstance(value, kinds) or _derives(type(value), kinds)


def _is_subclass(kind: Any, kinds: Any, /) -> bool:
    return issubclass(kind, kinds) or _derives(kind, kinds)


def _derives(kind: Any, kinds: Any) -> bool:
    if type(kind) is not HandleType:
        return False
    also = [one for base in kind.__mro__ for one in _contents(base).get("__also__", ())]
    return any(issubclass(one, kinds) for one in also)


def _ask(operation: str, *args: Any) -> Any:
    return _peers[0].operate(operation, args, {})


class HandleType(type):
    """The class of handles' classes, which stand for classes of the other process."""

    def __new__(mcs, name: str, bases: tuple[type, ...], body: dict[str, Any], **options: Any) -> HandleType:
        if _peers and "__handle__" not in body:
            return _peers[0].derive(name, bases, body)  # type: ignore[no-any-return]
        return super().__new__(mcs, name, bases, body)

    def __init__(cls, *_: Any, **options: Any) -> None:
        """Nothing: a class that a test derives is made where its bases are."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return _peers[0].operate(".call", (cls, *args), kwargs)

    def __getattribute__(cls, name: str) -> Any:
        if name in _READS_LOCALLY:
            found = _type_get(cls, name)
            if name in ("__bases__", "__mro__"):
                return tuple([one for one in found if one not in _roots]) or (object,)
            return found
        if cls in _roots:
            return None if name == "__doc__" else _type_get(cls, name)
        if name == "__signature__" and not _peers[0].heap.trusts:
            return derived.signature(_ask(".signature", cls))
        if name == "__dict__":
            heap = _peers[0].heap
            return _contents(cls) if heap.trusts or heap.reading else OwnNames(cls)
        return _ask(".get", cls, name)

    def __setattr__(cls, name: str, value: Any) -> None:
        if name == "__abstractmethods__":
            return
        _ask(".set", cls, name, value)

    def __delattr__(cls, name: str) -> None:
        _ask(".del", cls, name)

    def __instancecheck__(cls, value: Any) -> bool:
        return type.__instancecheck__(cls, value) or _has_member(".isinstance", cls, value)

    def __subclasscheck__(cls, kind: Any) -> bool:
        return type.__subclasscheck__(cls, kind) or _has_member(".issubclass", cls, kind)

    def __iter__(cls) -> Any:
        return _ask(".iter", cls)

    def __len__(cls) -> int:
        return _ask(".len", cls)  # type: ignore[no-any-return]

    def __bool__(cls) -> bool:
        return True

    def __getitem__(cls, key: Any) -> Any:
        return _ask(".getitem", cls, key)

    def __contains__(cls, item: Any) -> bool:
        return bool(_ask(".contains", cls, item))

    def __reversed__(cls) -> Any:
        return _ask(".reversed", cls)

    def __dir__(cls) -> Any:
        return _ask(".dir", cls)


def _has_member(operation: str, cls: type, value: Any) -> bool:
    """Whether the metaclass of a class, where it has a say (`ABC.register`, protocols), takes a value in."""
    return "m" in _type_get(cls, "__own__") and _peers[0].is_member(operation, value, cls)


# The classes of all handles, which nobody is to see among the bases of theirs.
_roots: list[type] = []


class OwnNames(collections.abc.Mapping[str, Any]):
    """The `__dict__` of a class of the other process."""

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def __getitem__(self, name: str) -> Any:
        return _ask(".own", self.kind, name)

    def __iter__(self) -> Any:
        return iter(_ask(".names", self.kind))

    def __len__(self) -> int:
        return len(_ask(".names", self.kind))


class Handle(metaclass=HandleType):
    """One object of the other process."""

    __slots__ = ()
    __handle__ = ""
    __functions__: frozenset[str] = frozenset()
    __own__ = ""

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return _said(type(self))
        if (
            name in _COPIES
            or name in _SPECIAL
            or (name in _READS_LOCALLY_OF_ERRORS and isinstance_of_error(self))
        ):
            return _object_get(self, name)
        if name in _functions(type(self)):
            return Attribute(self, name)
        if name == "__signature__" and not _peers[0].heap.trusts:
            return derived.signature(_ask(".signature", self))
        return _ask(".get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _READS_LOCALLY_OF_ERRORS and isinstance_of_error(self):
            object.__setattr__(self, name, value)
        else:
            _ask(".set", self, name, value)

    def __delattr__(self, name: str) -> None:
        _ask(".del", self, name)

    def __eq__(self, other: object) -> Any:
        return _peers[0].compare(self, other, "eq")

    def __ne__(self, other: object) -> Any:
        return _peers[0].compare(self, other, "ne")

    def __hash__(self) -> int:
        return _peers[0].hash_of(self)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return _ask(".repr", self)  # type: ignore[no-any-return]

    def __str__(self) -> str:
        return _ask(".str", self)  # type: ignore[no-any-return]

    def __format__(self, form: str) -> str:
        return _ask(".format", self, form)  # type: ignore[no-any-return]

    def __dir__(self) -> Any:
        return _ask(".dir", self)

    def __copy__(self) -> Any:
        return _ask(".copy", self)

    def __deepcopy__(self, _: Any) -> Any:
        return _ask(".deepcopy", self)

    def __reduce_ex__(self, _: Any) -> Any:
        _peers[0].refuse("an object of the other process cannot be pickled here")


class Data(metaclass=HandleType):
    """An object of a class that derives from a builtin type of data: the data is here, and is compared here;
    what the class adds, or does in another way, is asked of the object."""

    __slots__ = ()
    __handle__ = ""
    __functions__: frozenset[str] = frozenset()
    __local__: frozenset[str] = frozenset()
    __own__ = ""

    def __getattribute__(self, name: str) -> Any:
        kind = type(self)
        if name == "__class__":
            return kind
        if name in _functions(kind):
            return Attribute(self, name)
        if name in _COPIES or name in _type_get(kind, "__local__"):
            return _object_get(self, name)
        return _ask(".get", self, name)

    __setattr__ = _contents(Handle)["__setattr__"]
    __delattr__ = _contents(Handle)["__delattr__"]
    __dir__ = _contents(Handle)["__dir__"]
    __copy__ = _contents(Handle)["__copy__"]
    __deepcopy__ = _contents(Handle)["__deepcopy__"]
    __reduce_ex__ = _contents(Handle)["__reduce_ex__"]


_roots += [Handle, Data]
_OWN = {
    "e": {name: _contents(Handle)[name] for name in ("__eq__", "__ne__")},
    "h": {"__hash__": _contents(Handle)["__hash__"]},
    "u": {"__hash__": None},
    "r": {"__repr__": _contents(Handle)["__repr__"]},
    "s": {"__str__": _contents(Handle)["__str__"]},
    "f": {"__format__": _contents(Handle)["__format__"]},
}


class Inherited:
    """A method in a handle's class, for `super()` in a class of the test's that derives from it."""

    __slots__ = ("kind", "name")

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, value: Any, owner: Any = None) -> Any:
        first = (self.kind, self.name) if value is None else (self.kind, self.name, value)  # type: ignore[attr-defined]

        def method(*args: Any, **kwargs: Any) -> Any:
            return _peers[0].operate(".method", (*first, *args), kwargs)

        return method


class Attribute:
    """A name of the other process that is called, mostly: a function of the solution's, a method of a
    handle's. For anything else it is asked for (`resolved`)."""

    __slots__ = ("__attribute_name__", "__attribute_of__")

    def __init__(self, owner: Any, name: str) -> None:
        object.__setattr__(self, "__attribute_of__", owner)
        object.__setattr__(self, "__attribute_name__", name)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        owner, name = _place(self)
        if owner is None:
            return _peers[0].operate(name, args, kwargs)
        return _peers[0].operate(".method", (owner, name, *args), kwargs)

    def __getattribute__(self, name: str) -> Any:
        owner, own = _place(self)
        if name == "__class__":
            return types.FunctionType if owner is None else types.MethodType
        if name in ("__name__", "__qualname__") and owner is None:
            return own
        return getattr(resolved(self), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(resolved(self), name, value)

    def __eq__(self, other: object) -> Any:
        return resolved(self) == (resolved(other) if type(other) is Attribute else other)

    def __hash__(self) -> int:
        return hash(resolved(self))

    def __repr__(self) -> str:
        return repr(resolved(self))


def _place(attribute: Attribute) -> tuple[Any, str]:
    return _object_get(attribute, "__attribute_of__"), _object_get(attribute, "__attribute_name__")


def resolved(value: Any) -> Any:
    """The handle that an `Attribute` comes to; anything else as it is."""
    if type(value) is not Attribute:
        return value
    owner, name = _place(value)
    return _ask(".name", name) if owner is None else _ask(".get", owner, name)


def isinstance_of_error(value: Any) -> bool:
    return issubclass(type(value), BaseException)


def _said_name(kind: type) -> str:
    return _type_get(kind, "__handle__")  # type: ignore[no-any-return]


def own(value: Any) -> str:
    """What of comparing a handle, or its likes, is its class's own."""
    kind = type(value)
    return _type_get(kind, "__own__") if type(kind) is HandleType else ""


def _said(kind: type) -> type:
    return _SAID.get(_said_name(kind), kind)


def _functions(kind: type) -> Any:
    return _type_get(kind, "__functions__")


def _special(name: str) -> Callable[..., Any]:
    """The special method of a handle's class that has the other process do the same."""
    bare = name.strip("_")
    if bare == "bool":

        def truth(self: Any) -> bool:
            return bool(_ask(".bool", self))

        return truth
    if bare in _ORDER.split() or bare in _BINARY.split() or bare in _IN_PLACE.split():

        def binary(self: Any, other: Any, *more: Any) -> Any:
            return _peers[0].combine(f".{bare}", self, other, (self, other, *more))

        return binary
    if bare[1:] in _BINARY.split() and bare[0] == "r":

        def reflected(self: Any, other: Any, *more: Any) -> Any:
            return _peers[0].combine(f".{bare[1:]}", self, other, (other, self, *more))

        return reflected
    if bare == "contains":

        def contains(self: Any, item: Any) -> bool:
            return bool(_peers[0].combine(".contains", self, item, (self, item)))

        return contains
    if bare in ("exit", "aexit"):

        def leave(self: Any, kind: Any, error: Any, trace: Any) -> Any:
            return _ask(f".{bare}", self, error)

        return leave
    if bare == "await":

        def awaited(self: Any) -> Any:
            return _peers[0].loops.awaited(self).__await__()

        return awaited
    if bare == "call":

        def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            return _peers[0].operate(".call", (self, *args), kwargs)

        return call

    def operation(self: Any, *args: Any) -> Any:
        return _ask(f".{bare}", self, *args)

    return operation


_ASKED = {"__dict__", "__doc__", "__module__", "__init__", "__new__", "__weakref__"}


def holds_data(bases: tuple[type, ...]) -> bool:
    """Whether a class with these bases derives from a builtin type of data."""
    return any(
        issubclass(base, Data) if type(base) is HandleType else not issubclass(base, BaseException)
        for base in bases
    )


def _local(kind: type) -> Any:
    return _type_get(kind, "__local__") if issubclass(kind, Data) else ()


_SPECIAL = {name: _special(name) for name in SPECIALS}


def _bound(self: Any, owner: Any, _: Any = None) -> Any:
    """A function that is an attribute of a class is a method of its objects."""
    return self if owner is None else types.MethodType(self, owner)


def _no_truth(self: Any) -> bool:
    if not _peers[0].heap.trusts:
        _peers[0].refuse(f"the truth of a {_type_get(type(self), '__name__')} of the solution's is asked for")
    # A function that the test has given is there (`if self.on_change:`).
    return True


def handle_class(
    name: str,
    bases: tuple[type, ...],
    said: str,
    specials: list[str],
    functions: list[str],
    own: str = "",
    names: list[str] | None = None,
    also: tuple[type, ...] = (),
) -> type:
    """The class of handles for objects of a class with this name, these special methods and functions. `own`
    and `names`: see `objects.description`; `also`: classes of the library that it derives from."""
    body: dict[str, Any] = {name: _SPECIAL[name] for name in specials if name in _SPECIAL}
    if "__len__" in body and "__bool__" not in body:
        body["__bool__"] = _SPECIAL["__bool__"]
    if said in _TRUTHLESS:
        body["__bool__"] = _no_truth
    body |= {"__handle__": said, "__functions__": frozenset(functions), "__module__": "solution"}
    body |= {"__slots__": (), "__own__": own}
    if said == "function":
        body["__get__"] = _bound
    methods = [Inherited(one) for one in (*functions, *({"__init__"} & {*(names or ())}))]
    body |= {one.name: one for one in methods}
    root: type = Data if holds_data(bases) else Handle
    for letter in own if root is Data else {*own} & {"h", "u"}:
        body |= _OWN.get(letter, {})
    if root is Data:
        inherited = {one for base in bases if type(base) is not HandleType for one in dir(base)}
        inherited |= {one for base in bases if type(base) is HandleType for one in _local(base)}
        body["__local__"] = frozenset(inherited - {*(names or ()), *functions} - _ASKED)
    if not any(issubclass(base, root) for base in bases):
        bases = (root, *bases)
    lowest = [base for base in bases if not any(base in other.__mro__[1:] for other in bases)]
    if also and not _peers[0].heap.trusts:
        body["__also__"] = also
    for chosen in (tuple(lowest), (root,)):
        try:
            made: type = _type_call(HandleType, name, chosen, dict(body))
        except TypeError:
            continue
        for one in methods:
            one.kind = made  # type: ignore[attr-defined]
        if said in collections.abc.__all__:
            # A class with such a base has what it asks for by its word, as `Mapping` has it.
            getattr(collections.abc, said).register(made)
        return made
    raise ValueError("no such class")
