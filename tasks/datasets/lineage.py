"""From a training row back to its seed, read from the workspace's tables alone.

A stage's manifest entry names the digests of all that it read, and each of them is what an earlier entry
wrote. Following them from the table that holds a row gives every record of its chain together with the
model, the settings and the seeds that made it, whichever iteration computed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from tasks.core.errors import FlywheelError
from tasks.core.records import Behaviour, Case, Problem, Sample, Solution, Suite
from tasks.core.rows import Decision, Pair, SftRow
from tasks.datasets.kept_problem import load_kept_problems
from tasks.execution.problem_data import join_by_problem
from tasks.execution.verdicts import CallPlan, judge
from tasks.generation import prompts
from tasks.generation.answers import parse_suite
from tasks.pipeline.workspace import Ref, StageResult, Workspace
from tasks.testcode.suites import case_key, read_cases

TrainingRow = SftRow | Pair
Record = TypeVar("Record")
ROW_TABLES: dict[str, type[SftRow] | type[Pair]] = {"sft": SftRow, "pairs": Pair}
_SHOWN_MATCHES = 5


@dataclass(frozen=True)
class TableOrigin:
    """A table and the stage that wrote it."""

    iteration: int
    stage: StageResult
    name: str

    @property
    def ref(self) -> Ref:
        return self.stage.tables[self.name]


class Provenance:
    """Every table of a workspace by its digest, with the stage that made it."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.made: dict[str, TableOrigin] = {}
        self.models: dict[str, str] = {}
        for iteration in workspace.iterations():
            for stage in workspace.stages(iteration):
                for name, ref in stage.tables.items():
                    self.made.setdefault(ref.digest, TableOrigin(iteration, stage, name))
                for model in stage.models.values():
                    self.models.setdefault(model.digest, f"{model.origin}, iteration {iteration}")

    def input_of(self, stage: StageResult, name: str) -> TableOrigin:
        """The table that a stage read under that name. Raises `FlywheelError` when no manifest has it."""
        digest = stage.inputs.get(name, "")
        if digest not in self.made:
            raise FlywheelError(
                f"the chain is broken: no manifest names the {name} that {stage.stage} read; "
                "was an iteration's folder moved away?"
            )
        return self.made[digest]

    def rows(self, made: TableOrigin, record: type[Record], problem_id: str = "") -> list[Record]:
        """Rows of a table; those of one problem when it is named."""
        rows = self.workspace.read(made.ref, record)
        return [row for row in rows if not problem_id or getattr(row, "problem_id", "") == problem_id]

    def row_tables(self, iteration: int) -> list[TableOrigin]:
        """The tables where training rows of an iteration were made: its own first, then earlier ones."""
        waiting = [
            TableOrigin(iteration, stage, name)
            for stage in self.workspace.stages(iteration)
            for name in stage.tables
            if name in ROW_TABLES
        ]
        waiting += [
            self.made[digest]
            for stage in self.workspace.stages(iteration)
            for digest in stage.inputs.values()
            if digest in self.made and self.made[digest].name in ROW_TABLES
        ]
        found: dict[str, TableOrigin] = {}
        while waiting:
            table = waiting.pop(0)
            if "decisions" in table.stage.inputs:
                found.setdefault(table.ref.digest, table)
                continue
            sources = (self.made.get(digest) for digest in table.stage.inputs.values())
            waiting += [source for source in sources if source is not None and source.name in ROW_TABLES]
        return list(found.values())


def find_row(provenance: Provenance, iteration: int, prefix: str) -> tuple[TrainingRow, TableOrigin]:
    """The training row whose id starts so, and the table it was made in.

    Raises `FlywheelError` when none does, or several.
    """
    found: dict[str, tuple[TrainingRow, TableOrigin]] = {}
    for table in provenance.row_tables(iteration):
        for row in provenance.rows(table, ROW_TABLES[table.name]):
            if row.row_id.startswith(prefix):
                found.setdefault(row.row_id, (row, table))
    if not found:
        raise FlywheelError(
            f"iteration {iteration} has no training row {prefix!r}: `flywheel show {iteration} sft` and "
            f"`flywheel show {iteration} pairs` list them."
        )
    if len(found) > 1:
        some = ", ".join(list(found)[:_SHOWN_MATCHES]) + (", ..." if len(found) > _SHOWN_MATCHES else "")
        raise FlywheelError(f"{len(found)} training rows start with {prefix!r}: {some}; write more of it.")
    return next(iter(found.values()))


