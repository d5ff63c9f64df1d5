"""Self-play's food: statements from a file, problems the model proposes, cleaned of repeats and benchmarks.

Proposals are OSS-Instruct style (Wei et al. 2023, arXiv 2312.02120): a snippet of real code inspires the
model to write a new problem. Only text and signature enter; tests never do.
"""

from __future__ import annotations

import ast
import random
import sysconfig
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from tasks.benchmarks.mbpp import load_mbpp
from tasks.core.errors import FlywheelError
from tasks.core.fragments import parse_foreign
from tasks.core.jsonl import Row, Text, read_objects, row_of
from tasks.core.progress import current, over
from tasks.core.records import Problem, Sample, record_id
from tasks.core.rows import Dropped
from tasks.generation import prompts
from tasks.generation.answers import parse_problem
from tasks.generation.asked_with import AskedWith, asked_with
from tasks.generation.asking import asked_of, sample_of
from tasks.generation.decontamination import Contamination, find_duplicates
from tasks.generation.shards import in_batches
from tasks.generation.signatures import BadSignature, plain_signature
from tasks.generation.thinking import without_thought
from tasks.inference.base import Sampler
from tasks.inference.engines import engine_of, shared_sampler
from tasks.models.chat_format import ChatFormat, format_of
from tasks.pipeline.stage import IterationContext, log_progress, stage
from tasks.pipeline.stage_name import StageName
from tasks.pipeline.statistics import Statistics
from tasks.pipeline.workspace import ModelRef, Ref, Stage, Workspace
from tasks.settings.engine import EngineSettings
from tasks.settings.problems import ProblemSettings
from tasks.settings.sampling import SamplingSettings

SNIPPET_LINES = (4, 18)
# Drawn from so many times as many as are wanted: not all from the first files.
SNIPPETS_EACH = 4
DATASET_ROWS = 200


class StatementLine(Row):
    """A line of a file of statements: docs/statements.md."""

    problem_id: Text
    statement: Text
    entry_point: Text
    signature: Text


def read_statements(path: Path) -> list[Problem]:
    """Problems of a JSONL file. Raises `FlywheelError` naming file and line of the first bad one."""
    problems = [_statement(row, where) for where, row in read_objects(path)]
    if not problems:
        raise FlywheelError(f"{path} holds no problem: one JSON object a line is expected.")
    repeated = [i for i, n in Counter(problem.problem_id for problem in problems).items() if n > 1]
    if repeated:
        raise FlywheelError(f"{path} uses the problem_id {repeated[0]!r} more than once.")
    return problems


def _statement(row: Mapping[str, Any], where: str) -> Problem:
    line = row_of(StatementLine, row, where)
    plain = plain_signature(line.signature, line.entry_point)
    if isinstance(plain, BadSignature):
        raise FlywheelError(f"{where}: the signature {plain.reason}.")
    return Problem(line.problem_id, line.statement.strip(), line.entry_point, plain, "statement")


def load_statements(name: str) -> list[Problem]:
    """All statements of the configured source."""
    if not name:
        return []
    if name == "builtin":
        with resources.as_file(resources.files("tasks.data") / "statements.jsonl") as path:
            return read_statements(path)
    if name == "mbpp-train":
        return [problem for problem in load_mbpp() if problem.split == "train"]
    return read_statements(Path(name).expanduser())


def draw_statements(
    pool: Sequence[Problem], used: Mapping[str, int], count: int, repeat: bool, rng: random.Random
) -> list[Problem]:
    """Up to `count` of the pool, those that were used least often first; used ones only when `repeat`.

    `used`: statement -> in how many earlier iterations.
    """
    shuffled = rng.sample(list(pool), len(pool))
    allowed = [problem for problem in shuffled if repeat or problem.statement not in used]
    return sorted(allowed, key=lambda problem: used.get(problem.statement, 0))[:count]


