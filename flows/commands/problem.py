"""`flywheel show RUN problem ID`: all that an iteration knows about one problem, joined over its tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from flows.commands.runs import Run, open_run
from flows.reports.terminal import print_markdown
from tasks.core.errors import FlywheelError
from tasks.core.markdown import table
from tasks.core.records import Behaviour, Problem, Solution, Suite
from tasks.core.rows import Decision
from tasks.core.tables import read_plain
from tasks.execution.verdicts import invalid_checks, plan_calls, suite_verdicts
from tasks.filtering.rules.base import UNOPPOSED
from tasks.pipeline.workspace import StageResult

# Who answered, and the stage that has the problems that were asked.
PARTS = {
    "self-play": ("propose", "problems"),
    **dict.fromkeys(("before", "after"), ("evaluation-set", "scored")),
}
_SHOWN_PROBLEMS = 5
_SHOWN_LINES = 30
ROW_TABLES = ("sft", "pairs")


def problem_view(run: Run, wanted: str) -> dict[str, Any]:
    """Everything about the problem whose id is, or else ends or begins with, `wanted`, as plain JSON.

    Keys: `problem`; `answers`, one entry for each model's answers to it with `solutions` (code, verdicts by
    suite), `suites` (cases) and the `decision` where there is one; `dropped`, why what was not kept; `rows`,
    what is trained on. Raises `FlywheelError` when no problem, or several, are meant.
    """
    stages = run.stages
    known = {
        problem.problem_id: (problem, name)
        for stage, name in dict.fromkeys(PARTS.values())
        if stage in stages
        for problem in run.workspace.read(stages[stage].tables[name], Problem)
    }
    problem, table = known[_meant(wanted, sorted(known), run)]
    labels = [label for label, (_, name) in PARTS.items() if name == table]
    return {
        "iteration": run.iteration,
        "problem": {k: v for k, v in asdict(problem).items() if k != "gold_cases" and v},
        "answers": [found for label in labels if (found := _answers(run, stages, label, problem.problem_id))],
        "dropped": [
            row
            for stage in stages.values()
            if "dropped" in stage.tables
            for row in _rows(run, stage, "dropped", problem.problem_id)
        ],
        "rows": [
            {"table": f"{stage.stage}/{name}", **row}
            for stage in stages.values()
            if stage.stage == "prefer"
            for name in ROW_TABLES
            for row in _rows(run, stage, name, problem.problem_id)
        ],
    }


def _meant(wanted: str, known: Sequence[str], run: Run) -> str:
    for means in (str.__eq__, str.endswith, str.startswith):
        found = [problem_id for problem_id in known if means(problem_id, wanted)]
        if len(found) == 1 or (found and not wanted):
            break
    else:
        some = ", ".join(found[:_SHOWN_PROBLEMS] if found else known[:_SHOWN_PROBLEMS])
        how = f"{len(found)} problems" if found else "no problem"
        raise FlywheelError(
            f"iteration {run.iteration} has {how} called {wanted!r} ({some}, ...): write a whole id, "
            f"`flywheel show {run.iteration} problems` lists them."
        )
    if not wanted:
        raise FlywheelError(
            f"which problem? Write its id behind `problem`, e.g. {found[0]}; `flywheel show {run.iteration} "
            "problems` lists them."
        )
    return found[0]


def _rows(run: Run, stage: StageResult, table: str, problem_id: str) -> list[dict[str, Any]]:
    rows = read_plain(run.workspace.path(stage.tables[table]))
    return [row for row in rows if row.get("problem_id") == problem_id]


def _answers(
    run: Run, stages: Mapping[str, StageResult], label: str, problem_id: str
) -> dict[str, Any] | None:
    """What was written for the problem under that label, and what came of it; None before it was executed."""
    sampled, executed = stages.get(f"sample-{label}"), stages.get(f"execute-{label}")
    if sampled is None or executed is None:
        return None

    def own(stage: StageResult, name: str, record: type[Any]) -> list[Any]:
        rows = run.workspace.read(stage.tables[name], record)
        return [row for row in rows if row.problem_id == problem_id]

    solutions: list[Solution] = own(sampled, "solutions", Solution)
    suites: list[Suite] = own(sampled, "suites", Suite)
    behaviours = {row.solution_id: row for row in own(executed, "behaviours", Behaviour)}
    plan = plan_calls(suites)
    invalid = invalid_checks(behaviours.get(f"null/{problem_id}"), plan)
    decisions: list[Decision] = (
        own(stages["agree"], "decisions", Decision) if label == "self-play" and "agree" in stages else []
    )
    chosen = set(decisions[0].chosen) if decisions and decisions[0].kept else set()
    return {
        "answers": label,
        "solutions": [
            {
                "solution_id": one.solution_id,
                "origin": one.origin,
                "reference": one.of_reference,
                "chosen": one.solution_id in chosen,
                "code": one.code,
                "verdicts": {
                    suite.suite_id: list(
                        suite_verdicts(behaviours[one.solution_id], suite, plan, invalid=invalid)
                    )
                    for suite in suites
                }
                if one.solution_id in behaviours
                else {},
            }
            for one in solutions
        ],
        "suites": [
            {"suite_id": s.suite_id, "origin": s.origin, "cases": [case.source for case in s.cases]}
            for s in suites
        ],
        "decision": _decision(decisions[0]) if decisions else None,
    }


def _decision(decision: Decision) -> dict[str, Any]:
    plain = asdict(decision)
    return {**plain, "cases": [case.source for case in decision.cases]}


def show_problem(name: str, root: str, problem_id: str, json_output: bool) -> None:
    """Print one problem with all that an iteration made of it."""
    view = problem_view(open_run(name, root), problem_id)
    print(json.dumps(view)) if json_output else print_markdown(problem_markdown(view))


def problem_markdown(view: Mapping[str, Any]) -> str:
    """The problem for people: statement, decision, programs and their verdicts, tests, what was dropped."""
    return "\n".join([*_head(view), *(line for part in view["answers"] for line in _part(part)), *_end(view)])


def _head(view: Mapping[str, Any]) -> Iterator[str]:
    problem = view["problem"]
    yield f"# Problem {problem['problem_id']}, iteration {view['iteration']}"
    yield ""
    yield problem["statement"]
    yield ""
    where = f" from {problem['seed']}" if problem.get("seed") else ""
    split = f", {problem['split']}" if problem.get("split") else ""
    yield f"`{problem.get('signature') or 'reads stdin'}` ({problem['source']}{split}{where})"
    yield ""


def _part(part: Mapping[str, Any]) -> Iterator[str]:
    """The answers of one label: equal programs are one."""
    if (decision := part["decision"]) is not None:
        yield f"**{'Kept' if decision['kept'] else 'Dropped: ' + decision['reason']}**: " + _votes(decision)
        yield ""
    programs: dict[str, list[Mapping[str, Any]]] = {}
    for one in part["solutions"]:
        programs.setdefault(one["code"].strip(), []).append(one)
    names = {code: f"P{number}" for number, code in enumerate(programs, 1)}
    tests = {suite["suite_id"]: f"T{number}" for number, suite in enumerate(part["suites"], 1)}
    yield f"## Answers, {part['answers']}: {len(part['solutions'])} solutions, {len(tests)} suites"
    yield ""
    yield from table(
        ("program", "solutions", "", *tests.values()),
        (
            (
                names[code],
                len(same),
                _standing(same),
                *(_passed(same[0]["verdicts"].get(suite_id)) for suite_id in tests),
            )
            for code, same in programs.items()
        ),
    )
    yield ""
    for code, same in programs.items():
        yield f"{names[code]}, `{'`, `'.join(one['solution_id'] for one in same[:3])}`" + (
            " ..." if len(same) > 3 else ""
        )
        yield from _code(code)
    for suite in part["suites"]:
        yield f"{tests[suite['suite_id']]}, `{suite['suite_id']}`" + (
            f" ({suite['origin']})" if suite["origin"] != "sample" else ""
        )
        verdicts_of = {
            names[code]: same[0]["verdicts"].get(suite["suite_id"]) for code, same in programs.items()
        }
        passed = (
            [name for name, verdicts in verdicts_of.items() if verdicts and verdicts[number] == "pass"]
            for number in range(len(suite["cases"]))
        )
        yield ""
        yield from table(
            ("case", "passed by"),
            (
                (f"`{source}`", ", ".join(by) or "none")
                for source, by in zip(suite["cases"], passed, strict=True)
            ),
        )
        yield ""


def _votes(decision: Mapping[str, Any]) -> str:
    margin = "unopposed" if decision["margin"] >= UNOPPOSED else f"margin {decision['margin']:.3g}"
    sure = ", sure enough for pairs" if decision["confident"] else ""
    return (
        f"{decision['votes']} of {decision['samples']} samples behave alike ({decision['behaviours']} "
        f"behaviours), {len(decision['cases'])} cases hold on them; score {decision['score']:.3g}, "
        f"{margin}{sure}"
    )


def _standing(same: Sequence[Mapping[str, Any]]) -> str:
    first = same[0]
    words = [
        "chosen" if first["chosen"] else "",
        first["origin"] if first["origin"] != "sample" else "",
        "the base model's" if first["reference"] else "",
        "" if first["verdicts"] else "not run",
    ]
    return ", ".join(filter(None, words))


def _passed(verdicts: Sequence[str] | None) -> str:
    """`2 of 3`; what is no verdict is told apart."""
    if not verdicts:
        return "-"
    odd = [f"{verdicts.count(word)} {word}" for word in ("invalid", "fault") if word in verdicts]
    return ", ".join([f"{verdicts.count('pass')} of {len(verdicts)}", *odd])


def _end(view: Mapping[str, Any]) -> Iterator[str]:
    if view["dropped"]:
        yield "## Not kept"
        yield ""
        yield from table(
            ("stage", "what", "reason"),
            ((row["stage"], f"{row['kind']} `{row['record_id']}`", row["reason"]) for row in view["dropped"]),
        )
        yield ""
    if view["rows"]:
        yield f"## Training rows (`flywheel lineage {view['iteration']} ROW`)"
        yield ""
        rows = ((row["table"], f"`{row['row_id']}`", row["role"]) for row in view["rows"])
        yield from table(("table", "row", "role"), rows)


def _code(text: str) -> Iterator[str]:
    lines = text.rstrip("\n").split("\n")
    yield ""
    yield "````python"
    yield from lines[:_SHOWN_LINES]
    if len(lines) > _SHOWN_LINES:
        yield f"# ... {len(lines) - _SHOWN_LINES} lines more, --json has them"
    yield "````"
    yield ""
