"""Objects that stand on both sides of a test's pipe: what is one object in one process is one object here.

The test's process and the solution's hold each list, dictionary, tuple and the like that crosses the pipe as
two copies under one number. A message names them by it, so that the very argument comes back as the very
argument, two parts that are one stay one, and a change on one side is made on the other before anything runs
there. A number means an object that crossed the pipe and nothing else: who lies about it does what it could
have done to the object itself. Texts and numbers are told apart from their likes on their way there and
back, no longer.

A message is JSON: `[[roots], [[number, kind, [items], ..], ..], [numbers that are forgotten] or null: all]`.
An item is a scalar as `plain` writes it, `{"@": number}`, or `{"=": [number, scalar]}`. Kinds are `plain`'s
tags, `l` a list. Reads with C-level methods only.
"""

from __future__ import annotations

import builtins
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from itertools import chain
from json.decoder import JSONDecoder
from operator import is_
from typing import Any

from sandbox_image import plain
from sandbox_image.iterators import Iterated, iterated

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

MAX_OBJECTS = 2000
# So many scalars of a message are told apart from their likes, and none in lists longer than this.
MAX_SCALARS, _FEW = 1000, 64
_KIND_OF: dict[type, str] = {
    list: "l",
    tuple: "t",
    dict: "d",
    defaultdict: "m",
    Counter: "n",
    OrderedDict: "e",
    set: "s",
    frozenset: "z",
    deque: "q",
    bytearray: "b",
    Iterated: "y",
}
_NEW: dict[str, Callable[[], Any]] = {
    "l": list,
    "d": dict,
    "m": defaultdict,
    "n": Counter,
    "e": OrderedDict,
    "s": set,
    "q": deque,
    "b": bytearray,
}
# Kinds of what may change: arrays are made as values of the library, and change in place.
CHANGING = frozenset({*_NEW, "a"})
_SCALARS = {int, str, float, complex, bytes, range}
_CONTAINERS = frozenset(_KIND_OF)
_flattened = chain.from_iterable
_dict_items, _ordered_items = dict.items, OrderedDict.items
_dict_update = dict.update
_references = sys.getrefcount
_factory = vars(defaultdict)["default_factory"].__get__
_set_factory = vars(defaultdict)["default_factory"].__set__