def trained_on(provenance: Provenance, iteration: int, row_id: str) -> bool:
    """Whether a training stage of that iteration read a table that holds the row."""
    return any(
        row.row_id == row_id
        for stage in provenance.workspace.stages(iteration)
        if stage.stage.startswith("train-")
        for digest in stage.inputs.values()
        if (table := provenance.made.get(digest)) is not None and table.name in ROW_TABLES
        for row in provenance.rows(table, ROW_TABLES[table.name])
    )


@dataclass(frozen=True)
class Records:
    """Everything recorded about one problem."""

    problem: Problem
    decision: Decision
    solutions: dict[str, Solution]
    suites: dict[str, Suite]
    behaviours: dict[str, Behaviour]
    samples: dict[str, Sample]
    plan: CallPlan
    targets: tuple[str, ...]

    def verdict(self, solution_id: str, case: Case) -> str:
        """The verdict of a solution on a case; "not run" for a case that was in no sampled suite."""
        try:
            return judge(self.plan.outcome(self.behaviours[solution_id], case), case)
        except KeyError:
            return "not run"

    def killed(self, cases: Sequence[Case]) -> dict[str, tuple[int, int]]:
        """(how many fail one of the cases, of how many) losing solutions, and mutants of the winners."""

        def counted(ids: Sequence[str]) -> tuple[int, int]:
            dead = [one for one in ids if any(self.verdict(one, case) == "fail" for case in cases)]
            return len(dead), len(ids)

        return {
            "losing programs": counted([one for one in self.targets if one in self.solutions]),
            "mutants": counted([one for one in self.targets if one not in self.solutions]),
        }


def records_of(provenance: Provenance, table: TableOrigin, problem_id: str) -> Records:
    """What the stage that made a table of rows read about one problem."""

    def read(name: str, record: type[Record]) -> list[Record]:
        return provenance.rows(provenance.input_of(table.stage, name), record, problem_id)

    problem, decision, suites = (
        read("problems", Problem)[0],
        read("decisions", Decision)[0],
        read("suites", Suite),
    )
    (kept_problem,) = load_kept_problems(
        join_by_problem([problem], read("solutions", Solution), suites, read("behaviours", Behaviour)),
        read("mutant_behaviours", Behaviour),
        [decision],
    )
    sampled = provenance.input_of(table.stage, "solutions")
    samples = TableOrigin(sampled.iteration, sampled.stage, "samples")
    return Records(
        problem=problem,
        decision=decision,
        solutions=kept_problem.solutions,
        suites={row.suite_id: row for row in suites},
        behaviours=kept_problem.behaviours,
        samples={row.sample_id: row for row in provenance.rows(samples, Sample, problem_id)},
        plan=kept_problem.plan,
        targets=kept_problem.targets,
    )


def lineage(workspace: Workspace, iteration: int, prefix: str) -> dict[str, Any]:
    """The chain of one training row, as plain JSON.

    Keys: `row`, the `table` and `iteration` that made it, and whether the iteration asked for has
    `trained_on` it; `problem` with its snippet or file; `sampling` (model, the base model where it is
    the reference, settings, seed); `parts`, one a text of the row (chosen, rejected), each with its raw
    samples and its cases with their verdicts; `mutant`, the one that a good suite rejects where it rejects no
    losing solution (else None); `execution`; `agreement` (rule, thresholds, votes, margin, score).
    """
    provenance = Provenance(workspace)
    row, table = find_row(provenance, iteration, prefix)
    records = records_of(provenance, table, row.problem_id)
    sampled = provenance.input_of(table.stage, "solutions").stage
    executed = provenance.input_of(table.stage, "behaviours").stage
    agreed = provenance.input_of(table.stage, "decisions").stage
    decision = asdict(records.decision)
    chosen, rejected = decision.pop("chosen"), decision.pop("rejected")
    del decision["cases"], decision["problem_id"]
    return {
        "row": asdict(row),
        "table": f"{table.stage.stage}/{table.name}",
        "iteration": table.iteration,
        "sampled_in": provenance.input_of(table.stage, "solutions").iteration,
        "trained_on": trained_on(provenance, iteration, row.row_id),
        "problem": _problem(provenance, table, records.problem),
        "sampling": {
            "model": sampled.inputs["model"],
            "model_origin": provenance.models.get(sampled.inputs["model"], "base model"),
            "reference": sampled.inputs.get("reference", ""),
            "settings": sampled.settings,
        },
        "parts": [_part(name, text, row, records) for name, text in _texts(row)],
        "mutant": rejected_mutant(provenance, row, table),
        "execution": {"image": executed.inputs.get("image", ""), "settings": executed.settings},
        "agreement": {
            **decision,
            "chosen": len(chosen),
            "rejected": len(rejected),
            "settings": agreed.settings,
        },
    }


