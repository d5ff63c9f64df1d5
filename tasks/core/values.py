"""Plain Python data as text, and back: how arguments, results and expected values travel.

A value is *plain* when it is built from exact builtins only: None, bool, int, float, complex, str,
bytes, list, tuple, set, frozenset, dict, deque, range; a Counter, a defaultdict or an OrderedDict is a dict.
An iterator is its first items, and equals nothing; a view of a dictionary's keys or items equals a set.
Anything else is *opaque*: it carries the name of its type and equals nothing, not even itself. Text is ASCII
JSON with tags where JSON has no word:

    None True 12 "s" [..]        as in JSON (an int beyond 4,000 digits: {"i": "<hex>"})
    1.5                          a JSON number with a point or an exponent; {"f": "nan"|"inf"|"-inf"}
    (..) {..} frozenset deque    {"t": [..]}   {"s": [..]}   {"z": [..]}   {"q": [..]}
    {k: v}                       {"d": [[k, v], ..]}   {"n": ..} of a Counter   {"e": ..} of an OrderedDict
                                 {"m": ["<factory>", [[k, v], ..]]} of a defaultdict
    b".."  1j  range(..)         {"b": "<hex>"}   {"c": [re, im]}   {"r": [start, stop, step]}
    an iterator or a view        {"y": ["<type name>", [<its first items>], [<what comes then>]]}
    an opaque value              {"o": "<type name>"}
    a digest                     {"h": ["<list or tuple>", <items>, "<sha-256>"]}

A *digest* stands for a list or tuple too large to travel, where a benchmark allows it. The supervisor
inside the container writes the same text with code of its own (sandbox_image imports nothing of the
project), so `decode` treats its input as hostile: bounded depth, checked shapes.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass
from typing import Any

from sandbox_image.iterators import VIEWS, Iterated, iterated
from sandbox_image.plain import FACTORIES, MAX_DEPTH, is_too_deep

# How many members of a set may share one hash, by how deep the members are nested. Honest data has one or two
# (-1 and -2 share theirs, so tuples of them do); forged ones would keep the judge for minutes, since equal
# hashes are compared member by member, at every level.
MAX_EQUAL_HASHES = (64, 32, 4, 1)
LARGE_INT = 10**4000
_COLLECTIONS: Any = (list, tuple, deque, set, frozenset, type({}.keys()), type({}.values()))
_EQUAL_TO_THEMSELVES = {int, str, bool, type(None), bytes}
_MAPPINGS = ("d", "e", "n")
_NUMBERS = {int, bool, float, complex}
_HASHED = {tuple, frozenset}
# From here on not every integer is a float's value, and a float's digits are many.
_EXACT = 2**53
# Floats of at most 15 digits that are written without an exponent: no other text is the same number.
_FLOAT = r"-?(?:0\.(?!0000)\d{0,13}[1-9]|[1-9]\d{0,6}\.\d{0,7}[1-9])(?![\d.eE])"
_SIMPLE = re.compile(
    rf'(?:-?[1-9]\d{{0,14}}+(?![.eE\d])|"[ !#-\[\]-~]*+"|[\[\],]|0(?![.eE])|null|{_FLOAT}|{{"t":(?=\[)|}})++'
)


class ValueFormatError(ValueError):
    """The text is no encoded value, or the value is nested deeper than `MAX_DEPTH`."""


@dataclass(frozen=True, eq=False)
class Opaque:
    """A value that is not plain data. Equal to nothing: two results are never "the same object"."""

    type_name: str

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        # As in a test's process.
        return "<opaque>"


@dataclass(frozen=True, slots=True)
class Digest:
    """What is known of a value too large to travel: equal digests are equal values."""

    type_name: str
    items: int
    sha256: str


def encode(value: Any) -> str:
    """The canonical text of a value. Raises `ValueFormatError` beyond `MAX_DEPTH`."""
    return json.dumps(_tag(value, 0), ensure_ascii=True, separators=(",", ":"))


def _tag(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueFormatError(f"nested deeper than {MAX_DEPTH}")
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return value if -LARGE_INT < value < LARGE_INT else {"i": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"f": repr(value)}
    if kind is complex:
        return {"c": [_tag(value.real, depth), _tag(value.imag, depth)]}
    if kind is list:
        return [_tag(item, depth + 1) for item in value]
    if kind is tuple:
        return {"t": [_tag(item, depth + 1) for item in value]}
    if kind is deque:
        return {"q": [_tag(item, depth + 1) for item in value]}
    if kind is set or kind is frozenset:
        items = [_tag(item, depth + 1) for item in value]
        return {"s" if kind is set else "z": sorted(items, key=json.dumps)}
    if kind is range:
        return {"r": [_tag(part, depth) for part in (value.start, value.stop, value.step)]}
    if kind is dict:
        return {"d": [[_tag(k, depth + 1), _tag(v, depth + 1)] for k, v in value.items()]}
    if kind is bytes:
        return {"b": value.hex()}
    if kind is Opaque:
        return {"o": value.type_name}
    if kind is Iterated:
        return {"y": [value.kind, [_tag(item, depth + 1) for item in value.items], [*value.end]]}
    if kind is Digest:
        return {"h": [value.type_name, value.items, value.sha256]}
    return {"o": kind.__name__}


def decode(text: str) -> Any:
    """The value of an encoded text. Raises `ValueFormatError` for anything `encode` cannot write."""
    try:
        value = _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        raise ValueFormatError(f"not an encoded value: {error}") from None
    # Each level has a bracket of its own: few brackets, and the value need not be walked.
    if text.count("[") > MAX_DEPTH and is_too_deep(value):
        raise ValueFormatError(f"nested deeper than {MAX_DEPTH}")
    return value


def _untag(pairs: list[tuple[str, Any]]) -> Any:
    """A JSON object, whose body is decoded already, as the value that it stands for."""
    if len(pairs) != 1:
        raise ValueFormatError("a tagged value has exactly one tag")
    ((tag, body),) = pairs
    try:
        return _untag_body(tag, body)
    except (TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise ValueFormatError(f"malformed value under tag {tag!r}: {error}") from None


def _untag_body(tag: str, body: Any) -> Any:
    if type(body) is list:
        if tag == "t":
            return tuple(body)
        if tag == "q":
            return deque(body)
        if tag in _MAPPINGS and all(type(pair) is list and len(pair) == 2 for pair in body):
            refuse_hash_flood([key for key, _ in body])
            return dict(body)
        if tag in ("s", "z"):
            refuse_hash_flood(body)
            return set(body) if tag == "s" else frozenset(body)
        if tag == "r" and [type(part) for part in body] == [int, int, int]:
            return range(*body)
        if tag == "c" and {int, float}.issuperset(map(type, body)):
            real, imag = body
            return complex(real, imag)
        if tag == "y":
            return iterated(body)
        if tag == "h" and [type(part) for part in body] == [str, int, str]:
            name, items, sha256 = body
            return Digest(name[:200], items, sha256[:64])
        if tag == "m" and [*map(type, body)] == [str, list] and body[0] in FACTORIES:
            return _untag_body("d", body[1])
    elif type(body) is str:
        if tag == "f":
            return float(body)
        if tag == "i":
            return int(body, 16)
        if tag == "b":
            return bytes.fromhex(body)
        if tag == "o":
            return Opaque(body[:200])
    raise ValueFormatError("unknown tag, or a body that it does not have")


# JSON's lists and scalars are read in C; only what bears a tag costs a call.
_decoder = json.JSONDecoder(object_pairs_hook=_untag)


def exact(value: Any, text: str) -> Any:
    """The decoded value of a text as a test's process has it: a Counter, a defaultdict, an OrderedDict
    or a view is one.

    Raises `ValueFormatError` for a view that is none.
    """
    if not any(f'{{"{tag}":' in text for tag in ("n", "e", "m", "y")):
        return value
    value = _exact_decoder.decode(text)
    if not isinstance(value, Iterated) or value.kind not in VIEWS or value.end:
        return value
    try:
        if value.kind != "dict_values":
            refuse_hash_flood(
                [*value.items] if value.kind == "dict_keys" else [key for key, _ in value.items]
            )
        return VIEWS[value.kind](value.items)
    except (TypeError, ValueError):
        raise ValueFormatError("not a view") from None


def _untag_exactly(pairs: list[tuple[str, Any]]) -> Any:
    value = _untag(pairs)
    ((tag, body),) = pairs
    if tag == "m":
        return defaultdict(FACTORIES[body[0]], value)
    kind = {"n": Counter, "e": OrderedDict}.get(tag)
    return kind(value) if kind else value


_exact_decoder = json.JSONDecoder(object_pairs_hook=_untag_exactly)


def refuse_hash_flood(items: list[Any]) -> None:
    """Raises `ValueFormatError` when a set of the items would take time quadratic in their size."""
    if len(items) <= MAX_EQUAL_HASHES[0] and _HASHED.isdisjoint(map(type, items)):
        return
    most = max(Counter(map(hash, items)).values())
    if most > MAX_EQUAL_HASHES[-1] and most > MAX_EQUAL_HASHES[max(map(_nesting, items))]:
        raise ValueFormatError("too many items share one hash")


def _nesting(item: Any) -> int:
    """How many hashed containers lie within one another, at most the last index of `MAX_EQUAL_HASHES`."""
    depth, level = 0, [item]
    while depth < len(MAX_EQUAL_HASHES) - 1:
        level = [part for one in level if type(one) in _HASHED for part in (*one, None)]
        if not level:
            break
        depth += 1
    return depth


def equal(left: Any, right: Any) -> bool:
    """Python's `==` over plain data, as between two processes: no value is identical to another.

    Containers compare their items by identity first, so `[nan] == [nan]` may be True in one process;
    here NaN and opaque values never equal anything. Grouping uses `behaviour_key`, where NaN equals NaN.
    """
    try:
        left, right = _as_compared(left), _as_compared(right)
        return bool(left == right) and not _unequal_to_itself(left)
    except RecursionError:
        return False


def _as_compared(value: Any) -> Any:
    """A view of keys or items as the set that it equals."""
    if not isinstance(value, Iterated) or value.kind not in ("dict_keys", "dict_items") or value.end:
        return value
    try:
        refuse_hash_flood(value.items)
        return set(value.items)
    except (TypeError, ValueFormatError):
        return value


def _unequal_to_itself(value: Any) -> bool:
    if isinstance(value, dict):
        return _unequal_to_itself(value.keys()) or _unequal_to_itself(value.values())
    if isinstance(value, _COLLECTIONS):
        kinds = set(map(type, value))
        if kinds <= _EQUAL_TO_THEMSELVES:
            return False
        if kinds <= _NUMBERS:
            return any(map(operator.ne, value, value))
        return any(map(_unequal_to_itself, value))
    return isinstance(value, Opaque | Iterated) or value != value


def behaviour_key(value: Any) -> str:
    """One text for all plain values that are `==`: keys are equal iff the values are (NaN equal to NaN).

    True, 1 and 1.0 are "1"; sets and dictionaries are sorted. Opaque values are told apart by type
    name alone: one program's two runs agree on them, two programs do not (`consensus.Group`).
    """
    kind = type(value)
    if kind is bool or kind is int or (kind is float and math.isfinite(value) and value == int(value)):
        number = int(value)
        return str(number) if -_EXACT < number < _EXACT else _large_key(number)
    if kind is complex:
        if value.imag == 0:
            return behaviour_key(value.real)
        # Adding zero makes -0.0, which equals 0.0, one with it.
        return encode(complex(value.real + 0.0, value.imag + 0.0))
    if kind is list:
        return f"[{','.join(map(behaviour_key, value))}]"
    if kind is tuple:
        return f'{{"t":[{",".join(map(behaviour_key, value))}]}}'
    if kind is range:
        # Ranges are equal as sequences are.
        ends = [value[0], value[-1]] if value else []
        parts = [*ends, value.step] if ends and ends[0] != ends[1] else ends
        return f'{{"r":[{",".join(map(behaviour_key, parts))}]}}'
    if kind is deque:
        return f'{{"q":[{",".join(map(behaviour_key, value))}]}}'
    if kind is set or kind is frozenset:
        return f'{{"s":[{",".join(sorted(map(behaviour_key, value)))}]}}'
    if kind is Iterated:
        if (compared := _as_compared(value)) is not value:
            return behaviour_key(compared)
        # A message may tell of an address.
        return f'{{"y":{behaviour_key([value.kind, value.items, [*value.end[:2]]])}}}'
    if kind is dict:
        pairs = sorted(f"[{behaviour_key(key)},{behaviour_key(item)}]" for key, item in value.items())
        return f'{{"d":[{",".join(pairs)}]}}'
    return encode(value)


def _large_key(number: int) -> str:
    """An integer as its odd part and a power of two: short for every float."""
    zeros = (number & -number).bit_length() - 1
    return f'{{"p":["{number >> zeros:x}",{zeros}]}}'


def text_key(text: str) -> str:
    """`behaviour_key` of an encoded value. Raises `ValueFormatError` like `decode`."""
    # Numbers, None, plain strings, lists and tuples of them: no other text means an equal value.
    return text if _SIMPLE.fullmatch(text) else behaviour_key(decode(text))


def passes_nothing(text: str) -> bool:
    """Whether no value equals the encoded one: it holds NaN or an opaque value. Raises like `decode`."""
    # Only a tag can say so, or JSON's own NaN, which `encode` never writes.
    return ("{" in text or "N" in text) and _unequal_to_itself(decode(text))
