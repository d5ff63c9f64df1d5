"""What crosses a check's pipe for an object that is no plain data, and what stands for it on the other side.

An object stays where it is made: the other process gets a handle of a class that is described once, by its
name, its bases and the special methods it has. Builtin types and functions, and classes of the library, are
named, and are those of the other process. An exception is one there, with its arguments. A generator is a
generator, which drives the one that it stands for.

Kinds of bodies beside the heap's: `p` an object `[class], [hash]`, `c` a class `[bases..], [name, builtin
name, special methods, functions, flags]`, `x` an exception `[class, cause, context, attributes..,
arguments..], [names of the attributes]`. Types are read with C-level methods; no `__class__` of an object is
asked.
"""

from __future__ import annotations

import builtins
import math
import sys
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any

from sandbox_image import errors, handles, library, plain
from sandbox_image.handles import Attribute, Handle
from sandbox_image.heap import _KIND_OF, _NEW, Heap, _fill, _Reference, _shallow, contents_of

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

MAX_CLASSES = 2000
# So many exceptions lead to one, as far as the other process knows.
MAX_CAUSES = 5
_bases = vars(type)["__bases__"].__get__
_ancestors = vars(type)["__mro__"].__get__
_contents = vars(type)["__dict__"].__get__
_flags = vars(type)["__flags__"].__get__
_HEAP_TYPE = 1 << 9  # A class that is not built in.
_module = vars(type)["__module__"].__get__
_qualname = vars(type)["__qualname__"].__get__
_FUNCTIONS = {types.FunctionType, types.BuiltinFunctionType}
_METHOD_OF_A_TYPE = type(str.upper)
# What a solution's process may name of the library, so that it is the test's own: data, and what only looks.
_DATA = (
    "bool int float complex str bytes bytearray list tuple dict set frozenset range slice type object "
    "memoryview property staticmethod classmethod enumerate filter map reversed zip super"
)
_PURE = (
    "abs all any ascii bin callable chr divmod hash hex isinstance issubclass iter len max min next oct ord "
    "pow repr round sorted sum"
)
_NAMED = {f"builtins.{name}" for name in f"{_DATA} {_PURE}".split()} | {
    f"math.{name}" for name, value in vars(math).items() if callable(value)
}
_LIBRARY = {
    "datetime.date",
    "datetime.time",
    "datetime.datetime",
    "datetime.timedelta",
    "datetime.timezone",
    "decimal.Decimal",
    "fractions.Fraction",
    "uuid.UUID",
    "collections.deque",
    "collections.Counter",
    "collections.OrderedDict",
    "collections.defaultdict",
    "pathlib.Path",
    "pathlib.PurePath",
    "pathlib.PosixPath",
    "pathlib.PurePosixPath",
    *(f"dataclasses.{name}" for name in ("_FIELD", "_FIELD_CLASSVAR", "_FIELD_INITVAR", "MISSING")),
}
# Builtin types of data that a class may derive from: those that change, by their kinds of bodies, and others.
_CHANGING: dict[type, str] = {
    OrderedDict: "e",
    Counter: "n",
    defaultdict: "m",
    dict: "d",
    list: "l",
    set: "s",
    deque: "q",
}
_FIXED: dict[type, Callable[[Any], list[Any]]] = {
    int: lambda value: [int.__int__(value)],
    float: lambda value: [float.__float__(value)],
    str: lambda value: [str.__str__(value)],
    bytes: lambda value: [bytes.join(b"", [value])],
    tuple: lambda value: [*tuple.__iter__(value)],
    frozenset: lambda value: [*frozenset.__iter__(value)],
    **library.PARTS,
}
_DERIVED = (*_CHANGING, *_FIXED)
# Modules that do something when they are imported.
_LOUD = {
    "antigravity",
    "this",
    "idlelib",
    "turtle",
    "turtledemo",
    "tkinter",
    "test",
    "lib2to3",
    "sandbox_image",
}
# Nothing of these leaves a test's process: they lead to all that it knows.
_INNER = (types.FrameType, types.TracebackType, types.CodeType, types.CellType)


class TypeOf:
    """Stands for a class of the library as the class of handles, beside the class itself."""

    __slots__ = ("kind",)

    def __init__(self, kind: type) -> None:
        self.kind = kind


