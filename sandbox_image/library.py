"""Values of the standard library that are data: what they are made of, and how they are made of it again.

Of exact types alone, read with C-level methods where the type is written in C, and from its slots where it is
written in Python. So are scalars and arrays of numpy, where a program has it.
"""

from __future__ import annotations

import builtins
import datetime
import decimal
import fractions
import sys
from collections.abc import Callable
from typing import Any

# Functions look names up in the builtins they were made with: a private copy survives patching.
__builtins__ = dict(vars(builtins))  # type: ignore[assignment]

# Beyond these a number is not compared in no time.
MAX_EXPONENT, MAX_ARRAY = 10_000, 1 << 24
_numerator = vars(fractions.Fraction)["_numerator"].__get__
_denominator = vars(fractions.Fraction)["_denominator"].__get__
_DAY = ("year", "month", "day")
_CLOCK = ("hour", "minute", "second", "microsecond", "tzinfo", "fold")
_ARRAY_KINDS = "biufcSUmM"


def _fields(kind: type, names: tuple[str, ...]) -> Callable[[Any], list[Any]]:
    getters = [vars(kind)[name].__get__ for name in names]
    return lambda value: [get(value) for get in getters]


_date = _fields(datetime.date, _DAY)
_time = _fields(datetime.time, _CLOCK)
_moment = _fields(datetime.datetime, _CLOCK)
_STATES: dict[type, tuple[str, Callable[[Any], list[Any]]]] = {
    datetime.date: ("date", _date),
    datetime.time: ("time", _time),
    datetime.datetime: ("datetime", lambda value: [*_date(value), *_moment(value)]),
    datetime.timedelta: ("timedelta", _fields(datetime.timedelta, ("days", "seconds", "microseconds"))),
    datetime.timezone: ("timezone", lambda value: [*datetime.timezone.__getinitargs__(value)]),  # type: ignore[attr-defined]
    decimal.Decimal: ("Decimal", lambda value: [decimal.Decimal.__str__(value)]),
    fractions.Fraction: ("Fraction", lambda value: [_numerator(value), _denominator(value)]),
    bytearray: ("bytearray", lambda value: [bytes(value)]),
    slice: ("slice", _fields(slice, ("start", "stop", "step"))),
}


# Of these a class may derive: its objects are made of the same.
PARTS: dict[type, Callable[[Any], list[Any]]] = {
    kind: _STATES[kind][1]
    for kind in (
        datetime.datetime,
        datetime.date,
        datetime.time,
        datetime.timedelta,
        decimal.Decimal,
        fractions.Fraction,
    )
}


def derived(base: Any, kind: type, parts: list[Any]) -> Any:
    """An object of a class that derives from one of `PARTS`. Raises ValueError or TypeError."""
    if base is decimal.Decimal:
        return base.__new__(kind, _decimal(*parts))
    if base in (datetime.datetime, datetime.time):
        *when, zone, fold = parts
        return base.__new__(kind, *when, tzinfo=zone, fold=fold)
    if not all(type(part) is int for part in parts):
        raise ValueError("not made of whole numbers")
    return base.__new__(kind, *parts)


def state_of(value: Any) -> tuple[str, list[Any]] | None:
    """The name of an exact library type and what the value is made of: data, or values of such types."""
    kind = type(value)
    known = _STATES.get(kind)
    if known is not None:
        return known[0], known[1](value)
    module = vars(type)["__module__"].__get__(kind)
    if module == "uuid" and kind is vars(sys.modules["uuid"]).get("UUID"):
        return "UUID", [vars(kind)["int"].__get__(value)]
    if module in ("pathlib", "pathlib._local") and kind.__name__ in ("PosixPath", "PurePosixPath"):
        return kind.__name__, [kind.__str__(value)]
    if module == "numpy" and (numpy := sys.modules.get("numpy")) is not None:
        return _array_state(numpy, value, kind)
    return None


def _array_state(numpy: Any, value: Any, kind: type) -> tuple[str, list[Any]] | None:
    """The type, the shape and the bytes of an array or a scalar of numpy that holds no objects."""
    if kind is not numpy.ndarray and not (issubclass(kind, numpy.generic) and kind is value.dtype.type):
        return None
    if value.dtype.kind not in _ARRAY_KINDS or value.nbytes > MAX_ARRAY:
        return None
    name = "array" if kind is numpy.ndarray else "scalar"
    return name, [value.dtype.str, tuple(value.shape), value.tobytes()]


def is_array(value: Any) -> bool:
    """Whether a value is an array of numpy that crosses as data."""
    kind = type(value)
    if vars(type)["__module__"].__get__(kind) != "numpy" or kind.__name__ != "ndarray":
        return False
    return (
        kind is sys.modules["numpy"].ndarray and _array_state(sys.modules["numpy"], value, kind) is not None
    )


def fill_array(array: Any, data: bytes) -> None:
    """Gives an array the items of another of its type and shape, as bytes. Raises ValueError."""
    import numpy

    if type(data) is not bytes or not array.flags.writeable:
        raise ValueError("not the items of an array")
    numpy.copyto(array, numpy.frombuffer(data, array.dtype).reshape(array.shape))


def made(name: str, state: list[Any]) -> Any:
    """The value of a type by that name with that state. Raises ValueError for anything else."""
    maker = _MAKERS.get(name)
    try:
        if maker is not None:
            return maker(*state)
    except (TypeError, AttributeError, ArithmeticError, OverflowError, ImportError):
        pass
    raise ValueError(f"not a value of type {name}")


def _decimal(text: str) -> decimal.Decimal:
    value = decimal.Decimal(text)
    if value.is_finite() and value and abs(value.adjusted()) > MAX_EXPONENT:
        raise ValueError("too large an exponent")
    return value


def _fraction(numerator: int, denominator: int) -> fractions.Fraction:
    if type(numerator) is not int or type(denominator) is not int:
        raise ValueError("not a fraction")
    return fractions.Fraction(numerator, denominator)


def _datetime(*parts: Any) -> datetime.datetime:
    *when, zone, fold = parts
    return datetime.datetime(*when, tzinfo=zone, fold=fold)


def _clock(*parts: Any) -> datetime.time:
    *when, zone, fold = parts
    return datetime.time(*when, tzinfo=zone, fold=fold)


def _uuid(number: int) -> Any:
    import uuid

    return uuid.UUID(int=number)


def _path(name: str) -> Callable[[str], Any]:
    def made_path(text: str) -> Any:
        import pathlib

        if type(text) is not str:
            raise ValueError("not a path")
        return getattr(pathlib, name)(text)

    return made_path


def _array(name: str) -> Callable[..., Any]:
    def made_array(kind: str, shape: tuple[int, ...], data: bytes) -> Any:
        import numpy

        if type(kind) is not str or kind.lstrip("<>|=")[:1] not in _ARRAY_KINDS or type(data) is not bytes:
            raise ValueError("not an array")
        array = numpy.frombuffer(data, numpy.dtype(kind)).reshape(shape)
        return array.copy() if name == "array" else array[()]

    return made_array


_MAKERS: dict[str, Callable[..., Any]] = {
    "date": datetime.date,
    "time": _clock,
    "datetime": _datetime,
    "timedelta": datetime.timedelta,
    "timezone": datetime.timezone,
    "Decimal": _decimal,
    "Fraction": _fraction,
    "bytearray": bytearray,
    "slice": slice,
    "UUID": _uuid,
    "PosixPath": _path("PosixPath"),
    "PurePosixPath": _path("PurePosixPath"),
    "array": _array("array"),
    "scalar": _array("scalar"),
}
