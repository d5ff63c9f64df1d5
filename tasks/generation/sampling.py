"""Solutions and suites from the model: independent samples of both roles from the same statement.

Once the champion is another model than the base, the base writes a share of the solutions: it is the
reference model of agreement (`tasks.filtering.rules.consensus`).
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from pydantic import Field

from tasks.benchmarks.code import with_preamble
from tasks.benchmarks.outputs import asks_for_output, predicted
from tasks.benchmarks.reference import reference_records
from tasks.core.hub import revision_of
from tasks.core.progress import current
from tasks.core.records import Problem, Role, Sample, Solution, Suite, record_id
from tasks.core.rows import Dropped
from tasks.core.values import ValueFormatError
from tasks.generation import prompts
from tasks.generation.answers import parse_solution, parse_suite
from tasks.generation.asked_with import AskedWith, asked_with
from tasks.generation.asking import PlannedRequest, asked_of, sample_of
from tasks.generation.diversity import diversity_of
from tasks.generation.native_prompts import VERSION as NATIVE_VERSION
from tasks.generation.native_prompts import as_parsed, native_output_prompt, native_prompt
from tasks.generation.shards import Shard, computed_shards
from tasks.generation.thinking import without_thought
from tasks.inference.base import Sampler
from tasks.inference.engines import engine_of, shared_sampler
from tasks.models.chat_format import ChatFormat, Kind, Prefill, format_of
from tasks.pipeline.stage import IterationContext, stage
from tasks.pipeline.stage_name import StageName
from tasks.pipeline.statistics import Figures, Statistics
from tasks.pipeline.workspace import ModelRef, Ref, Stage
from tasks.settings.engine import EngineSettings
from tasks.settings.sampling import SamplingSettings
from tasks.testcode.dialects import dialect_versions
from tasks.testcode.suites import read_cases

# Shards are sampled by threads, and tokenizers are not made for several at once.
_TOKENIZING = threading.Lock()


def split_sample_budget(settings: SamplingSettings) -> tuple[SamplingSettings, SamplingSettings]:
    """How the champion is asked, and how the reference model, which writes solutions only."""
    reference = round(settings.reference_share * settings.solutions)
    return (
        settings.model_copy(update={"solutions": settings.solutions - reference}),
        settings.model_copy(update={"solutions": reference, "suites": 0}),
    )


def requests_of(
    problem: Problem,
    settings: SamplingSettings,
    seed: int | str,
    chat_format: ChatFormat,
    native_tokens: int = 0,
) -> list[PlannedRequest]:
    """One request a role: n solutions, m suites, or m predictions where a problem asks for an output; one
    more for the cooler solutions, if any.

    Seeds differ by problem and request, not by shard. With `native_tokens` code and outputs are asked for as
    the problem's benchmark asks, in answers of at most so many tokens.
    """
    draw = random.Random(f"{seed}/{problem.problem_id}")
    style = prompts.style_of(chat_format)
    solver = prompts.solver_prompt(problem, style)
    verifier = _verifier_prompt(problem, settings, style)
    solutions = 0 if asks_for_output(problem) else settings.solutions
    low, longest = round(settings.low_temperature_share * solutions), settings.max_solution_tokens
    longest_test = settings.max_suite_tokens
    if native_tokens and asks_for_output(problem):
        verifier, longest_test = native_output_prompt(problem, chat_format), native_tokens
    elif native_tokens:
        solver, longest = native_prompt(problem, chat_format), native_tokens
    plan: list[tuple[Role, prompts.Prompt, int, int, float]] = [
        ("solver", solver, solutions - low, longest, settings.temperature),
        ("verifier", verifier, settings.suites, longest_test, settings.temperature),
        ("solver", solver, low, longest, settings.low_temperature),
    ]
    return [
        asked_of(
            role,
            prompt,
            count,
            draw.randrange(2**31),
            max_tokens,
            temperature,
            settings,
            chat_format,
            keep_stop=not native_tokens,
        )
        for role, prompt, count, max_tokens, temperature in plan
        if count
    ]


def _verifier_prompt(problem: Problem, settings: SamplingSettings, style: prompts.Style) -> prompts.Prompt:
    if asks_for_output(problem):
        return prompts.output_prompt(problem, style)
    return prompts.verifier_prompt(problem, settings.cases_per_suite, style)


def draw_samples(
    sampler: Sampler,
    problems: Sequence[Problem],
    settings: SamplingSettings,
    seed: int | str,
    chat_format: ChatFormat,
    of_reference: bool = False,
    native_tokens: int = 0,
) -> list[Sample]:
    """All samples of some problems, in one call to the engine; numbered by problem and role.

    Those `of_reference` are drawn with other seeds than the champion's.
    """
    stream = f"{seed}/witness" if of_reference else seed
    with _TOKENIZING:
        planned = [
            (problem, asked)
            for problem in problems
            for asked in requests_of(problem, settings, stream, chat_format, native_tokens)
        ]
    answers = sampler.generate([asked.request for _, asked in planned])
    drawn: Counter[tuple[str, Role]] = Counter()
    samples = []
    with _TOKENIZING:
        for (problem, asked), completions in zip(planned, answers, strict=True):
            for index, completion in enumerate(completions):
                place = problem.problem_id, asked.role
                sample_id = record_id(*place, asked.request.seed, index, asked.request.prompt)
                sample = sample_of(asked, completion, sample_id, problem.problem_id, settings, chat_format)
                samples.append(replace(sample, index=drawn[place], of_reference=of_reference))
                drawn[place] += 1
    return samples


def parse_samples(
    problems: Sequence[Problem], samples: Sequence[Sample], settings: SamplingSettings
) -> tuple[list[Solution], list[Suite], list[Dropped]]:
    """Samples -> solutions and suites; what cannot be parsed is dropped with its reason.

    A predicted output is a suite of one case, the gold case's call with that output.
    """
    problem_of = {problem.problem_id: problem for problem in problems}
    solutions: list[Solution] = []
    suites: list[Suite] = []
    dropped: list[Dropped] = []
    for sample in samples:
        problem = problem_of[sample.problem_id]
        if sample.finish_reason == "prompt_too_long":
            refusal = prompts.Refusal("prompt_too_long", "raise sampling.max_context_tokens")
            dropped.append(_unparsed(sample, refusal))
            continue
        answer = without_thought(sample, settings)
        if isinstance(answer, prompts.Refusal):
            dropped.append(_unparsed(sample, answer))
            continue
        prompt = _asked_with(sample, problem, settings)
        if sample.role == "solver":
            code = parse_solution(prompt, answer, problem.entry_point, sample.finish_reason)
            if isinstance(code, prompts.Refusal):
                dropped.append(_unparsed(sample, code))
            else:
                solution_id = record_id("solution", sample.sample_id)
                code = with_preamble(problem.preamble, code)
                solutions.append(
                    Solution(
                        solution_id,
                        problem.problem_id,
                        code,
                        sample.sample_id,
                        of_reference=sample.of_reference,
                    )
                )
            continue
        suite_id = record_id("suite", sample.sample_id)
        if asks_for_output(problem):
            try:
                case = replace(problem.gold_cases[0], expected=predicted(prompt.prefill + answer))
            except ValueFormatError as error:
                dropped.append(_dropped("prediction", sample, "no_output", str(error)))
            else:
                suites.append(Suite(suite_id, problem.problem_id, (case,), sample.sample_id))
            continue
        tests = parse_suite(prompt, answer, problem.entry_point, sample.finish_reason)
        if isinstance(tests, prompts.Refusal):
            dropped.append(_unparsed(sample, tests))
            continue
        reading = read_cases(tests, problem.entry_point)
        dropped += [_dropped("case", sample, reason, source[:200]) for reason, source in reading.dropped]
        if reading.cases:
            kept = reading.cases[: settings.cases_per_suite]
            suites.append(Suite(suite_id, problem.problem_id, kept, sample.sample_id))
            dropped += [
                _dropped("case", sample, "more_than_asked_for", case.source[:200])
                for case in reading.cases[len(kept) :]
            ]
        else:
            dropped.append(_unparsed(sample, prompts.Refusal("no_case")))
    return solutions, suites, dropped


def _asked_with(sample: Sample, problem: Problem, settings: SamplingSettings) -> prompts.Prompt:
    """The prompt of a sample; samples of earlier versions do not tell, they are all in the demo's style."""
    if sample.messages:
        return as_parsed(problem, prompts.Prompt(sample.messages, sample.prefill, ()))
    if sample.role == "solver":
        return prompts.solver_prompt(problem)
    return _verifier_prompt(problem, settings, prompts.DEMO)


