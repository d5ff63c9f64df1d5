"""Iterators as results: what a generator or a `map` yields, and the items of a view, leave as plain data.

An iterator stays in the solution's process, and so would every test of `list(f(x))` fail. Its first items are
taken here, right after the call, and an iterator that yields the same stands for it where the test is.
"""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

MAX_ITEMS = 1000
MORE = "more"
_type_name = vars(type)["__name__"].__get__
VIEWS: dict[str, Callable[[list[Any]], Any]] = {
    "dict_keys": lambda items: dict.fromkeys(items).keys(),
    "dict_values": lambda items: dict(enumerate(items)).values(),
    "dict_items": lambda items: dict(items).items(),
}
_ITERABLES: list[Any] = [[], (), {}, set(), "", b"", range(0), {}.values(), {}.items()]
KINDS = frozenset(
    [*map(type, map(iter, _ITERABLES))]
    + [type(reversed([])), type({}.keys()), type({}.values()), type({}.items()), type(_ for _ in ())]
    + [enumerate, filter, map, reversed, zip]
    + [kind for kind in vars(itertools).values() if isinstance(kind, type)]
)


class Iterated:
    """The first `MAX_ITEMS` items of an iterator or a view, of a type named `kind`.

    `end` says what comes after them: nothing, `MORE`, or an exception (kind, text, detail). Who walks through
    it gets the items, then a ValueError if they are not all.
    """

    __slots__ = ("end", "items", "kind")

    def __init__(self, kind: str, items: list[Any], end: tuple[str, ...]) -> None:
        self.kind, self.items, self.end = kind, items, end

    def __iter__(self) -> Iterator[Any]:
        yield from self.items
        if self.end:
            raise ValueError("more items, or an exception")

    def __len__(self) -> int:
        if self.kind not in VIEWS:
            raise TypeError("an iterator has no length")
        return len(self.items)

    def __bool__(self) -> bool:
        return self.kind not in VIEWS or bool(self.items)


def taken(value: Any, described: Callable[[BaseException], tuple[str, ...]]) -> Iterated:
    """`value`, of one of `KINDS`, with what it yields; the solution's code may run meanwhile.

    An exception is what comes after the items. What is none for `described` (no memory) is raised.
    """
    items: list[Any] = []
    end: tuple[str, ...] = ()
    try:
        for item in islice(value, MAX_ITEMS + 1):
            items.append(item)
    except BaseException as error:
        end = described(error)
        if end[0] != "exception":
            raise
    if len(items) > MAX_ITEMS:
        items.pop()
        end = (MORE,)
    return Iterated(_type_name(type(value)), items, end)


def iterated(body: list[Any]) -> Iterated:
    """What `[kind, items, end]` stands for. Raises ValueError for anything else."""
    kind, items, end = body
    texts = type(end) is list and all(type(part) is str for part in end)
    if type(kind) is not str or type(items) is not list or not texts or len(end) not in (0, 1, 3):
        raise ValueError("not an iterator")
    return Iterated(kind[:200], items, tuple(end))