class _Reference:
    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class Named:
    """An item that names an object by its place in the other process: `{"n": [path, ..]}`."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


_ITEMS = {_Reference, Named, type(None), bool, *_SCALARS}


class Heap:
    """One side of the pipe. `first`: 0 or 1, the parity of the numbers that this side gives."""

    def __init__(self, first: int, opaque: Callable[[str], plain.Opaque] = plain.Opaque) -> None:
        self.first, self.next, self.opaque = first, first, opaque
        self.kinds = {*_ITEMS, type(opaque(""))}
        self.numbers: dict[int, int] = {}
        self.objects: dict[int, Any] = {}
        # What is in those that may change, as both sides know it.
        self.contents: dict[int, list[Any]] = {}
        # Scalars of the last message to the solution, by their negative numbers, and the reverse.
        self.scalars: dict[int, Any] = {}
        self.scalar_numbers: dict[int, int] = {}
        # Numbers of what is never forgotten here, and how many objects there are before any is.
        self.pinned: set[int] = set()
        # Numbers of handles, which are kept as long as somebody holds them.
        self.handles: set[int] = set()
        self.forget_above = 0
        self.is_new = True
        self._scan = JSONDecoder(object_pairs_hook=self._untag).scan_once  # type: ignore[attr-defined]

    def write(self, roots: Iterable[Any], budget: int) -> tuple[str, bool]:
        """The message that brings these objects, and what has changed, to the other side; and whether there
        is something in them that is no plain data. Raises `plain.TooLarge` beyond `budget` characters."""
        dropped: list[int] = []
        if not self.first:
            dropped = self._forget()
            self.scalars, self.scalar_numbers = {}, {}
        writer = _Writer(self, budget)
        heads = [writer.item(root) for root in roots]
        writer.follow()
        is_plain = writer.is_plain
        for number in [*self.contents]:
            if number in writer.seen:
                continue
            value = self.objects[number]
            if not self.first and not self.may_hold(value):
                # The test has put something of its own into it.
                dropped.append(number)
            elif not self.is_known(number, self.state(value)):
                writer.reach(number, value)
        writer.follow()
        for number in dropped:
            self._drop(number)
        gone = "null" if self.is_new and not self.first else f"[{','.join(map(str, dropped))}]"
        self.is_new = False
        return f"[[{','.join(heads)}],[{','.join(writer.bodies)}],{gone}]", is_plain

    def read(self, text: str) -> list[Any]:
        """The roots of a message from the other side, once its changes are made here. Raises ValueError for
        what is no message."""
        try:
            return self._read(text)
        except (TypeError, KeyError, AttributeError, OverflowError, StopIteration, RecursionError) as error:
            raise ValueError(f"not a message: {type(error).__name__}") from None

    def _read(self, text: str) -> list[Any]:
        if self.first:
            self.scalars, self.scalar_numbers = {}, {}
        message, end = self._scan(text, 0)
        roots, bodies, dropped = message
        if end != len(text):
            raise ValueError("text after the message")
        if dropped is None:
            self._drop_all()
        for number in dropped or ():
            self._drop(number)
        fixed: dict[int, Any] = {}
        factories: dict[int, Any] = {}
        for number, kind, items, *more in bodies:
            if type(number) is not int or not self.kinds.issuperset(map(type, items)):
                raise ValueError("no items")
            if number in self.objects:
                if kind not in CHANGING or self.kind_of(self.objects[number]) != kind:
                    raise ValueError("another kind of object")
            elif number < 0 or number % 2 == self.first:
                raise ValueError("not a number of the other side's")
            elif kind == "m" and more and len(more[0]) == 2:
                self.keep(number, defaultdict())
                factories[number] = more[0][1]
            elif kind in _NEW and not _has_class(more):
                self.keep(number, self._made(kind, more))
            else:
                fixed[number] = kind, items, more
        for number in fixed:
            self._build(number, fixed, 0)
        for number, kind, items, *_ in bodies:
            if kind in CHANGING:
                self.fill(self.objects[number], kind, self._resolved(items))
                self.contents[number] = self.state(self.objects[number])
        for number, factory in factories.items():
            self._have_made(self.objects[number], factory)
        if not self.kinds.issuperset(map(type, roots)):
            raise ValueError("no roots")
        return self._resolved(roots)

    def _made(self, kind: str, more: list[Any]) -> Any:
        """A new object that may change, still empty. `more`: a deque's length, what a defaultdict makes."""
        if kind == "q" and more:
            ((longest,),) = more
            return deque(maxlen=longest)
        if kind == "m" and more:
            ((name,),) = more
            return defaultdict(plain.FACTORIES[name])
        return _NEW[kind]()

    def _have_made(self, made: Any, factory: Any) -> None:
        """Gives a defaultdict the function of the other side that makes what is not in it."""
        if not self.kinds.issuperset({type(factory)}):
            raise ValueError("no item")
        (function,) = self._resolved([factory])
        if callable(function):
            _set_factory(made, function)

    def number_of(self, value: Any) -> int | None:
        """The number of an object that has one."""
        number = self.numbers.get(id(value))
        return self.scalar_numbers.get(id(value)) if number is None else number

    def mark(self, number: int, value: Any) -> None:
        """Remembers a scalar until the next call."""
        self.scalars[number] = value
        self.scalar_numbers[id(value)] = number

    def is_known(self, number: int, items: list[Any]) -> bool:
        """Whether the other side knows that these are in it."""
        known = self.contents.get(number)
        return known is not None and len(known) == len(items) and all(map(is_, known, items))

    def added(self, value: Any) -> int:
        """The number of an object that the other side does not know yet."""
        number, self.next = self.next, self.next + 2
        self.keep(number, value)
        return number

    def kind_of(self, value: Any) -> str | None:
        """The kind of body of an object whose contents cross, whatever class it is of; None of any other."""
        return _KIND_OF.get(type(value))

    def class_item(self, writer: Any, value: Any) -> str:
        """The item of the class of such an object, "" where the kind says it."""
        return ""

    def state(self, value: Any) -> list[Any]:
        """What is in such an object, in order."""
        return _shallow(value)

    def may_hold(self, container: Any) -> bool:
        """Whether all that lies in it can cross."""
        return _is_plain(container)

    def item_of(self, writer: Any, value: Any) -> str:
        """The item of what is no plain data."""
        writer.is_plain = False
        return writer.encoder.text(value, 0)  # type: ignore[no-any-return]

    def fill(self, value: Any, kind: str, items: list[Any]) -> None:
        """Gives an object these contents."""
        _fill(value, kind, items)

    def made(self, kind: str, items: list[Any], more: Any) -> Any:
        """An object of a kind that this heap does not know. Raises ValueError."""
        raise ValueError("not a kind of object")

    def named(self, path: list[Any]) -> Any:
        """What another process means by such a path. Raises ValueError."""
        raise ValueError("not a path")

    def keep(self, number: int, value: Any) -> None:
        self.objects[number] = value
        self.numbers[id(value)] = number

    def _drop(self, number: int) -> None:
        value = self.objects.pop(number, None)
        self.contents.pop(number, None)
        self.numbers.pop(id(value), None)
        self.handles.discard(number)

    def _drop_all(self) -> None:
        self.numbers, self.objects, self.contents = {}, {}, {}
        self.pinned, self.handles = set(), set()

    def _forget(self) -> list[int]:
        """Numbers of what nobody but this heap holds, and of the oldest where there are too many."""
        objects, pinned = self.objects, self.pinned
        if len(objects) < self.forget_above:
            return []
        dropped = [number for number in objects if _references(objects[number]) <= 2 and number not in pinned]
        dropped = [number for number in dropped if not self._has_changed(number)]
        for number in dropped:
            self._drop(number)
        kept = len(pinned) + len(self.handles)
        copies = [number for number in objects if number not in pinned and number not in self.handles]
        oldest = copies[: max(0, len(copies) - MAX_OBJECTS)]
        for number in oldest:
            self._drop(number)
        self.forget_above = min(2 * len(objects), MAX_OBJECTS + kept) if len(objects) > _FEW else 0
        return dropped + oldest

    def _has_changed(self, number: int) -> bool:
        """Whether the other side is still to be told of a change."""
        return number in self.contents and not self.is_known(number, self.state(self.objects[number]))

    def _untag(self, pairs: list[tuple[str, Any]]) -> Any:
        ((tag, body),) = pairs
        if tag == "@" and type(body) is int:
            return _Reference(body)
        if tag == "=" and self.first:
            number, value = body
            self.mark(number, value)
            return value
        if tag == "n" and type(body) is list:
            return Named(self.named(body))
        if tag == "o" and type(body) is str:
            return self.opaque(body[:200])
        value = plain._untag(pairs)
        if type(value) not in _SCALARS:
            raise ValueError("not a scalar")
        return value

    def _resolved(self, items: list[Any]) -> list[Any]:
        return [
            (item.value if type(item) is Named else item)
            if type(item) is not _Reference
            else self.objects[item.number]
            if item.number >= 0
            else self.scalars[item.number]
            for item in items
        ]

    def _build(self, number: int, fixed: dict[int, Any], depth: int) -> None:
        """Makes an object that cannot be changed once it is made, after those that lie in it."""
        if number in self.objects:
            return
        if depth > plain.MAX_DEPTH:
            raise ValueError("nested too deep, or in itself")
        kind, items, more = fixed[number]
        if kind in _NEW:
            # What is in it comes later; its class is needed now.
            items, more = more[0], ()
        for item in items:
            if type(item) is _Reference and item.number in fixed:
                self._build(item.number, fixed, depth + 1)
        found = self._resolved(items)
        if kind == "t":
            self.keep(number, tuple(found))
        elif kind == "z":
            self.keep(number, frozenset(found))
        elif kind == "y":
            ((name, *end),) = more
            self.keep(number, iterated([name, found, end]))
        else:
            self.keep(number, self.made(kind, found, more))