class ObjectHeap(Heap):
    """A heap whose messages bear objects. `peer` is asked for what a handle does; `trusts`: whether whatever
    the other side names is looked up here."""

    def __init__(self, first: int, peer: Any, trusts: bool) -> None:
        super().__init__(first)
        self.peer, self.trusts = peer, trusts
        self.hashes: dict[int, int] = {}
        self.drivers: dict[int, Any] = {}
        self.classes = 0
        self.reading = False
        # Numbers of the exceptions that are being written.
        self.telling: set[int] = set()
        self._types: dict[type, TypeOf] = {}
        self._data: dict[type, type | None] = dict.fromkeys(_KIND_OF)

    def may_hold(self, container: Any) -> bool:
        return True

    def data_type(self, kind: type) -> type | None:
        """The builtin type of data that a class derives from; None of the types themselves and of others."""
        if kind not in self._data:
            ancestors = _ancestors(kind)
            self._data[kind] = next((base for base in _DERIVED if base in ancestors), None)
        return self._data[kind]

    def kind_of(self, value: Any) -> str | None:
        known = _KIND_OF.get(type(value)) or ("a" if library.is_array(value) else None)
        if known is None and (base := self.data_type(type(value))) is not None:
            known = _CHANGING.get(base)
        return known

    def class_item(self, writer: Any, value: Any) -> str:
        kind = type(value)
        return "" if kind in _KIND_OF else self._class_item(writer, self._key(kind), kind)

    def state(self, value: Any) -> list[Any]:
        if type(value) is bytearray:
            return self._unchanged(value, _shallow(value))
        if library.is_array(value):
            return self._unchanged(value, [value.tobytes()])
        if type(value) in _KIND_OF:
            return _shallow(value)
        return contents_of(value, self.kind_of(value) or "l")

    def _unchanged(self, value: Any, items: list[Any]) -> list[Any]:
        """What was in it as both sides know it, where that is still in it."""
        known = self.contents.get(self.numbers.get(id(value), -1))
        return known if known is not None and known == items else items

    def fill(self, value: Any, kind: str, items: list[Any]) -> None:
        if kind == "a":
            library.fill_array(value, *items)
        else:
            _fill(value, kind, items)

    def is_theirs(self, value: Any) -> bool:
        """Whether a value is, or stands for, an object of the other process."""
        if type(value) is Attribute:
            return True
        number = self.numbers.get(id(value))
        return number is not None and number in self.handles

    def is_ours(self, value: Any) -> bool:
        """Whether a value is an object that has left this process as a handle."""
        number = self.numbers.get(id(value))
        return number is not None and number in self.pinned

    def item_of(self, writer: Any, value: Any) -> str:
        kind = type(value)
        writer.encoder._spend(40)
        if kind is Attribute:
            owner, name = handles._place(value)
            if owner is None:
                return f'{{"n":["",{plain._quote(name)}]}}'
            return f'{{"n":["a",{writer.item(owner)},{plain._quote(name)}]}}'
        if path := path_of(value, self.first == 0):
            return f'{{"n":["g",{plain._quote(path)}]}}'
        if not self.first:
            self._refuse_inner(value, kind)
        if (known := library.state_of(value)) is not None:
            number = self.added(value)
            items = ",".join([writer.item(part) for part in known[1]])
            writer.bodies.append(f'[{number},"v",[{items}],["{known[0]}"]]')
            return f'{{"@":{number}}}'
        if (base := self.data_type(kind)) is not None:
            return self._data_item(writer, value, kind, base)
        ancestors = _ancestors(kind)
        if type in ancestors:
            return self._class_item(writer, value, value)
        if BaseException in ancestors:
            return self._error_item(writer, value, kind)
        class_item = self._class_item(writer, self._key(kind), kind)
        number = self._exported(value)
        writer.bodies.append(f'[{number},"p",[{class_item}],["{_hash_of(value, kind)}"]]')
        return f'{{"@":{number}}}'

    def _data_item(self, writer: Any, value: Any, kind: type, base: type) -> str:
        """The item of an object of a class that derives from a builtin type of data."""
        if base in _CHANGING:
            return f'{{"@":{writer._reached(value)}}}'
        class_item = self._class_item(writer, self._key(kind), kind)
        number = self.added(value)
        items = [class_item, *(writer.item(part) for part in _FIXED[base](value))]
        writer.bodies.append(f'[{number},"i",[{",".join(items)}],["{_hash_of(value, kind)}"]]')
        return f'{{"@":{number}}}'

    def _exported(self, value: Any) -> int:
        number = self.added(value)
        self.pinned.add(number)
        return number

    def _key(self, kind: type) -> Any:
        """A class, or what stands for it where the class itself is named."""
        return self._types.setdefault(kind, TypeOf(kind)) if is_of_library(kind) else kind

    def _class_item(self, writer: Any, key: Any, kind: type) -> str:
        """The item of a class, as itself or (`TypeOf`) as the class of handles alone."""
        number = self.number_of(key)
        if number is not None:
            return f'{{"@":{number}}}'
        bases = []
        for base in _bases(kind):
            if base is object:
                continue
            if not path_of(base, False):
                bases.append(self._class_item(writer, self._key(base), base))
            elif BaseException in _ancestors(base) or base in _DERIVED:
                bases.append(writer.item(base))
        number = self._exported(key)
        about = ",".join(map(plain._quote, description(kind)))
        writer.encoder._spend(len(about))
        writer.bodies.append(f'[{number},"c",[{",".join(bases)}],[{about}]]')
        return f'{{"@":{number}}}'

    def _error_item(self, writer: Any, value: Any, kind: type) -> str:
        class_item = writer.item(kind)
        number = self._exported(value)
        self.telling.add(number)
        # A test's exception has its arguments alone here: what led to it is the test's.
        state = errors.state_of(value, kind, bool(path_of(kind, False))) if self.first else {}
        before = errors.led_to(value) if self.first else (None, None)
        given = errors.arguments_of(value, kind)
        items = [self._part(writer, one) for one in (*before, *state.values(), *given)]
        self.telling.discard(number)
        names = ",".join(map(plain._quote, state))
        writer.bodies.append(f'[{number},"x",[{",".join([class_item, *items])}],[{names}]]')
        return f'{{"@":{number}}}'

    def _part(self, writer: Any, value: Any) -> str:
        """The item of a part of an exception; None for another one that this is a part of, or too deep."""
        if BaseException in _ancestors(type(value)):
            number = self.number_of(value)
            if number in self.telling or (number is None and len(self.telling) > MAX_CAUSES):
                return "null"
        return writer.item(value)  # type: ignore[no-any-return]

    def _refuse_inner(self, value: Any, kind: type) -> None:
        if kind in _INNER or kind is types.ModuleType or self.peer.is_inner(value):
            self.peer.refuse(f"a {kind.__name__} of the test's does not leave its process")

    def added(self, value: Any) -> int:
        if not self.first and type(value) is dict and self.peer.is_inner(value):
            self.peer.refuse("the names of the test do not leave its process")
        return super().added(value)

    def made(self, kind: str, items: list[Any], more: Any) -> Any:
        if kind in _NEW:
            (data_class,) = items
            return _Made(_new_data(data_class, _CHANGING, ()), None)
        texts = more[0] if len(more) == 1 else None
        if type(texts) is not list or not all(type(text) is str for text in texts):
            raise ValueError("not an object")
        if kind == "c":
            return self._made_class(items, texts)
        if kind == "x":
            return errors.made(items, texts)
        if kind == "v":
            return library.made(texts[0], items)
        if kind == "i":
            data_class, *parts = items
            (hashed,) = texts
            return _Made(_new_data(data_class, _FIXED, parts), int(hashed) if hashed else None)
        if kind == "p":
            (handle_type,) = items
            (hashed,) = texts
            if type(handle_type) is not handles.HandleType:
                raise ValueError("not a class of handles")
            return _Made(object.__new__(handle_type), int(hashed) if hashed else None)
        raise ValueError("not a kind of object")

    def _made_class(self, bases: list[Any], texts: list[str]) -> type:
        name, said, specials, functions, own, names, also = texts
        self.classes += 1
        if self.classes > MAX_CLASSES:
            raise ValueError("too many classes")
        if not all(issubclass(type(base), type) for base in bases):
            raise ValueError("not a class")
        return handles.handle_class(
            name[:200],
            tuple(dict.fromkeys(bases)),
            said,
            specials.split(),
            functions.split(),
            own,
            names.split(),
            tuple([kind for path in also.split() if (kind := _class_of_library(path)) is not None]),
        )

    def keep(self, number: int, value: Any) -> None:
        if type(value) is _Made:
            value, hashed = value.value, value.hashed
            if hashed is not None:
                self.hashes[number] = hashed
            self.handles.add(number)
            if (said := handles._said_name(type(value))) in ("generator", "coroutine"):
                self.drivers[number] = value
                self.numbers[id(value)] = number
                value = driven(self, value) if said == "generator" else self.peer.loops.awaited(value)
        elif number % 2 != self.first and (
            type(value) is handles.HandleType or isinstance(value, BaseException)
        ):
            self.handles.add(number)
        super().keep(number, value)
        if library.is_array(value):
            self.contents[number] = self.state(value)

    def _drop(self, number: int) -> None:
        driver = self.drivers.pop(number, None)
        if driver is not None:
            self.numbers.pop(id(driver), None)
        self.hashes.pop(number, None)
        self.pinned.discard(number)
        super()._drop(number)

    def _drop_all(self) -> None:
        super()._drop_all()
        self.hashes, self.drivers = {}, {}
        self.peer.begin()

    def read(self, text: str) -> list[Any]:
        self.reading = True
        try:
            return super().read(text)
        finally:
            self.reading = False

    def named(self, path: list[Any]) -> Any:
        if not self.trusts:
            if len(path) == 2 and path[0] == "g" and type(path[1]) is str:
                return _library(path[1])
            raise ValueError("not a name")
        if path[0] == "":
            return self.peer.named(path[1])
        if path[0] == "a":
            owner = self.objects[path[1].number] if type(path[1]) is _Reference else path[1]
            return getattr(owner, path[2])
        return found(path[1])


