"""`flywheel export`: an iteration as a Hugging Face data set and model, in a folder or on the hub."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows.commands.runs import Run, open_run
from flows.reports.cards import licence_of
from flows.reports.dataset_cards import dataset_card
from flows.reports.model_cards import model_card
from flows.reports.report import Report
from tasks.core.disk import check_room, copy_folder, whole_folder
from tasks.core.errors import FlywheelError
from tasks.core.records import Behaviour, Problem, Solution, Suite
from tasks.core.rows import Pair, SftRow
from tasks.core.tables import schema_of
from tasks.execution.problem_data import ProblemData, join_by_problem
from tasks.execution.verdicts import invalid_checks, suite_verdicts
from tasks.pipeline.workspace import Ref

HUB = "hub:"
PUBLIC = ("problem_id", "statement", "entry_point", "signature", "source", "seed")
_MATRIX = pa.schema(
    [
        ("iteration", pa.int64()),
        ("problem_id", pa.string()),
        ("solution_id", pa.string()),
        ("of_reference", pa.bool_()),
        ("code", pa.string()),
        ("suite_id", pa.string()),
        ("cases", pa.list_(pa.string())),
        ("verdicts", pa.list_(pa.string())),
        ("passed", pa.bool_()),
    ]
)
# A column that holds nothing in every row would have no type of its own.
_SCHEMAS = {"sft": schema_of(SftRow), "preferences": schema_of(Pair), "pass_matrix": _MATRIX}


def pass_matrix(problems: Sequence[ProblemData]) -> list[dict[str, Any]]:
    """A row for every sampled solution and sampled suite of its problem, with a verdict a case.

    A check that passes whatever a solution returns is "invalid".
    `passed`: the suite has cases, and all pass.
    """
    rows = []
    for data in problems:
        invalid = invalid_checks(data.null, data.plan)
        for solution in data.sampled_solutions:
            if solution.solution_id not in data.rows:
                continue
            for suite in data.sampled_suites:
                verdicts = suite_verdicts(data.rows[solution.solution_id], suite, data.plan, invalid=invalid)
                rows.append(
                    {
                        "problem_id": data.problem_id,
                        "solution_id": solution.solution_id,
                        "of_reference": solution.of_reference,
                        "code": solution.code,
                        "suite_id": suite.suite_id,
                        "cases": [case.source for case in suite.cases],
                        "verdicts": list(verdicts),
                        "passed": bool(verdicts) and set(verdicts) == {"pass"},
                    }
                )
    return rows


def export(name: str, target: str, root: str) -> str:
    """Export an iteration to a folder, or to `hub:NAME`; returns what was written and where, in a sentence.

    A folder must be new or empty, and is whole afterwards or not there. Raises `FlywheelError` when the
    iteration is not finished, the disk is full or may not be written, or the hub cannot be reached or knows
    no token.
    """
    run = open_run(name, root)
    report = run.report
    if report is None:
        raise FlywheelError(f"{run.name} is not finished: `flywheel run` goes on with it, then export it.")
    if not target.startswith(HUB):
        folder = Path(target).expanduser().resolve()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FlywheelError(f"--to {folder} is not empty: name a new folder.")
        check_room(folder, _needed(run, report), "the export needs", "name a folder elsewhere with --to")
        with whole_folder(folder) as draft:
            written = _write(run, report, draft)
        return f"{written} in {folder}"
    repository = target.removeprefix(HUB)
    api = _hub(repository)
    folder = run.workspace.root / "exports" / f"{run.iteration:04d}"
    shutil.rmtree(folder, ignore_errors=True)
    check_room(folder, _needed(run, report), "the export needs", "move the workspace")
    with whole_folder(folder) as draft:
        written = _write(run, report, draft)
    kinds = [kind for kind in ("dataset", "model") if (folder / kind).is_dir()]
    # All are looked at before anything is uploaded.
    for kind in kinds:
        api.create_repo(repository, repo_type=kind, exist_ok=True, private=True)
        if not api.repo_info(repository, repo_type=kind).private:
            raise FlywheelError(
                f"hub:{repository} exists as a public {kind}: name another, or make it private first."
            )
    for kind in kinds:
        api.upload_folder(repo_id=repository, repo_type=kind, folder_path=folder / kind)
    return f"{written} on the hub as {repository} (private)"


def _hub(repository: str) -> Any:
    """The hub's client, once it is certain that it answers and knows who asks."""
    from huggingface_hub import HfApi, get_token

    from tasks.core.hub import hub_reachable

    if repository.count("/") != 1:
        raise FlywheelError(f"hub:{repository}: write it as hub:USER/NAME.")
    if not hub_reachable():
        raise FlywheelError("the hub is out of reach: export to a folder, and upload it from elsewhere.")
    if get_token() is None:
        raise FlywheelError("the hub knows no token here: run `hf auth login`, or set HF_TOKEN.")
    return HfApi()


