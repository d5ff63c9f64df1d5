"""What a converter makes of one row of a published data set, and what several of them need for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Converted:
    """A problem, its suites and its solutions, as lines of the three files of `tasks.execution.exchange`.

    Suites and solutions lack "problem_id", which `named` gives them.
    """

    problem: dict[str, Any]
    suites: Sequence[dict[str, Any]] = ()
    solutions: Sequence[dict[str, Any]] = ()

    def named(self) -> Converted:
        """The same with the problem's id in every line."""
        name = {"problem_id": self.problem["problem_id"]}
        return Converted(
            self.problem,
            [{**name, **suite} for suite in self.suites],
            [{**name, **solution} for solution in self.solutions],
        )


@dataclass(frozen=True)
class Converter:
    """How the rows of one data set are recognised and read.

    A row is the data set's if it has all of `fields`, and none of `without`. `convert` gets the row and its
    number in the file, from 0; it raises KeyError, TypeError, ValueError, AttributeError or SyntaxError where
    a field does not hold what the data set has there.
    """

    name: str
    about: str
    fields: frozenset[str]
    convert: Callable[[Row, int], Converted]
    without: frozenset[str] = field(default_factory=frozenset)

    def recognises(self, row: Row) -> bool:
        """Whether a row looks like one of this data set."""
        return self.fields <= row.keys() and not self.without & row.keys()


def first_id(row: Row, number: int, *names: str) -> str:
    """The first of the named fields that holds an id, as text; the row's number where none does."""
    for name in names:
        value = row.get(name)
        if type(value) is int or (isinstance(value, str) and value.strip()):
            return str(value)
    return str(number)


def loaded(value: Any) -> Any:
    """A field that holds data, or data as JSON text. Raises ValueError."""
    return json.loads(value) if isinstance(value, str) else value


def numbered(prefix: str, codes: Sequence[str]) -> list[dict[str, Any]]:
    """Solutions that the data set has no names for. Raises ValueError for one text, which is no list."""
    if isinstance(codes, str):
        raise ValueError("its solutions are one text, not a list")
    return [{"solution_id": f"{prefix}{number}", "code": code} for number, code in enumerate(codes)]


def stdin_cases(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[dict[str, Any]]:
    """Cases of a program that reads stdin; what is a list of lines in the data set is one text here.

    Raises ValueError where there are not as many outputs as inputs.
    """
    return [
        {"stdin": _text(given), "stdout": _text(wanted)}
        for given, wanted in zip(inputs, outputs, strict=True)
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "\n".join(map(str, value))


def called_cases(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[dict[str, Any]]:
    """Cases of a function; arguments are a list, or text with one JSON value a line.

    Raises ValueError where there are not as many outputs as inputs, or the text is no JSON.
    """
    cases = []
    for given, wanted in zip(inputs, outputs, strict=True):
        args, expected = given, wanted
        if isinstance(given, str):
            args = [json.loads(line) for line in given.split("\n") if line.strip()]
            expected = loaded(wanted)
        if not isinstance(args, list):
            raise ValueError("the arguments of a call are no list")
        cases.append({"args": args, "expected": expected})
    return cases