class _Made:
    """A new handle and the hash of its object."""

    __slots__ = ("hashed", "value")

    def __init__(self, value: Any, hashed: int | None) -> None:
        self.value, self.hashed = value, hashed


def _new_data(kind: Any, known: Any, parts: Any) -> Any:
    """A new object of a class of handles that derives from one of the `known` types of data."""
    if type(kind) is handles.HandleType:
        for base in known:
            if base in _ancestors(kind):
                if base in (tuple, frozenset):
                    return base.__new__(kind, parts)
                if base in library.PARTS:
                    return library.derived(base, kind, parts)
                if all(type(part) is base for part in parts):
                    return base.__new__(kind, *parts)
    raise ValueError("not an object of a class of data")


def is_of_library(kind: type) -> bool:
    """Whether a class is built in, or one of the standard library's."""
    return not _flags(kind) & _HEAP_TYPE or bool(path_of(kind, True))


def description(kind: type) -> tuple[str, str, str, str, str, str, str]:
    """What a handle's class is made from: name, the name of a builtin type, special methods, functions; what
    of `==` (e), `hash` (h; u: there is none), `repr` (r), `str` (s) and `format` (f) is the class's own, and
    of `isinstance` (m) its metaclass's; what else it defines; and classes of the library that it derives
    from."""
    names: dict[str, Any] = {}
    for ancestor in reversed(_ancestors(kind)[:-1]):
        if ancestor in _DERIVED:
            # What a type of data does is done where the data is, unless the class does it in another way.
            names = {name: value for name, value in names.items() if name not in _contents(ancestor)}
        else:
            names.update(_contents(ancestor))
    specials = [name for name in handles.SPECIALS if names.get(name) is not None]
    functions = [
        name for name, value in names.items() if type(value) is types.FunctionType and name[:2] != "__"
    ]
    own = "".join([letter for letter, name in _OWN if name in names])
    if any("__instancecheck__" in _contents(one) for one in _ancestors(type(kind))[:-2]):
        own += "m"
    if "__hash__" in names:
        own += "h" if names["__hash__"] is not None else "u"
    said = plain.type_name(kind) if is_of_library(kind) else ""
    others = [name for name in names if name not in functions]
    kinds = [one for one in _ancestors(kind)[0 if said else 1 : -1] if one not in _DERIVED]
    return (
        plain.type_name(kind),
        said,
        " ".join(specials),
        " ".join(map(str, functions)),
        own,
        " ".join(map(str, others)),
        " ".join([path for one in kinds if (path := path_of(one, True))]),
    )