class _Writer:
    """The bodies of a message, object by object: nothing here calls itself, however deep they are nested."""

    def __init__(self, heap: Heap, budget: int) -> None:
        self.heap, self.encoder = heap, plain._Encoder(budget)
        self.bodies: list[str] = []
        self.waiting: list[tuple[int, Any]] = []
        self.seen: set[int] = set()
        self.new: set[int] = set()
        self.is_plain = True

    def item(self, value: Any) -> str:
        kind = type(value)
        if kind in _CONTAINERS:
            self.encoder._spend(8)
            return f'{{"@":{self._reached(value)}}}'
        if kind not in _SCALARS:
            if kind is bool or value is None:
                return self.encoder.text(value, 0)
            number = self.heap.number_of(value)
            return self.heap.item_of(self, value) if number is None else f'{{"@":{number}}}'
        if _is_one_of_a_kind(value, kind):
            return self.encoder.text(value, 0)
        number = self.heap.number_of(value)
        if number is not None:
            self.encoder._spend(8)
            return f'{{"@":{number}}}'
        text = self.encoder.text(value, 0)
        if self.heap.first or len(self.heap.scalars) >= MAX_SCALARS:
            return text
        number = -1 - len(self.heap.scalars)
        self.heap.mark(number, value)
        return f'{{"=":[{number},{text}]}}'

    def reach(self, number: int, value: Any) -> None:
        """Has an object looked at, once a message."""
        if number not in self.seen:
            self.seen.add(number)
            self.waiting.append((number, value))

    def follow(self) -> None:
        """Writes what has been reached and the other side does not know, and whatever lies in it."""
        heap = self.heap
        while self.waiting:
            number, value = self.waiting.pop()
            kind, items = heap.kind_of(value) or "", heap.state(value)
            kinds = {*map(type, items)}
            if number not in self.new and (kind not in CHANGING or heap.is_known(number, items)):
                for item in items if kinds & _CONTAINERS else ():
                    if type(item) in _CONTAINERS:
                        self._reached(item)
                # What was no plain data when it came is none now.
                self.is_plain = self.is_plain and kinds <= _PLAIN
                continue
            if len(items) > _FEW and kinds <= _PLAIN and not kinds & _CONTAINERS:
                text = self.encoder.text(items, 0)
            else:
                self.encoder._spend(8 + len(items))
                text = f"[{','.join([self.item(item) for item in items])}]"
            more = ""
            if kind == "y":
                more = f",[{','.join(map(plain._quote, (value.kind, *value.end)))}]"
            elif of := heap.class_item(self, value):
                more = f",[{of}]"
            elif kind == "q" and value.maxlen is not None:
                more = f",[{value.maxlen}]"
            elif kind == "m" and (name := plain.factory_name(value)):
                more = f',["{name}"]'
            elif kind == "m" and number in self.new and (factory := _factory(value)) is not None:
                more = f',["",{self.item(factory)}]'
            self.bodies.append(f'[{number},"{kind}",{text}{more}]')
            if kind in CHANGING:
                heap.contents[number] = items

    def _reached(self, value: Any) -> int:
        number = self.heap.number_of(value)
        if number is None:
            number = self.heap.added(value)
            self.new.add(number)
        self.reach(number, value)
        return number


