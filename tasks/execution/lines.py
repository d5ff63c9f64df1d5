"""The lines of the three files that `flywheel execute` and `flywheel agree` read, as typed rows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from tasks.core.jsonl import Code, Id, Row
from tasks.execution.comparison import Mode

# A field that a data set leaves null is as one that is not there.
_OptionalText = Annotated[str, BeforeValidator(lambda given: "" if given is None else given)]


class ProblemLine(Row):
    """A problem, and how its outputs are judged; None where the settings say."""

    problem_id: Id
    statement: _OptionalText = ""
    style: Literal["function", "stdin"] = "function"
    entry_point: Any = None
    starter_code: _OptionalText = ""
    checker: _OptionalText = ""
    prelude: str | bool = False
    compare: Mode | None = None
    tolerance: float | None = Field(None, ge=0, lt=1)
    any_order: bool | None = None


class SolutionLine(Row):
    """A program for a problem."""

    problem_id: Id
    solution_id: Id
    code: Code


class SuiteLine(Row):
    """Tests of a problem: Python text, or cases as data."""

    problem_id: Id
    suite_id: Id
    code: Code | None = None
    cases: list[Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_of_both(cls, given: Any) -> Any:
        if isinstance(given, dict) and ("code" in given) == ("cases" in given):
            raise ValueError("a suite has either 'code' or 'cases'")
        if isinstance(given, dict) and None in (given.get("code", ""), given.get("cases", [])):
            raise ValueError(f"{'code' if 'code' in given else 'cases'!r} is missing")
        return given
