"""The rows that pass between steps: Problem -> Solution, Suite -> Outcome -> Verdict -> training rows.

Every record is a frozen dataclass of text, numbers and tuples, so a list of them is a Parquet table
(`tasks.pipeline.workspace` does the I/O). Values of programs travel as encoded text (`tasks.core.values`).
Ids are stable: derived from what the record came from, never from the clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Literal

Role = Literal["solver", "verifier", "proposer"]
Verdict = Literal["pass", "fail", "invalid", "fault"]
Tried = Literal["full", "reduced", "not"]
Unstable = Literal["", "varies", "differs", "moved"]
Origin = Literal["sample", "gold", "wrong", "mutant"]
OutcomeKind = Literal[
    "value",
    "exception",
    "timeout",
    "memory",
    "output_limit",
    "crash",
    "no_result",
    "boundary",
    "skipped",
    "fault",
]


def record_id(*parts: object) -> str:
    """A short stable id: the SHA-256 of the parts, 16 hex digits."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def ids_digest(ids: Sequence[int]) -> str:
    """A short digest of token ids in their order, 16 hex digits; "" for none."""
    return record_id(*ids) if ids else ""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. A prompt is several of them, never rendered text: the chat format of the
    model that is asked (`tasks.models.chat_format`) makes token ids of them."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A task with one function to write (`entry_point`), or, with none, a stdin program. `preamble` is code
    that the task provides: it stands before every solution of the model. Problems that are parts of one
    share a `parent`. `native` is what a benchmark publishes to ask for the code: the task as code, or the
    code to start with.

    `gold_solution` and the gold tests are filled by benchmarks alone; no filter ever reads them. The tests
    are source (`gold_suite`) or, where a benchmark has no assertions but data, cases (`gold_cases`).
    """

    problem_id: str
    statement: str
    entry_point: str
    signature: str
    source: str
    seed: str = ""
    parent: str = ""
    split: str = ""
    preamble: str = ""
    gold_solution: str = ""
    gold_suite: tuple[str, ...] = ()
    gold_cases: tuple[Case, ...] = ()
    wrong_solutions: tuple[str, ...] = ()
    native: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One raw completion of a model, as it came. `of_reference`: the base wrote it, while another is
    champion.

    It was asked for by `messages`, with `prefill` as the first words of the answer; `prompt` is how the model
    saw them, `prompt_digest` the `ids_digest` of that, `completion_ids` the tokens that were sampled (none
    where an engine does not tell), of which `thought_tokens` come before the answer. Tables of earlier
    versions hold neither these nor `temperature`.
    """

    sample_id: str
    problem_id: str
    role: Role
    index: int
    prompt: str
    completion: str
    finish_reason: str
    seed: int
    tokens: int
    temperature: float | None = None
    of_reference: bool = field(default=False, metadata={"column": "witness"})
    messages: tuple[Message, ...] = ()
    prefill: str = ""
    prompt_digest: str = ""
    completion_ids: tuple[int, ...] = ()
    thought_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """`function(*args, **kwargs)`; a stdin program has function "" and `arguments` encodes its input.

    `arguments` is the encoded pair `[[args..], {kwargs..}]`, in canonical text: equal calls are equal
    records.
    """

    function: str
    arguments: str


TRUTH = "truth"
CONDITION = "condition"


@dataclass(frozen=True, slots=True)
class Case:
    """One test: a call with its expected value, or exception type, or an assertion's source.

    Exactly one of three forms: `call` + `expected` (encoded), `call` + `raises`, or `check` (source
    that runs in a test process of its own). `source` is the text it was parsed from. `rule` names a
    benchmark's own comparison (`Benchmark.rules`), `tolerance` is its absolute tolerance; "" is `==`,
    `TRUTH` what a bare `assert f(x)` or `assert not f(x)` asks for, whose `expected` is True or False; of
    `CONDITION` it is the text of an expression over the value (`tasks.testcode.conditions`).
    """

    source: str
    call: Call | None = None
    expected: str = ""
    raises: str = ""
    check: str = ""
    rule: str = ""
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Solution:
    """A program for a problem: a model's sample, a benchmark's gold or known-wrong one, or a mutant.

    A mutant names the solution it was made from (`parent`) and its `change`: operator and line. One
    `of_reference` is the base model's, where another model is champion.
    """

    solution_id: str
    problem_id: str
    code: str
    sample_id: str = ""
    origin: Origin = "sample"
    parent: str = ""
    change: str = ""
    of_reference: bool = field(default=False, metadata={"column": "witness"})