def rejected_mutant(provenance: Provenance, row: TrainingRow, table: TableOrigin) -> dict[str, Any] | None:
    """The mutant among a row's sources, with its parent and change; None if there is none."""
    wanted = next((source for source in row.sources if source.startswith("mutant/")), "")
    if not wanted:
        return None
    executed = provenance.input_of(table.stage, "mutant_behaviours").stage
    mutants = provenance.rows(provenance.input_of(executed, "solutions"), Solution, row.problem_id)
    return next(asdict(mutant) for mutant in mutants if mutant.solution_id == wanted)


def _texts(row: TrainingRow) -> list[tuple[str, str]]:
    if isinstance(row, SftRow):
        return [("chosen", row.completion)]
    return [("chosen", row.chosen), ("rejected", row.rejected)]


def _problem(provenance: Provenance, table: TableOrigin, problem: Problem) -> dict[str, Any]:
    """The problem, and for a proposed one the sample it was read from (its prompt holds the snippet)."""
    proposed = provenance.input_of(table.stage, "problems")
    shown = {
        name: getattr(problem, name)
        for name in ("problem_id", "statement", "entry_point", "signature", "source", "seed")
    }
    if problem.source != "proposed":
        return {**shown, "statements": (proposed.stage.settings or {}).get("statements", "")}
    samples = provenance.rows(
        TableOrigin(proposed.iteration, proposed.stage, "samples"), Sample, problem.problem_id
    )
    return {
        **shown,
        "proposer_model": proposed.stage.inputs.get("model", ""),
        "proposal": asdict(samples[0]) if samples else None,
    }


def _part(name: str, text: str, row: TrainingRow, records: Records) -> dict[str, Any]:
    """One text of a row: the samples it was taken from, its cases and what they say."""
    position = 0 if name == "chosen" else 1
    source = row.sources[position]
    if row.role == "solver":
        solution = records.solutions[source]
        cases = [
            {"source": case.source, "verdict": records.verdict(source, case)}
            for case in records.decision.cases
        ]
        return {
            "part": name,
            "record": source,
            "text": text,
            "cases": cases,
            "samples": _samples(records, [solution.sample_id]),
        }
    winner = records.decision.chosen[0]
    written = _cases_of(text, row, records)
    suite = records.suites.get(source)
    keys = {case_key(case) for case in written}
    from_suites = (
        [suite]
        if suite is not None
        else [s for s in records.suites.values() if keys & {case_key(case) for case in s.cases}]
    )
    return {
        "part": name,
        "record": source,
        "recombined": suite is None,
        "text": text,
        "judged_on": winner,
        "cases": [{"source": case.source, "verdict": records.verdict(winner, case)} for case in written],
        "killed": records.killed(written),
        "samples": _samples(records, [s.sample_id for s in from_suites if s.origin == "sample"]),
    }


def _cases_of(text: str, row: TrainingRow, records: Records) -> Sequence[Case]:
    """The cases that a verifier's completion spells out, read as a sampled suite is read."""
    entry_point = records.problem.entry_point
    # In tables of earlier versions rows do not tell how they begin: as the demo's, whatever their size.
    begun = (
        prompts.Prompt(row.messages, row.prefill, ())
        if row.messages
        else prompts.verifier_prompt(records.problem, 1)
    )
    tests = parse_suite(begun, text, entry_point)
    return () if isinstance(tests, prompts.Refusal) else read_cases(tests, entry_point).cases


def _samples(records: Records, ids: Sequence[str]) -> list[dict[str, Any]]:
    return [asdict(records.samples[sample_id]) for sample_id in ids if sample_id in records.samples]
