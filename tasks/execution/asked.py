"""A line of a tests file as the suite it asks for: a case for each of its tests, or why there is none."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.core import values
from tasks.core.fragments import parse_python
from tasks.core.records import Call, Case, Suite
from tasks.execution.asked_problems import AskedProblem
from tasks.execution.comparison import Equality
from tasks.execution.lines import SuiteLine
from tasks.generation.answers import bare_tests
from tasks.generation.prompts import Refusal
from tasks.testcode.doctests import examples
from tasks.testcode.split import patched, split_tests
from tasks.testcode.suites import PROGRAM, make_call, read_case, target_name

_REASONS = {
    "syntax": "does not parse",
    "too_deep": "is nested deeper than tests are read",
    "no_assertion": "asserts nothing",
    "other_target": "never uses {target}",
    "undefined_name": "uses a name that nothing defines",
    "redefines_target": "brings its own {target}: it does not test the solution",
    "exits_early": "returns, exits or skips before it asserts anything",
    "skipped": "returns, or is skipped, before it asserts anything",
    "true": "holds whatever {target} is: it tests nothing",
    "false": "fails whatever {target} is",
    "identity": "asks by `is` for the object of a literal: which of two equal values is which does not cross",
}
# What these say of a test forbids nobody to pass its suite.
_TESTS_NOTHING = ("skipped", "true")
# pytest's own, which the sandbox has none of.
_PYTEST_FIXTURES = {
    *(
        "cache",
        "capfdbinary",
        "capsysbinary",
        "doctest_namespace",
    ),
    *("pytestconfig", "record_property", "request", "testdir", "pytester"),
    *("tmpdir", "tmpdir_factory"),
}


class TestsNothing(str):
    """Why a test tests nothing, where it holds all the same."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class AskedSuite:
    """A suite as it was asked for: `entries` in their order, a case or the reason why there is none.

    `equality` judges its cases, of which `from_json` says that they are data, not Python text; `text` is the
    Python text as it came, "" of data.
    """

    suite: Suite
    entries: tuple[Case | str, ...]
    equality: Equality
    from_json: bool = False
    text: str = ""


def suite_of(line: SuiteLine, problem: AskedProblem, benchmark: bool = True) -> AskedSuite:
    """The suite that a line asks for. `benchmark`: see `read_text`."""
    text, from_json = line.code or "", line.code is None
    if line.code is None:
        entries = [_case(case, problem) for case in line.cases or ()] or ["the suite has no case"]
    else:
        entries = read_text(text, problem.entry_point, benchmark)
    cases = tuple(entry for entry in entries if isinstance(entry, Case))
    equality = problem.comparison.equality(bool(problem.entry_point), from_json)
    return AskedSuite(
        Suite(line.suite_id, problem.problem_id, cases), tuple(entries), equality, from_json, text
    )


def read_text(text: str, entry_point: str, benchmark: bool = True) -> list[Case | str]:
    """A case, or why there is none, for each test of a test file, in order; what does not parse comes last.

    `benchmark`: see `tasks.testcode.suites.read_cases`; else the text may be a model's raw answer.
    """
    if benchmark:
        shown = examples(text) if parse_python(text) is None else []
        tree, skipped = (ast.Module(body=shown, type_ignores=[]), []) if shown else patched(text)
    else:
        found = bare_tests(text, entry_point)
        if isinstance(found, Refusal):
            return ["all of it is a thought"]
        tree, skipped = found
    entries = [
        _asserted(test, entry_point, benchmark) for test in split_tests(tree, target_name(entry_point))
    ]
    entries += [f"does not parse: {source[:100]!r}" for source in skipped]
    return entries or ["the suite asserts nothing"]


def _asserted(test: str, entry_point: str, benchmark: bool) -> Case | str:
    case = read_case(test, entry_point, benchmark=benchmark)
    if case == "no_fixture":
        return _wanted_fixtures(test)
    if case == "other_target" and not entry_point:
        return f'never calls {PROGRAM}("its input"), as a test of a stdin program does'
    if isinstance(case, str):
        reason = _REASONS.get(case, case).format(target=target_name(entry_point))
        return TestsNothing(reason) if case in _TESTS_NOTHING else reason
    if not entry_point and case.call is None:
        return f'of a stdin program only {PROGRAM}("input") == "output" can be tested'
    return case


def _wanted_fixtures(test: str) -> str:
    """Why a test function cannot run: arguments of its that nothing here gives."""
    tree = parse_python(test)
    functions = [part for part in tree.body if isinstance(part, ast.FunctionDef)] if tree else []
    names = [arg.arg for function in functions for arg in function.args.args if arg.arg != "self"]
    own = [name for name in names if name in _PYTEST_FIXTURES]
    if own:
        return f"asks for pytest's own fixture {', '.join(own)}, which the sandbox does not have"
    unknown = "does not define, or defines with options that are not known here"
    return f"asks for a fixture that the file {unknown}, among: {', '.join(names)}"


def _case(row: Any, problem: AskedProblem) -> Case | str:
    if not isinstance(row, dict):
        return "a case is a JSON object"
    if isinstance(why := row.get("invalid"), str):
        # A converter's word on what it could not make a case of.
        return why
    try:
        return _called(row, problem.entry_point) if problem.entry_point else _piped(row)
    except values.ValueFormatError as error:
        return str(error)


def _called(row: Mapping[str, Any], entry_point: str) -> Case | str:
    args, kwargs = row.get("args", []), row.get("kwargs", {})
    if "args" not in row and "kwargs" not in row:
        return "a case of a function has 'args' or 'kwargs'"
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        return "'args' is a list and 'kwargs' an object"
    if "expected" not in row:
        return "'expected' is missing"
    return Case("", make_call(entry_point, args, kwargs), expected=values.encode(row["expected"]))


def _piped(row: Mapping[str, Any]) -> Case | str:
    stdin, stdout = row.get("stdin"), row.get("stdout")
    if not isinstance(stdin, str) or not isinstance(stdout, str):
        return "a case of a stdin program has 'stdin' and 'stdout', both text"
    return Case("", Call("", values.encode([[stdin], {}])), expected=values.encode(stdout))