def snippets(source: str, count: int, rng: random.Random) -> list[tuple[str, str]]:
    """(where, code) of `count` short functions drawn from a folder of Python files or a dataset.

    Where there are fewer, some inspire more than one problem. Raises `FlywheelError` when there are none.
    """
    found: list[tuple[str, str]] = []
    for where, text in _texts(source, count, rng):
        found += [(f"{where}:{line}", code) for line, code in _short_functions(text)]
        if len(found) >= SNIPPETS_EACH * count:
            break
    if not found:
        raise FlywheelError(f"problems.seed_snippets: no short Python function found in {source!r}.")
    rounds = [rng.sample(found, len(found)) for _ in range(-(-count // len(found)))]
    return [snippet for found in rounds for snippet in found][:count]


def _texts(source: str, count: int, rng: random.Random) -> Iterator[tuple[str, str]]:
    if source.startswith("dataset:"):
        from datasets import load_dataset

        try:
            rows = load_dataset(source.removeprefix("dataset:"), split="train", streaming=True)
            first = list(rows.take(max(DATASET_ROWS, count)))
        except Exception as error:
            raise FlywheelError(
                f"problems.seed_snippets: {source!r} cannot be read ({type(error).__name__}): "
                "name a folder of Python files instead."
            ) from None
        column = next((c for c in ("content", "code", "text") if first and c in first[0]), None)
        if column is None:
            raise FlywheelError(f"{source!r} has no column content, code or text.")
        yield from ((f"{source}#{index}", str(row[column])) for index, row in enumerate(first))
        return
    folder = _snippet_folder(source)
    skipped = {"test", "tests", "site-packages", "lib2to3", "idlelib"}
    files = sorted(path for path in folder.rglob("*.py") if not skipped & set(path.relative_to(folder).parts))
    for path in rng.sample(files, len(files)):
        yield str(path.relative_to(folder)), path.read_text(encoding="utf-8", errors="replace")


def _snippet_folder(source: str) -> Path:
    folder = Path(sysconfig.get_path("stdlib") if source == "stdlib" else source).expanduser()
    if not folder.is_dir():
        raise FlywheelError(
            f"problems.seed_snippets: there is no folder {folder}: name one with Python files, or 'stdlib'."
        )
    return folder


def check_sources(settings: ProblemSettings) -> None:
    """Raises `FlywheelError` for statements or snippets that are not there; asks no hub."""
    if settings.statements != "mbpp-train":
        load_statements(settings.statements)
    if settings.propose and not settings.seed_snippets.startswith("dataset:"):
        _snippet_folder(settings.seed_snippets)


def _short_functions(text: str) -> list[tuple[int, str]]:
    try:
        tree = parse_foreign(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    low, high = SNIPPET_LINES
    return [
        (node.lineno, ast.get_source_segment(text, node) or "")
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and low <= (node.end_lineno or 0) - node.lineno + 1 <= high
    ]


def propose_with(
    sampler: Sampler,
    seeds: Sequence[tuple[str, str]],
    settings: SamplingSettings,
    seed: int,
    chat_format: ChatFormat,
    at_once: int = 1,
) -> tuple[list[Sample], list[Problem], list[Dropped]]:
    """One proposed problem a snippet; answers that are no problem are dropped with a reason. The engine may
    be asked for so many batches `at_once`."""
    style = prompts.style_of(chat_format)
    longest, temperature = settings.max_problem_tokens, settings.temperature
    shown = [prompts.proposer_prompt(code, style) for _, code in seeds]
    planned = [
        asked_of("proposer", prompt, 1, seed + number, longest, temperature, settings, chat_format)
        for number, prompt in enumerate(shown)
    ]
    answers = in_batches(sampler, [asked.request for asked in planned], at_once)
    samples, problems, dropped = [], [], []
    for (where, _), prompt, asked, (answer,) in zip(seeds, shown, planned, answers, strict=True):
        problem_id = f"proposed/{record_id(where, asked.request.prompt, answer.text, asked.request.seed)}"
        sample = sample_of(asked, answer, f"sample-{problem_id}", problem_id, settings, chat_format)
        samples.append(sample)
        text = without_thought(sample, settings)
        found = text if isinstance(text, prompts.Refusal) else parse_problem(prompt, text)
        if isinstance(found, prompts.Refusal):
            dropped.append(Dropped("propose", "problem", problem_id, problem_id, found.reason, found.detail))
        else:
            problems.append(
                Problem(problem_id, found.statement, found.entry_point, found.signature, "proposed", where)
            )
    return samples, problems, dropped


def clean(
    problems: Sequence[Problem],
    earlier: Sequence[Problem],
    benchmark: Sequence[Problem],
    near_duplicate: float,
) -> tuple[list[Problem], list[Dropped]]:
    """Problems without repeats (of each other, of earlier proposals) and without benchmark text."""
    duplicates = find_duplicates(problems, earlier, near_duplicate)
    contamination = Contamination(benchmark)
    kept, dropped = [], []
    for problem in over(problems, "problems"):
        if problem.problem_id in duplicates:
            reason, detail = duplicates[problem.problem_id]
        elif match := contamination.of_text(problem.statement):
            reason, detail = "shares words with a benchmark", f"{match[1]}: {match[0]}"
        elif source := contamination.of_code(problem.entry_point, problem.gold_solution):
            reason, detail = "is a benchmark's entry point and gold code", source
        else:
            kept.append(problem)
            continue
        dropped.append(Dropped("propose", "problem", problem.problem_id, problem.problem_id, reason, detail))
    return kept, dropped


def earlier_problems(workspace: Workspace, iteration: int) -> list[Problem]:
    """The problems of all earlier iterations."""
    rows: list[Problem] = []
    for number in (n for n in workspace.iterations() if n < iteration):
        for entry in workspace.manifest(number)["stages"].values():
            if entry["stage"] == StageName.PROPOSE:
                rows += workspace.read(Ref(**entry["tables"]["problems"]), Problem)
    return rows


@dataclass(frozen=True)
class ProblemSources:
    """What an iteration's problems are made from beside the model: statements, the problems of earlier
    iterations, which are not repeated, and how the model is asked."""

    pool: tuple[Problem, ...]
    earlier: tuple[Problem, ...]
    asked_with: AskedWith


def problem_sources(
    context: IterationContext, engine: EngineSettings, settings: ProblemSettings
) -> ProblemSources:
    """Raises `FlywheelError` where there is neither a statement nor anything to propose."""
    pool = load_statements(settings.statements)
    if not pool and not settings.propose:
        raise FlywheelError("no problems: set problems.statements or problems.propose.")
    earlier = earlier_problems(context.workspace, context.iteration)
    return ProblemSources(tuple(pool), tuple(earlier), asked_with(context, engine))


class ProblemStatistics(Statistics):
    """Where an iteration's problems came from, and what was left out."""

    kind: Literal["propose"] = "propose"
    statements: int = Field(description="Statements drawn from the file.")
    asked: int = Field(description="Problems that the model was asked to propose.")
    proposed: int = Field(description="Proposals that could be read.")
    duplicates: int = Field(description="Left out as near another problem.")
    contaminated: int = Field(description="Left out as near a benchmark's problem.")
    kept: int = Field(description="Problems of the iteration.")
    new: int = Field(description="Those of them whose statements no earlier iteration had.")
    dropped: dict[str, int] = Field(description="How many were left out, by reason.")


@stage(
    StageName.PROPOSE,
    3,
    looks_up=problem_sources,
    not_in_key={"engine": "what of it changes samples is looked up: its kind and version (`asked_with`)"},
)
def propose(
    stage: Stage,
    found: ProblemSources,
    model: ModelRef,
    benchmark: Ref,
    dtype: str,
    engine: EngineSettings,
    sampling: SamplingSettings,
    settings: ProblemSettings,
    seed: int,
    iteration: int,
) -> None:
    """The iteration's problems: statements and proposals, deduplicated and decontaminated."""
    # Other statements, snippets and seeds every iteration, also while the model is held.
    rng = random.Random(f"{seed}/{iteration}/problems")
    used = Counter(problem.statement for problem in found.earlier)
    drawn = draw_statements(found.pool, used, settings.max_statements, settings.repeat_statements, rng)
    samples: list[Sample] = []
    proposed: list[Problem] = []
    dropped: list[Dropped] = []
    if settings.propose:
        log_progress(f"propose: asking the model for {settings.propose} problems")
        seeds = snippets(settings.seed_snippets, settings.propose, rng)
        sampler = shared_sampler(
            stage.path(model), model.digest, dtype, sampling.max_context_tokens, engine, stage.log_folder
        )
        progress = current()
        progress.count(settings.propose, "problems asked for")
        with progress.span(settings.propose):
            chat_format = format_of(stage.path(model), sampling)
            samples, proposed, dropped = propose_with(
                sampler,
                seeds,
                sampling,
                rng.randrange(2**30),
                chat_format,
                engine_of(engine).parallel(engine),
            )
    before = [problem for problem in found.earlier if problem.source == "proposed"]
    kept, unclean = clean(
        [*drawn, *proposed], before, stage.read(benchmark, Problem), settings.near_duplicate
    )
    stage.write("problems", Problem, kept)
    stage.write("samples", Sample, samples)
    for problem in [one for one in kept if one.source == "proposed"][:3]:
        stage.show("A problem that the model proposed", f"# {problem.statement}\n{problem.signature}")
    stage.write("dropped", Dropped, [*dropped, *unclean])
    reasons = Counter(row.reason for row in [*dropped, *unclean])
    duplicates = sum(n for reason, n in reasons.items() if reason.endswith("duplicate"))
    contaminated = sum(n for reason, n in reasons.items() if "benchmark" in reason)
    stage.statistics = ProblemStatistics(
        statements=len(drawn),
        asked=settings.propose,
        proposed=len(proposed),
        duplicates=duplicates,
        contaminated=contaminated,
        kept=len(kept),
        new=sum(problem.statement not in used for problem in kept),
        dropped=dict(reasons),
    )
