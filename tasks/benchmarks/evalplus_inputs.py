"""MBPP+'s inputs as their file has them (JSON) -> as the functions want them: tuples, sets, complex.

What JSON cannot say is a convention per task, as in evalplus 0.3.1 (`mbpp_deserialize_inputs`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Arguments = list[Any]


def _rows(rows: list[list[Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows]


def _deep(value: Any) -> Any:
    return tuple(_deep(item) for item in value) if isinstance(value, list) else value


def _all_tuples(args: Arguments) -> Arguments:
    return [tuple(arg) for arg in args]


def _all_lists_of_tuples(args: Arguments) -> Arguments:
    return [_rows(arg) for arg in args]


def _all_tuples_of_tuples(args: Arguments) -> Arguments:
    return [tuple(_rows(arg)) for arg in args]


def _first_list_of_tuples(args: Arguments) -> Arguments:
    return [_rows(args[0]), *args[1:]]


def _first_tuple(args: Arguments) -> Arguments:
    return [tuple(args[0]), *args[1:]]


def _second_tuple(args: Arguments) -> Arguments:
    return [args[0], tuple(args[1]), *args[2:]]


def _list_of_sets(args: Arguments) -> Arguments:
    # An empty one is `{}`, a dict: so it is in their decoder.
    return [[set(item) if isinstance(item, list) and item else {} for item in args[0]]]


def _float_and_complex(args: Arguments) -> Arguments:
    return [float(args[0]), complex(args[1])]


def _one_complex(args: Arguments) -> Arguments:
    return [complex(args[0])]


def _tuple_of_lists_as_tuples(args: Arguments) -> Arguments:
    return [tuple(tuple(item) if isinstance(item, list) else item for item in args[0])]


def _dict_of_tuples(args: Arguments) -> Arguments:
    return [{key: tuple(value) for key, value in args[0].items()}, *args[1:]]


def _all_deep_tuples(args: Arguments) -> Arguments:
    return [_deep(arg) for arg in args]


_TABLE: dict[Callable[[Arguments], Arguments], str] = {
    _all_tuples: "2 116 132 143 222 261 273 394 399 421 424 429 470 560 579 596 616 630 726 740 744 809",
    _all_lists_of_tuples: "63 64 70 94 120 237 272 299 400 409 417 438 473 614 780",
    _first_list_of_tuples: "75 413 444 753",
    _second_tuple: "106 750",
    _list_of_sets: "115",
    _float_and_complex: "124",
    _first_tuple: "250 307 405 446 617 720 763 808",
    _all_tuples_of_tuples: "259 401 445",
    _tuple_of_lists_as_tuples: "278",
    _dict_of_tuples: "722",
    _one_complex: "252",
    _all_deep_tuples: "580 615 791",
}
_DECODERS = {task: decode for decode, tasks in _TABLE.items() for task in tasks.split()}


def decode_mbpp(task_id: str, inputs: list[Arguments]) -> list[Arguments]:
    """Each input of a task (`Mbpp/2`) as the positional arguments of its function."""
    decode = _DECODERS.get(task_id.rpartition("/")[2])
    return [decode(args) if decode else list(args) for args in inputs]
