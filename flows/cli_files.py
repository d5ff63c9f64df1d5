"""Commands of `flywheel` that take files of problems, solutions and tests: `execute`, `agree`, `convert`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.cli_options import Assignments, Config, settings_of
from tasks.core.errors import FlywheelError

Problems = Annotated[
    Path, typer.Option("--problems", help="JSON lines of problems, or a published data set's file.")
]
Solutions = Annotated[
    Path | None,
    typer.Option("--solutions", help="JSON lines of solutions, or samples; none: the data set's own."),
]
Tests = Annotated[
    Path | None, typer.Option("--tests", help="JSON lines of suites; none: the data set's own.")
]


def execute(
    problems: Problems,
    out: Annotated[Path, typer.Option("--out", help="The verdicts; appears when all is judged.")],
    solutions: Solutions = None,
    tests: Tests = None,
    config: Config = None,
    assignments: Assignments = None,
) -> None:
    """Judge any solutions by any tests in the sandbox: a line of verdicts each.

    Problems: {"problem_id", "entry_point"} or {"problem_id", "style": "stdin"}

    Solutions: {"problem_id", "solution_id", "code"}

    Tests: {"problem_id", "suite_id", "code"}, Python test text, or, in place of
    "code", "cases": a list of {"args", "kwargs", "expected"} or of
    {"stdin", "stdout"}

    Verdicts: pass, fail, invalid (the case cannot be read, or passes whatever a
    solution returns), fault (the sandbox broke; the exit code is 1). Values
    compare by ==; where "expected" is JSON, a tuple is as good as a list. Of
    stdout, whitespace at the end of each line and of the whole is ignored.

    Limits are settings: --set sandbox.cpu_s=5, sandbox.memory_mb=512, ...
    """
    settings = settings_of("", config, assignments, "")
    from flows.commands.execute import execute_files

    tally = execute_files(
        problems,
        solutions,
        tests,
        out,
        settings.sandbox,
        lambda text: print(text, file=sys.stderr, flush=True),
        settings.judging,
    )
    print(tally)
    if tally.faults:
        raise FlywheelError(
            f"{tally.faults} cases are faults, the sandbox broke on them: run `flywheel doctor`, then the "
            "same command again."
        )


def agree(
    problems: Problems,
    out: Annotated[Path, typer.Option("--out", help="The decisions; appears when all is decided.")],
    solutions: Solutions = None,
    tests: Tests = None,
    rule: Annotated[
        str, typer.Option("--rule", help="consensus, paper or an installed one (default: the settings').")
    ] = "",
    rows: Annotated[
        Path | None, typer.Option("--rows", help="A new folder for the SFT rows and pairs of what is kept.")
    ] = None,
    config: Config = None,
    assignments: Assignments = None,
) -> None:
    """Find which solutions and tests agree with each other, without any label: a line a problem.

    The three files are those of `flywheel execute`; code and test text may be raw
    answers of a model.

    A line: "kept" and "reason", the ids "chosen" (they all behave alike), the
    "cases" that these satisfy with the number of "suites" that propose each,
    all "groups" of solutions that behave alike, best first, and why anything
    else is "dropped".

    Thresholds are settings: --set agreement.min_votes=5, ...
    """
    named = [f"agreement.rule={rule!r}"] if rule else []
    settings = settings_of("", config, [*(assignments or ()), *named], "")
    from flows.commands.agree import agree_files
    from flows.commands.agree_rows import RowCollector

    collector = RowCollector(rows, settings.preferences, settings.seed) if rows else None
    print(
        agree_files(
            problems,
            solutions,
            tests,
            out,
            settings.sandbox,
            settings.agreement,
            lambda text: print(text, file=sys.stderr, flush=True),
            settings.judging,
            collector.keep if collector else None,
        )
    )
    if collector:
        made = collector.write()
        print(f"{len(made.sft)} SFT rows and {len(made.pairs)} pairs in {rows}")


def convert(
    data: Annotated[Path, typer.Argument(help="File of a published data set: JSON lines, JSON or Parquet.")],
    to: Annotated[Path, typer.Option("--to", help="A new folder for the three files.")],
    solutions: Annotated[
        Path | None, typer.Option("--solutions", help="Samples to take in place of its own solutions.")
    ] = None,
) -> None:
    """Write a published data set as the files of `execute` and `agree`, and show its first rows."""
    from flows.commands.convert import convert_files, shown

    paths = convert_files(data, to, solutions, lambda text: print(text, file=sys.stderr, flush=True))
    for path in paths:
        print(f"{path}\n    {shown(path)}")