_OWN = (("e", "__eq__"), ("e", "__ne__"), ("r", "__repr__"), ("s", "__str__"), ("f", "__format__"))


def _hash_of(value: Any, kind: type) -> str:
    """The hash of an object whose class has one of its own."""
    if is_of_library(kind) or not _has_own_hash(kind):
        return ""
    try:
        return str(hash(value))
    except Exception:
        return ""


def _has_own_hash(kind: type) -> bool:
    for ancestor in _ancestors(kind)[:-1]:
        if "__hash__" in _contents(ancestor):
            # One that the other process has written is not to be asked in the middle of a message.
            return ancestor not in _DERIVED and type(type(_contents(ancestor)["__hash__"])) is type
    return False


def path_of(value: Any, anything: bool) -> str:
    """`module.name` of a class or a function that the other process has as well, "" of anything else.

    `anything`: of all the library, not only of what a test's process takes from a solution's."""
    kind = type(value)
    if type in _ancestors(kind):
        module, name = _module(value), _qualname(value)
    elif kind in _FUNCTIONS:
        module, name = value.__module__, value.__qualname__
    elif _module(kind) == "dataclasses" and kind.__name__ in ("_FIELD_BASE", "_MISSING_TYPE"):
        # What `asdict` and its likes tell fields by, as the very object.
        module, name = "dataclasses", getattr(value, "name", "MISSING")
    elif kind is _METHOD_OF_A_TYPE and anything:
        module, name = _module(value.__objclass__), value.__qualname__
    elif kind is types.ModuleType and anything:
        return value.__name__ if value.__name__.split(".")[0] in sys.stdlib_module_names else ""
    else:
        return ""
    if type(module) is not str or type(name) is not str or "<" in name:
        return ""
    if module.split(".")[0] not in sys.stdlib_module_names or module.split(".")[0] in _LOUD:
        return ""
    path = f"{module}.{name}"
    known = path in _NAMED or path in _LIBRARY
    if not known and type in _ancestors(kind) and BaseException in _ancestors(value):
        known = True
    if not (known or anything):
        return ""
    try:
        return path if found(path) is value else ""
    except (ValueError, AttributeError):
        return ""