@dataclass(frozen=True, slots=True)
class Suite:
    """Test cases for a problem, in the order they were written."""

    suite_id: str
    problem_id: str
    cases: tuple[Case, ...]
    sample_id: str = ""
    origin: Origin = "sample"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one solution did on one call or check.

    `value` is encoded (kind "value"); `exception` is the type's name (kind "exception"), `bases` the
    builtin types that it derives from; `detail` says more for people: "cpu" or "wall" for a timeout, the
    signal for a crash, the cause of a fault. `loading`: the exception came before the call could be made
    (on import, or the function is missing), so no test may expect it. A check that ran to its end has
    kind "value"; one whose assertion failed has kind "exception" and exception "AssertionError". "boundary":
    the check came to what no process but the solution's can see. "skipped": it said so itself. `variants` are
    the values that a call returned by turns, which is "no_result" then.

    `tried`: with all of its time, with a part of it, which it ran out of ("reduced"), or not at all, since
    too many before it had ended their process ("not": kind and exception are those of the last of them).
    `unstable`: why there is no result though the program ran: it "varies" between equal runs, "differs" from
    suite to suite, or is "moved" by the checks of its suite. Tables of earlier versions have neither.
    """

    kind: OutcomeKind
    value: str = ""
    exception: str = ""
    detail: str = ""
    cpu_ms: float = 0.0
    wall_ms: float = 0.0
    peak_kb: int = 0
    bases: tuple[str, ...] = ()
    loading: bool = False
    variants: tuple[str, ...] = ()
    tried: Tried = "full"
    unstable: Unstable = ""


@dataclass(frozen=True, slots=True)
class Program:
    """What the sandbox runs: one solution over calls (one process, in order), checks (a process each) and
    steps (calls and sources of checks that meet one process, in order).

    `code` None is the null candidate: every call of its stub returns a unique opaque object. It has no
    steps. `digests`: a list or tuple too large to travel comes as its digest, which only an equal one equals.
    `cpu_s`: CPU time of its own, if less than the settings' (0: the settings'), as evalplus limits each task
    by its canonical solution's time. `cpu_each`: that time is each call's, whatever the calls before it in
    its process took, as LiveCodeBench limits each test. `full_tries`: so many processes may end before their
    calls did; what follows gets a part of the time.
    """

    program_id: str
    code: str | None
    entry_point: str
    calls: tuple[Call, ...] = ()
    checks: tuple[str, ...] = ()
    steps: tuple[Call | str, ...] = ()
    digests: bool = False
    cpu_s: float = 0.0
    cpu_each: bool = False
    full_tries: int = 3


@dataclass(frozen=True, slots=True)
class CpuLimit:
    """CPU seconds of a problem's programs, `gold_cpu_s` of its gold solution; 0: the settings'. `each`: they
    are every call's (`Program.cpu_each`)."""

    problem_id: str
    cpu_s: float = 0.0
    gold_cpu_s: float = 0.0
    each: bool = False


@dataclass(frozen=True, slots=True)
class Execution:
    """A program's outcomes, in the order of its calls, of its checks and of its steps."""

    program_id: str
    calls: tuple[Outcome, ...]
    checks: tuple[Outcome, ...]
    steps: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """What a solution did in a process that ran one suite alone: outcome i belongs to the suite's case i."""

    suite_id: str
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A solution's outcomes over the union of its problem's calls and checks (a row of the pass matrix).

    Position i belongs to call i / check i of `verdicts.plan_calls` over the problem's suites.
    `order_dependent`: what it did depended on what was called before, on the hash seed, on time or chance,
    so it ran once a suite, in processes of their own. Where some call came out differently in two suites,
    `by_suite` holds all of these runs, and that call is "no_result" here. `flaky`: some call was not stable
    in one suite, and is "no_result" there; nothing of the program may become a label. The null
    candidate has solution_id "null/<problem_id>".
    """

    solution_id: str
    problem_id: str
    calls: tuple[Outcome, ...]
    checks: tuple[Outcome, ...]
    flaky: bool = False
    by_suite: tuple[SuiteRun, ...] = ()
    order_dependent: bool = False


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
