"""Checkers: which of several answers are right, told by Python text that whoever sets the problem writes.

    def check(input, output, reference):
        return sorted(output) == sorted(reference)

`input` is the text of stdin, or the list of a call's arguments, with a dictionary of the named ones behind
them if there are any; `output` is what the solution wrote or returned; `reference` what the test expects. A
true value takes the output for right; a false one, an exception or no end in time does not.

A checker runs in a container under the limits of a program, but never beside a candidate: what it gets of
one is plain data that has left the candidate's process, which is over by then. What came out of a checker
about one output cannot be touched by another program. It must not hand an output to `eval`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tasks.core import values
from tasks.core.records import Behaviour, Call, Case, Outcome, Program, Suite, Verdict
from tasks.execution.verdicts import OPAQUE_KEY, CallPlan, suite_outcomes
from tasks.sandbox.base import Sandbox

NAME = "check"
# Asked in one process, as long as they come to an end.
BATCH = 64
REFUSES_REFERENCE = "the checker does not take the expected output itself for right"
_REFUSALS = ("value", "exception")


@dataclass(frozen=True, slots=True)
class Question:
    """Encoded arguments of a call (`Call.arguments`), an output and a reference, encoded."""

    arguments: str
    output: str
    reference: str

    @property
    def call(self) -> Call:
        """The call of the checker."""
        args, kwargs = values.decode(self.arguments)
        given = [*args, kwargs] if kwargs else [*args]
        shown = given[0] if len(given) == 1 and self._is_stdin(given) else given
        # The parts are encoded already, and need not be read again.
        return Call(NAME, f'[[{values.encode(shown)},{self.output},{self.reference}],{{"d":[]}}]')

    def _is_stdin(self, given: Sequence[object]) -> bool:
        return isinstance(given[0], str) and self.output[:1] == '"' and self.reference[:1] == '"'


Answers = Mapping[Question, Outcome]


def is_checked(case: Case) -> bool:
    """Whether a checker has a say in a case: one that expects a value, and names no rule of its own."""
    return case.call is not None and bool(case.expected) and not case.rule


def can_be_asked(output: str) -> bool:
    """Whether an encoded output is plain data, which a checker can be given."""
    return not any(mark in output for mark in (OPAQUE_KEY, '{"y":', '{"h":'))


def questions_of(behaviours: Iterable[Behaviour], suites: Sequence[Suite], plan: CallPlan) -> list[Question]:
    """What a checker has to be asked to judge these solutions by these suites: each output against each
    reference, and each reference against itself."""
    found: dict[Question, None] = {}
    for behaviour in behaviours:
        for suite in suites:
            for case, outcome in zip(suite.cases, suite_outcomes(behaviour, suite, plan), strict=True):
                if case.call is None or not is_checked(case):
                    continue
                outputs = [outcome.value] if outcome.kind == "value" else [*outcome.variants]
                for output in (case.expected, *filter(can_be_asked, outputs)):
                    found.setdefault(Question(case.call.arguments, output, case.expected))
    return list(found)


def ask(
    sandbox: Sandbox, checkers: Mapping[str, str], questions: Mapping[str, Sequence[Question]]
) -> dict[str, dict[Question, Outcome]]:
    """What each problem's checker says to its questions, by problem_id.

    A question that had less than all its time, since the checker came to no end on others, is asked again
    among those about its own output: what one program puts out is no other's trouble.
    """
    answers = _asked(
        sandbox,
        checkers,
        [
            (problem_id, asked[start : start + BATCH])
            for problem_id, asked in questions.items()
            for start in range(0, len(asked), BATCH)
        ],
    )
    again: dict[tuple[str, str], list[Question]] = {}
    for problem_id, asked in questions.items():
        found = answers.get(problem_id, {})
        for output in {one.output for one in asked if found[one].tried != "full"}:
            again[problem_id, output] = [one for one in asked if one.output == output]
    more = [
        (problem_id, part[start : start + BATCH])
        for (problem_id, _), part in sorted(again.items())
        for start in range(0, len(part), BATCH)
    ]
    for problem_id, told in _asked(sandbox, checkers, more).items():
        answers[problem_id].update(told)
    return {problem_id: answers.get(problem_id, {}) for problem_id in questions}


def _asked(
    sandbox: Sandbox, checkers: Mapping[str, str], parts: Sequence[tuple[str, Sequence[Question]]]
) -> dict[str, dict[Question, Outcome]]:
    """The answers to these questions, each part asked in one process."""
    programs = [
        Program(
            f"checker/{number}", checkers[problem_id], NAME, tuple(one.call for one in part), cpu_each=True
        )
        for number, (problem_id, part) in enumerate(parts)
    ]
    answers: dict[str, dict[Question, Outcome]] = {problem_id: {} for problem_id, _ in parts}
    for (problem_id, part), execution in zip(parts, _whole(sandbox, programs), strict=True):
        answers[problem_id].update(zip(part, execution, strict=True))
    return answers


def _whole(sandbox: Sandbox, programs: Sequence[Program]) -> Iterator[tuple[Outcome, ...]]:
    executions = sandbox.run(programs)
    for execution in executions:
        yield execution.calls


def takes(answer: Outcome | None) -> bool:
    """Whether an answer takes the output for right."""
    if answer is None or answer.kind != "value":
        return False
    try:
        value = values.decode(answer.value)
        return not isinstance(value, values.Opaque) and bool(value)
    except (values.ValueFormatError, TypeError):
        return False


def checked(outcome: Outcome, case: Case, answers: Answers) -> tuple[Verdict, str]:
    """The verdict of a case by the checker, and why it is no pass."""
    assert case.call is not None
    if outcome.kind == "fault":
        return "fault", outcome.detail
    own = answers.get(Question(case.call.arguments, case.expected, case.expected))
    if not takes(own):
        return ("fault", own.detail) if own and own.kind == "fault" else ("invalid", _refused(own))
    outputs = [outcome.value] if outcome.kind == "value" else [*outcome.variants]
    if not outputs:
        return "fail", ""
    for output in outputs:
        answer = answers.get(Question(case.call.arguments, output, case.expected))
        if answer is not None and answer.kind == "fault":
            return "fault", answer.detail
        if not takes(answer):
            return "fail", _said(answer)
    return "pass", ""


def _refused(answer: Outcome | None) -> str:
    return f"{REFUSES_REFERENCE}{_because(answer)}"


def _said(answer: Outcome | None) -> str:
    return f"the checker does not take it for right{_because(answer)}" if answer is not None else ""


def _because(answer: Outcome | None) -> str:
    if answer is None or answer.kind == "value":
        return ""
    text = answer.detail if answer.kind != "exception" else f"{answer.exception} {answer.detail}".strip()
    return f": {text[:200]}" if answer.kind == "exception" else f": {answer.kind} {text[:200]}"