def _has_class(more: list[Any]) -> bool:
    """Whether a body says of which class its object is."""
    return bool(more) and type(more[0]) is list and {*map(type, more[0])} <= {_Reference, Named}


def _is_one_of_a_kind(value: Any, kind: type) -> bool:
    """Whether equal values of this are one object in any process."""
    return (kind is int and -6 < value < 257) or (kind in (str, bytes) and len(value) < 2)


_PLAIN = _CONTAINERS | _SCALARS | {bool, type(None)}


def _is_plain(container: Any) -> bool:
    return {*map(type, _shallow(container))} <= _PLAIN


def _shallow(container: Any) -> list[Any]:
    """What is in it, in order; of a mapping keys and values by turns."""
    kind = type(container)
    if kind is Iterated:
        return container.items  # type: ignore[no-any-return]
    if kind is bytearray:
        return [bytes(container)]
    if kind is OrderedDict:
        return [*_flattened(_ordered_items(container))]
    if kind is dict or kind is Counter or kind is defaultdict:
        return [*_flattened(_dict_items(container))]
    return [*container]


def contents_of(container: Any, kind: str) -> list[Any]:
    """The same of an object of a class that derives from that of a kind: none of its methods runs."""
    if kind == "e":
        return [*_flattened(_ordered_items(container))]
    if kind in "dmn":
        return [*_flattened(_dict_items(container))]
    return [*_WALK[kind](container)]


_WALK: dict[str, Callable[[Any], Any]] = {
    kind: vars(base)["__iter__"]
    for kind, base in (("l", list), ("s", set), ("q", deque), ("t", tuple), ("z", frozenset))
}
_list_fill, _ordered_set = vars(list)["__setitem__"], vars(OrderedDict)["__setitem__"]
_CLEAR = {
    kind: vars(base)["clear"]
    for kind, base in (("d", dict), ("m", dict), ("n", dict), ("e", OrderedDict), ("s", set), ("q", deque))
}
_set_update, _deque_extend, _whole = vars(set)["update"], vars(deque)["extend"], slice(None)


def _fill(container: Any, kind: str, items: list[Any]) -> None:
    if kind == "l":
        _list_fill(container, _whole, items)
        return
    if kind == "b":
        (container[:],) = items
        return
    _CLEAR[kind](container)
    if kind == "q":
        _deque_extend(container, items)
    elif kind == "s":
        _set_update(container, items)
    else:
        pairs = zip(items[::2], items[1::2], strict=True)
        if kind == "e":
            for key, value in pairs:
                _ordered_set(container, key, value)
        else:
            _dict_update(container, pairs)