def _unparsed(sample: Sample, refusal: prompts.Refusal) -> Dropped:
    kind = "solution" if sample.role == "solver" else "suite"
    return _dropped(kind, sample, refusal.reason, refusal.detail)


def _dropped(kind: str, sample: Sample, reason: str, detail: str) -> Dropped:
    return Dropped("sample", kind, sample.sample_id, sample.problem_id, reason, detail)


class FormatStatistics(Figures):
    """How the prompts were made into tokens (`ChatFormat.described`)."""

    format: Kind = Field(description="The chat format.")
    version: int = Field(description="Version of the code that makes tokens of prompts.")
    prefill: Prefill = Field(description="Which first words of an answer prompts bring.")
    worked_example: bool = Field(description="Whether prompts show a solved example first.")


class SamplingStatistics(Statistics):
    """What was asked of the models and what came of it; how alike the answers are."""

    kind: Literal["sample"] = "sample"
    chat_format: FormatStatistics | None = Field(
        default=None, description="The model's chat format; that of the demo where none is told."
    )
    model_revision: str | None = Field(
        default=None, description="The hub's commit of the model, else the digest of its files."
    )
    solutions_sampled: int = Field(description="Answers of the solver.")
    solver_temperatures: dict[str, int] = Field(description="Answers of the solver by temperature.")
    solutions_of_base: int = Field(description="Answers that the base model wrote beside another model's.")
    solutions_parsed: int = Field(description="Programs that could be read from the answers.")
    suites_sampled: int = Field(description="Answers of the verifier.")
    suites_parsed: int = Field(description="Suites that could be read from the answers.")
    cases: int = Field(description="Cases of all parsed suites.")
    tokens: int = Field(description="Tokens of all answers.")
    dropped: dict[str, int] = Field(description="Answers and cases that could not be read, by kind: reason.")
    diversity: dict[str, float] = Field(
        default_factory=dict, description="How varied the model's own answers are (`diversity_of`)."
    )