def _needed(run: Run, report: Report) -> int:
    """Bytes that an export takes at least: those of the model, and of the tables of rows."""
    tables = [ref.path for ref in run.stages["collect"].tables.values()]
    paths = [run.workspace.root / path for path in tables]
    if report.has_new_model:
        paths += run.workspace.path(report.candidate).rglob("*")
    return sum(path.stat().st_size for path in paths if path.is_file())


def _write(run: Run, report: Report, folder: Path) -> str:
    settings = run.workspace.started_with(run.iteration)
    base = _base_folder(run, report)
    licence = licence_of(settings["model"]["name"], base)
    splits = _write_data(run, folder / "dataset" / "data")
    card = dataset_card(report, settings, licence, splits)
    (folder / "dataset" / "README.md").write_text(card, encoding="utf-8")
    if not report.has_new_model:
        return "the data set (training left no new model)"
    copy_folder(run.workspace.path(report.candidate), folder / "model", leave_out="README.md")
    packages = run.workspace.manifest(run.iteration)["packages"]
    (folder / "model" / "README.md").write_text(
        model_card(report, settings, licence, packages), encoding="utf-8"
    )
    return "data set and model"


def _base_folder(run: Run, report: Report) -> Path | None:
    """Where the base model lies, if this iteration still knows."""
    return run.workspace.path(report.champion) if report.of_base else None


def _write_data(run: Run, folder: Path) -> dict[str, dict[str, int]]:
    """Write all subsets; how many rows each split has. Empty splits are left out, but for "train"."""
    workspace, collected = run.workspace, run.stages["collect"].tables

    def plain(ref: Ref, record: type[Any]) -> list[dict[str, Any]]:
        return [dataclasses.asdict(row) for row in workspace.read(ref, record)]

    rows: list[SftRow | Pair] = [
        *workspace.read(collected["sft"], SftRow),
        *workspace.read(collected["pairs"], Pair),
    ]
    problems: dict[str, dict[str, Any]] = {}
    matrix: list[dict[str, Any]] = []
    for iteration in sorted({row.iteration for row in rows} | {run.iteration}):
        stages = Run(workspace, iteration).stages
        own = workspace.read(stages["propose"].tables["problems"], Problem)
        problems |= {problem.problem_id: dataclasses.asdict(problem) for problem in own}
        sampled = stages["sample-self-play"].tables
        joined = join_by_problem(
            own,
            workspace.read(sampled["solutions"], Solution),
            workspace.read(sampled["suites"], Suite),
            workspace.read(stages["execute-self-play"].tables["behaviours"], Behaviour),
        )
        matrix += [{"iteration": iteration, **row} for row in pass_matrix(joined)]
    subsets = {
        "sft": {
            "train": plain(collected["sft"], SftRow),
            "held_out": plain(collected["sft_held_out"], SftRow),
        },
        "preferences": {
            "train": plain(collected["pairs"], Pair),
            "held_out": plain(collected["pairs_held_out"], Pair),
        },
        "problems": {"train": [{name: row[name] for name in PUBLIC} for row in problems.values()]},
        "pass_matrix": {"train": matrix},
    }
    splits: dict[str, dict[str, int]] = {}
    for subset, parts in subsets.items():
        splits[subset] = {}
        for split, records in parts.items():
            if records or split == "train":
                path = folder / subset / f"{split}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                schema = _SCHEMAS.get(subset)
                pq.write_table(pa.Table.from_pylist(records, schema=schema), path)
                splits[subset][split] = len(records)
    return splits
