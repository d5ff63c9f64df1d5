"""Plain data as text inside the container: the format of `tasks.core.values`, written by code of its own.

Both ends of the solution's world use it: results of a call on their way out, arguments on their way
in. Reads with C-level methods only, so that no code of the value's own type runs.
"""

from __future__ import annotations

import builtins
import marshal
import math
from collections import Counter, OrderedDict, defaultdict, deque
from itertools import chain, compress
from json.decoder import JSONDecoder
from json.encoder import encode_basestring_ascii
from typing import Any

from sandbox_image.iterators import Iterated, iterated

try:
    from _sha2 import sha256 as _sha256  # type: ignore[import-not-found]
except ImportError:
    # Python 3.11. Not from hashlib: it loads OpenSSL, and every fork would pay for that.
    from _sha256 import sha256 as _sha256  # type: ignore[import-not-found]

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

MAX_DEPTH = 200
TOO_DEEP = '{"o":"too deep"}'
_LARGE_INT = 10**4000
# Of so few items, or of larger numbers, a list is written item by item.
_FEW, _SMALL_INT = 16, 10**18
_quote = encode_basestring_ascii
_list_text = list.__repr__
_flattened = chain.from_iterable
_dict_items = dict.items
_ordered_items = OrderedDict.items
_float_text = float.__repr__
_int_text = int.__repr__
_type_name = vars(type)["__name__"].__get__
_finite = math.isfinite
_marshal = marshal.dumps
_DIGEST_STEP = 1024
# What a defaultdict makes in the place of what it has not.
FACTORIES: dict[str, Any] = {one.__name__: one for one in (bool, dict, float, int, list, set, str, tuple)}
_FACTORY_NAMES = {id(one): name for name, one in FACTORIES.items()}
_MAPPINGS: dict[str, Any] = {"d": dict, "e": OrderedDict, "n": Counter}
_CONTAINERS = {list, tuple, set, frozenset, deque, defaultdict, Iterated, *_MAPPINGS.values()}


class TooLarge(Exception):  # noqa: N818 - an outcome, not an error of the program
    """The text of the value would exceed the budget."""


class _TooDeep(Exception):  # noqa: N818
    pass


class Opaque:
    """A value that is not plain data: equal to nothing, and no operator or truth test accepts it."""

    __slots__ = ("type_name",)

    def __init__(self, type_name: str) -> None:
        self.type_name = type_name

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        raise TypeError("an opaque value has no truth")

    def __repr__(self) -> str:
        return "<opaque>"


def type_name(kind: type) -> str:
    """The name of a type, without asking its metaclass, at most 200 characters."""
    return str(_type_name(kind))[:200]


def encode(value: Any, budget: int) -> str:
    """The text of any value, ASCII. Nested deeper than `MAX_DEPTH` is one opaque value.

    Raises `TooLarge` when the text would have more than `budget` characters, and whatever a value
    that changes while it is read provokes.
    """
    try:
        return _Encoder(budget).text(value, 0)
    except _TooDeep:
        return TOO_DEEP


def factory_name(value: defaultdict[Any, Any]) -> str | None:
    """The name of what a defaultdict makes, one of `FACTORIES`; None of anything else, and of one that makes
    nothing."""
    return _FACTORY_NAMES.get(id(value.default_factory))


def digest(value: Any) -> str:
    """The text that stands for a list or tuple too large to travel: its type, length and SHA-256.

    Equal texts mean equal values of equal types. Not the reverse: 1 and True differ here, and sets show
    the order in which they iterate. Raises ValueError for other types, and for items that are not plain.
    """
    kind = type(value)
    if kind is not list and kind is not tuple:
        raise ValueError("only lists and tuples have a digest")
    total = _sha256()
    for start in range(0, len(value), _DIGEST_STEP):
        # Version 0 has no back references: equal items give equal bytes, whatever they share.
        total.update(_marshal(value[start : start + _DIGEST_STEP], 0))
    return f'{{"h":[{_quote(kind.__name__)},{len(value)},{_quote(total.hexdigest())}]}}'