def statistics_of(
    chat_format: ChatFormat,
    revision: str,
    problems: Sequence[Problem],
    samples: Sequence[Sample],
    solutions: Sequence[Solution],
    suites: Sequence[Suite],
    dropped: Sequence[Dropped],
) -> SamplingStatistics:
    """The counts of these samples and of what was read from them."""
    drawn = Counter(row.role for row in samples)
    predictions = {problem.problem_id for problem in problems if asks_for_output(problem)}
    return SamplingStatistics(
        chat_format=FormatStatistics(**chat_format.described()),
        model_revision=revision,
        solutions_sampled=drawn["solver"],
        solver_temperatures=Counter(str(row.temperature) for row in samples if row.role == "solver"),
        solutions_of_base=sum(row.of_reference for row in samples),
        solutions_parsed=len(solutions),
        suites_sampled=drawn["verifier"],
        suites_parsed=len(suites),
        cases=sum(len(suite.cases) for suite in suites),
        tokens=sum(row.tokens for row in samples),
        dropped=Counter(f"{row.kind}: {row.reason}" for row in dropped),
        # Of the champion's own: its collapse is what this is to show.
        diversity=diversity_of(
            [row for row in samples if row.problem_id not in predictions and not row.of_reference],
            [one for one in solutions if not one.of_reference],
        ),
    )