def found(path: str) -> Any:
    """What a path names here. Raises ValueError or AttributeError."""
    module = path.rpartition(".")[0]
    while module and module not in sys.modules and "." in module:
        module = module.rpartition(".")[0]
    if not module:
        __import__(path)
        return sys.modules[path]
    if module not in sys.modules:
        try:
            __import__(module)
        except ImportError:
            raise ValueError("no such module") from None
    value: Any = sys.modules[module]
    for part in path[len(module) + 1 :].split("."):
        value = getattr(value, part)
    return value


def _library(path: str) -> Any:
    """What a solution's process may name. Raises ValueError for anything else."""
    top = path.partition(".")[0]
    if path in _NAMED or path in _LIBRARY:
        return found(path)
    if top in sys.stdlib_module_names and top not in _LOUD:
        try:
            value = found(path)
        except AttributeError:
            raise ValueError("not a name") from None
        if isinstance(value, type) and issubclass(value, BaseException):
            return value
    raise ValueError("not a name")


def _class_of_library(path: str) -> type | None:
    """A class that is written in Python, of which a class of the solution's may say that it derives from it:
    no data is of such a type."""
    top = path.partition(".")[0]
    if top in sys.stdlib_module_names and top not in _LOUD and top != "builtins" and path not in _LIBRARY:
        try:
            value = found(path)
        except (ValueError, AttributeError):
            return None
        if isinstance(value, type) and _flags(value) & _HEAP_TYPE and not issubclass(value, BaseException):
            return value
    return None


def driven(heap: ObjectHeap, handle: Handle) -> Iterator[Any]:
    """A generator that has the one in the other process go on, step by step."""
    number = heap.numbers[id(handle)]

    def drive() -> Iterator[Any]:
        step: tuple[Any, ...] = (".step", handle)
        while True:
            told, value = heap.peer.operate(step[0], step[1:], {})
            if told:
                return value
            try:
                sent = yield value
            except GeneratorExit:
                if heap.numbers.get(id(handle)) == number:
                    heap.peer.operate(".close", (handle,), {})
                raise
            except BaseException as error:
                step = (".throw", handle, error)
            else:
                step = (".step", handle) if sent is None else (".send", handle, sent)

    return drive()