class _Encoder:
    __slots__ = ("left",)

    def __init__(self, budget: int) -> None:
        self.left = budget

    def _spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise TooLarge

    def text(self, value: Any, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise _TooDeep
        kind = type(value)
        if kind is int:
            return self._int(value)
        if kind is str:
            self._spend(len(value) + 2)
            text = _quote(value)
            self._spend(len(text) - len(value) - 2)
            return text
        if value is None or kind is bool:
            self._spend(4)
            return "null" if value is None else "true" if value else "false"
        if kind is float:
            self._spend(3)
            return _float_text(value) if _finite(value) else f'{{"f":"{_float_text(value)}"}}'
        if kind is list:
            return self._list(value, depth)
        if kind is tuple:
            return f'{{"t":[{self._sequence(value, depth)}]}}'
        if kind is dict:
            return self._mapping("d", _dict_items(value), depth)
        if kind is defaultdict:
            return self._default(value, depth)
        if kind is Counter:
            return self._mapping("n", _dict_items(value), depth)
        if kind is OrderedDict:
            return self._mapping("e", _ordered_items(value), depth)
        if kind is deque:
            return f'{{"q":[{self._sequence(list(value), depth)}]}}'
        return self._rare(value, kind, depth)

    def _int(self, value: int) -> str:
        if -_LARGE_INT < value < _LARGE_INT:
            text = _int_text(value)
        else:
            if value.bit_length() // 4 > self.left:
                raise TooLarge
            text = f'{{"i":"{hex(value)}"}}'
        self._spend(len(text))
        return text

    def _list(self, items: list[Any], depth: int) -> str:
        text = self._list_in_c(items, depth) if len(items) > _FEW else None
        return text or f"[{self._sequence(items, depth)}]"

    def _list_in_c(self, items: list[Any], depth: int) -> str | None:
        """The text of lists in lists of numbers, or of a list of strings, without a call of ours for each of
        thousands; None for anything else, and where it might cost more than is left. It costs what it would
        cost item by item."""
        level, cost, filled = items, 2 + len(items), 1
        inner = depth > 0
        while cost <= self.left and depth < MAX_DEPTH:
            kinds = set(map(type, level))
            if kinds != {list}:
                return self._scalars_in_c(items, level, kinds, cost, filled)
            if inner:
                # Only the outermost looks below itself: deep lists would be looked at time and again.
                return None
            depth += 1
            filled += sum(map(bool, level))
            cost += 2 * len(level) + sum(map(len, level))
            if cost <= self.left:
                level = list(_flattened(level))
        return None

    def _scalars_in_c(
        self, items: list[Any], scalars: list[Any], kinds: set[type], cost: int, filled: int
    ) -> str | None:
        """`scalars` are what lies in `items`, at any depth; `filled` of the lists there are not empty."""
        if kinds == {int} and -_SMALL_INT < min(scalars) <= max(scalars) < _SMALL_INT:
            widest = max(len(_int_text(min(scalars))), len(_int_text(max(scalars))))
            if cost + widest * len(scalars) <= self.left:
                text = _list_text(items).replace(" ", "")
                self._spend(len(text) + filled)
                return text
        elif kinds == {float} and all(map(_finite, scalars)) and cost + 3 * len(scalars) <= self.left:
            self._spend(cost + 3 * len(scalars))
            return _list_text(items).replace(" ", "")
        elif kinds == {str} and scalars is items:
            if cost + sum(map(len, items)) + 2 * len(items) <= self.left:
                text = f"[{','.join(map(_quote, items))}]"
                self._spend(len(text) + filled)
                return text
        return None

    def _sequence(self, items: Any, depth: int) -> str:
        self._spend(2 + len(items))
        return ",".join([self.text(item, depth + 1) for item in items])

    def _mapping(self, tag: str, items: Any, depth: int) -> str:
        self._spend(8)
        pairs = []
        for key, item in items:
            self._spend(4)
            pairs.append(f"[{self.text(key, depth + 1)},{self.text(item, depth + 1)}]")
        return f'{{"{tag}":[{",".join(pairs)}]}}'

    def _default(self, value: defaultdict[Any, Any], depth: int) -> str:
        text = self._mapping("d", _dict_items(value), depth)
        if (name := factory_name(value)) is None:
            return text
        self._spend(len(name) + 8)
        return f'{{"m":["{name}",{text[5:-1]}]}}'

    def _rare(self, value: Any, kind: type, depth: int) -> str:
        if kind is set or kind is frozenset:
            self._spend(8 + len(value))
            items = sorted([self.text(item, depth + 1) for item in value])
            return f'{{"{"s" if kind is set else "z"}":[{",".join(items)}]}}'
        if kind is bytes:
            self._spend(8 + 2 * len(value))
            return f'{{"b":"{value.hex()}"}}'
        if kind is complex:
            return f'{{"c":[{self.text(value.real, depth)},{self.text(value.imag, depth)}]}}'
        if kind is range:
            parts = ",".join([self._int(part) for part in (value.start, value.stop, value.step)])
            self._spend(10)
            return f'{{"r":[{parts}]}}'
        if kind is Iterated:
            known = [_quote(part) for part in (value.kind, *value.end)]
            self._spend(8 + sum(map(len, known)))
            yielded = self._sequence(value.items, depth)
            return f'{{"y":[{known[0]},[{yielded}],[{",".join(known[1:])}]]}}'
        name = value.type_name if kind is Opaque else type_name(kind)
        self._spend(len(name) + 8)
        return f'{{"o":{_quote(name)}}}'


def parse(data: bytes) -> Any:
    """The driver's JSON: `json.loads` without its Python frames, whose pages every child would copy."""
    return _scan(data.decode("ascii"), 0)[0]


def decode(text: str) -> Any:
    """The value of an encoded text; opaque parts become `Opaque`. Raises ValueError for anything else."""
    try:
        value, end = _scan_tagged(text, 0)
    except (TypeError, AttributeError, KeyError, OverflowError, StopIteration, RecursionError) as error:
        raise ValueError(f"not an encoded value: {type(error).__name__}") from None
    if end != len(text):
        raise ValueError("text after the value")
    # Each level has a bracket of its own: few brackets, and the value need not be walked.
    if text.count("[") > MAX_DEPTH and is_too_deep(value):
        raise ValueError("nested too deep")
    return value


def _untag(pairs: list[tuple[str, Any]]) -> Any:
    """A JSON object, whose body is decoded already, as the value that it stands for."""
    ((tag, body),) = pairs
    if type(body) is list:
        if tag in _MAPPINGS and all(type(pair) is list for pair in body):
            return dict(body) if tag == "d" else _MAPPINGS[tag](dict(body))
        if tag == "m":
            name, items = body
            return defaultdict(FACTORIES[name], dict(items))
        if tag == "t":
            return tuple(body)
        if tag == "s":
            return set(body)
        if tag == "z":
            return frozenset(body)
        if tag == "q":
            return deque(body)
        if tag == "r":
            return range(*body)
        if tag == "y":
            return iterated(body)
        if tag == "c":
            real, imag = body
            if type(real) in (int, float) and type(imag) in (int, float):
                return complex(real, imag)
    elif type(body) is str:
        if tag == "f":
            return float(body)
        if tag == "i":
            return int(body, 16)
        if tag == "b":
            return bytes.fromhex(body)
        if tag == "o":
            return Opaque(body[:200])
    raise ValueError("not a tagged value")


_scan = JSONDecoder().scan_once  # type: ignore[attr-defined]
# JSON's lists and scalars are read in C; only what bears a tag costs a call.
_scan_tagged = JSONDecoder(object_pairs_hook=_untag).scan_once  # type: ignore[attr-defined]


def is_too_deep(value: Any) -> bool:
    """Whether something lies deeper than `MAX_DEPTH` in lists, tuples, sets and dictionaries."""
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(MAX_DEPTH):
        # All items of the level, by the thousand: in C.
        items = list(_flattened([_members(one) for one in level]))
        level = list(compress(items, map(_CONTAINERS.__contains__, map(type, items))))
    return any(len(one.items if isinstance(one, Iterated) else one) for one in level)


def _members(container: Any) -> Any:
    if isinstance(container, dict):
        return chain(container, container.values())
    return container.items if isinstance(container, Iterated) else container
