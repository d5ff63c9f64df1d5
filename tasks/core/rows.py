"""What steps make of executed samples: decisions, training rows, scores, and what was dropped.

Records as those of `tasks.core.records`: frozen dataclasses of text, numbers and tuples; a list is a table.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from tasks.core.records import Case, Message, Role, Sample, Solution


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something the pipeline did not keep, and why."""

    stage: str
    kind: str
    record_id: str
    problem_id: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SftRow:
    """A training row: both roles, the ids of every record it came from, and once it is collected, the
    iteration.

    `prompt` is `messages` and `prefill` as the model saw them, `prompt_digest` the `ids_digest` of that. A
    row of one sample trains `completion_ids`, the tokens that were sampled; where there are none,
    `completion` was written anew and is encoded when it is trained on. `lesson` is the program or the tests
    in it that were judged ("" in tables of earlier versions).
    """

    row_id: str
    role: Role
    problem_id: str
    prompt: str
    completion: str
    sources: tuple[str, ...] = ()
    recombined: bool = field(default=False, metadata={"column": "assembled"})
    score: float = 0.0
    iteration: int = 0
    messages: tuple[Message, ...] = ()
    prefill: str = ""
    prompt_digest: str = ""
    completion_ids: tuple[int, ...] = ()
    lesson: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A preference pair: same prompt, one completion chosen over another, and why; the rest as in a row."""

    row_id: str
    role: Role
    problem_id: str
    prompt: str
    chosen: str
    rejected: str
    reason: str
    sources: tuple[str, ...] = ()
    recombined: bool = field(default=False, metadata={"column": "assembled"})
    score: float = 0.0
    iteration: int = 0
    messages: tuple[Message, ...] = ()
    prefill: str = ""
    prompt_digest: str = ""
    chosen_ids: tuple[int, ...] = ()
    rejected_ids: tuple[int, ...] = ()
    lesson: str = ""
    rejected_lesson: str = ""


# A strong suite rejects at least so many of its problem's known-wrong solutions.
KILL_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class ProblemScore:
    """One problem's evaluation: the counts that every metric and every paired interval is computed from.

    Solutions and suites are counted as sampled, parsed or not. `best_of_n` is the probability that the
    solution chosen by the model's own tests is right. `cases_non_boolean` expect something else than True or
    False.
    `negatives` is the size of the problem's pool; `rejections` counts (parsed suite, negative) pairs that
    were judged, `rejected` those where the suite does not accept; `mutant_trials` and `mutants_killed`
    likewise for pairs of a sound suite and a mutant of gold. `has_base`: the problem has base tests, which
    `solutions_correct_base` pass, and more, which those in `solutions_correct` pass as well. `predictions` of
    an output were drawn where that is all the problem asks for. Rows of one `group` (where it is not "")
    stand or fall together.
    """

    problem_id: str
    benchmark: str
    split: str
    solutions: int
    solutions_correct: int
    solutions_distinct: int
    suites: int
    suites_parsed: int
    suites_sound: int
    suites_strong: int = field(metadata={"column": "suites_headline"})
    cases: int
    cases_correct: int
    cases_distinct: int
    cases_distinct_correct: int
    negatives: int = 0
    has_gold: bool = True
    best_of_n: float = 0.0
    cases_non_boolean: int = field(default=0, metadata={"column": "cases_typed"})
    cases_non_boolean_correct: int = field(default=0, metadata={"column": "cases_typed_correct"})
    rejections: int = 0
    rejected: int = 0
    mutant_trials: int = 0
    mutants_killed: int = 0
    has_base: bool = False
    solutions_correct_base: int = 0
    predictions: int = 0
    predictions_correct: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Agreement's word on one problem.

    `chosen` are the winning group's solutions (one id a vote), `rejected` the others that ran, `cases` the
    distinct (call, expected) pairs that the winner satisfies. `margin` is the winner's score over the
    runner-up's (0 votes against: infinity is written as 1e9). `confident` problems may yield pairs too;
    `reference_agreeing` of the votes are the base model's.
    """

    problem_id: str
    kept: bool
    reason: str
    samples: int
    votes: int
    behaviours: int
    score: float
    margin: float
    confident: bool = False
    chosen: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    cases: tuple[Case, ...] = ()
    reference_agreeing: int = field(default=0, metadata={"column": "witnesses"})


RENAMED_COLUMNS: dict[str, str] = {
    part.metadata["column"]: part.name
    for record in (Sample, Solution, SftRow, Pair, ProblemScore, Decision)
    for part in fields(record)
    if "column" in part.metadata
}
"""Column -> the field of today that it holds."""
