"""The rows that pass between steps: Problem -> Sample -> Solution, Suite -> Outcome -> Verdict.

`tasks.core.rows` has what is made of them.

Every record is a frozen dataclass of text, numbers and tuples, so a list of them is a Parquet table
(`tasks.pipeline.workspace` does the I/O). Values of programs travel as encoded text (`tasks.core.values`).
Ids are stable: derived from what the record came from, never from the clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
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