def show_first(stage: Stage, problems: Sequence[Problem], samples: Sequence[Sample]) -> None:
    """A prompt of either role as the model sees it, and an answer, for people."""
    statements = {problem.problem_id: problem.statement for problem in problems}
    for role, said in (("solver", "A solution"), ("verifier", "A suite")):
        one = next((row for row in samples if row.role == role and not row.of_reference), None)
        if one is not None:
            stage.show(f"What the {role} is shown", one.prompt, "text")
            stage.show(f"{said} as it came, for: {statements[one.problem_id]}", one.completion)


def sampled_with(context: IterationContext, engine: EngineSettings, native_tokens: int) -> AskedWith:
    """Raises `FlywheelError` as `asked_with` does."""
    found = asked_with(context, engine)
    native = f", native prompts {NATIVE_VERSION}" if native_tokens else ""
    dialects = "".join(f", tests in {name} {version}" for name, version in dialect_versions())
    return replace(found, chat_format=f"{found.chat_format}{native}{dialects}")


@stage(
    StageName.SAMPLE,
    10,
    looks_up=sampled_with,
    not_in_key={"engine": "what of it changes samples is looked up: its kind and version (`asked_with`)"},
)
def sample(
    stage: Stage,
    _asked_with: AskedWith,
    model: ModelRef,
    problems: Ref,
    dtype: str,
    engine: EngineSettings,
    settings: SamplingSettings,
    seed: str,
    reference: ModelRef | None = None,
    native_tokens: int = 0,
) -> None:
    """Sample both roles on every problem, shard by shard, and parse what came; a part of the solutions from
    the `reference` model, if there is one. Equal `seed`s draw equal samples. With `native_tokens` code is
    asked for as benchmarks ask, in answers of at most so many tokens."""
    all_problems = stage.read(problems, Problem)
    samples: list[Sample] = []
    progress = current()
    policy_budget, reference_budget = split_sample_budget(settings) if reference else (settings, settings)

    def draw(writer: ModelRef, asked: SamplingSettings, shard: Sequence[Problem]) -> list[Sample]:
        sampler = shared_sampler(
            stage.path(writer), writer.digest, dtype, settings.max_context_tokens, engine, stage.log_folder
        )
        chat_format = format_of(stage.path(writer), settings)
        of_reference = writer is reference
        return draw_samples(sampler, shard, asked, seed, chat_format, of_reference, native_tokens)

    for writer, asked, name in ((model, policy_budget, ""), (reference, reference_budget, "reference-")):
        if writer is None:
            continue
        progress.count(len(all_problems), "problems (base model)" if name else "problems")
        shards = [
            Shard(f"{name}{start:06d}", len(shard), partial(draw, writer, asked, shard))
            for start in range(0, len(all_problems), settings.shard_problems)
            if (shard := all_problems[start : start + settings.shard_problems])
        ]
        samples += computed_shards(stage, Sample, shards, engine_of(engine).parallel(engine))
    solutions, suites, dropped = parse_samples(all_problems, samples, settings)
    known_solutions, known_suites = reference_records(all_problems)
    stage.write("samples", Sample, samples)
    stage.write("solutions", Solution, [*solutions, *known_solutions])
    stage.write("suites", Suite, [*suites, *known_suites])
    stage.write("dropped", Dropped, dropped)
    show_first(stage, all_problems, samples)
    asked_in = format_of(stage.path(model), settings)
    revision = revision_of(stage.path(model)) or model.digest
    stage.statistics = statistics_of(asked_in, revision, all_problems, samples, solutions, suites, dropped)
