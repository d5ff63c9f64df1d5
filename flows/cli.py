"""The `flywheel` command: thin. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from flows.cli_files import agree, convert, execute
from flows.cli_options import Assignments, Config, Preset, WorkspaceOption, settings_of
from flows.runtime.errors import explain, warn_in_one_sentence

app = typer.Typer(
    name="flywheel",
    help="A language model learns from its own code and tests: what agrees trains the next one.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"flywheel {version('solver-verifier-flywheel')}")
        raise typer.Exit


@app.callback()
def flywheel(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    preset: Preset = "",
    config: Config = None,
    assignments: Assignments = None,
    workspace: WorkspaceOption = "",
    json_output: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Run one iteration, or finish the iteration that a killed run began."""
    settings = settings_of(preset, config, assignments, workspace)
    from flows.reports.terminal import print_report
    from flows.runtime.errors import prepare_prefect

    prepare_prefect()
    from flows.iteration import iteration
    from flows.runtime.checks import check_run
    from flows.runtime.server import reporting

    check_run(settings)
    with reporting(settings.workspace):
        report = iteration(settings)
    print_report(report, json_output)


@app.command()
def campaign(
    preset: Preset = "",
    config: Config = None,
    assignments: Assignments = None,
    workspace: WorkspaceOption = "",
    iterations: Annotated[
        int, typer.Option("--iterations", min=0, help="Iterations at most; 0: what the settings say.")
    ] = 0,
    json_output: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Run several iterations: promote, hold or roll back after each, stop when nothing improves."""
    wanted = [f"campaign.iterations={iterations}"] if iterations else []
    settings = settings_of(preset, config, [*(assignments or ()), *wanted], workspace)
    from flows.reports.terminal import print_campaign
    from flows.runtime.errors import prepare_prefect

    prepare_prefect()
    from flows.campaign import campaign
    from flows.runtime.checks import check_run
    from flows.runtime.server import reporting

    check_run(settings)
    with reporting(settings.workspace):
        report = campaign(settings)
    print_campaign(report, json_output)


@app.command()
def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            help="An iteration's number, `champion`, a model folder or hub name; empty: the base model."
        ),
    ] = "",
    preset: Preset = "",
    config: Config = None,
    assignments: Assignments = None,
    workspace: WorkspaceOption = "",
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score a model on the benchmarks: of an iteration with its own settings, unless others are given."""
    settings = settings_of(preset, config, assignments, workspace)
    from flows.reports.terminal import print_scores
    from flows.runtime.errors import prepare_prefect

    prepare_prefect()
    from flows.evaluation import evaluation

    if model:
        from flows.runtime.evaluations import settings_for

        plain = preset == "" and config is None
        settings = settings_for(model, settings, tuple(assignments or ()) if plain else None)
    from flows.runtime.checks import check_evaluation
    from flows.runtime.server import reporting

    check_evaluation(settings)
    with reporting(settings.workspace):
        scores = evaluation(settings)
    print_scores(scores, json_output)


RunName = Annotated[str, typer.Argument(help="Number of an iteration, 0: the latest; FOLDER:2: elsewhere.")]
Scored = Annotated[
    str, typer.Argument(help="Number of an iteration, 0: the latest; e1: an evaluation; FOLDER:2: elsewhere.")
]


@app.command()
def show(
    run: Scored = "0",
    table: Annotated[
        str, typer.Argument(help="A table to print, or `problem`; empty: the report and all tables.")
    ] = "",
    problem: Annotated[str, typer.Argument(help="Id of a problem: its rows alone.")] = "",
    workspace: WorkspaceOption = "workspace",
    rows: Annotated[
        int | None, typer.Option("--rows", min=1, help="At most so many rows (default: 20, of --json all).")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="JSON lines, whole rows.")] = False,
) -> None:
    """Print an iteration's report, one of its tables, or (`show 1 problem ID`) all about one problem."""
    from flows.commands.problem import show_problem
    from flows.commands.show import show_report, show_table

    if table == "problem":
        show_problem(run, workspace, problem, json_output)
    elif table:
        show_table(run, workspace, table, rows, json_output, problem)
    else:
        show_report(run, workspace, json_output)


@app.command()
def lineage(
    run: RunName,
    row: Annotated[str, typer.Argument(help="Id of an SFT row or pair, or how it begins.")],
    workspace: WorkspaceOption = "workspace",
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Where a training row came from: samples, model, seeds, problem, cases with verdicts, rule, score."""
    from flows.commands.lineage import show_lineage

    show_lineage(run, row, workspace, json_output)


@app.command(name="list")
def list_runs(
    workspace: WorkspaceOption = "workspace",
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """A workspace's iterations and evaluations: state, decision, when, model, scores."""
    from flows.commands.listing import show_list

    show_list(workspace, json_output)


@app.command()
def compare(
    run_a: Scored,
    run_b: Scored,
    workspace: WorkspaceOption = "workspace",
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Scores of two runs' models, paired by problem; `base` names the base model."""
    from flows.commands.compare import show_comparison

    show_comparison(run_a, run_b, workspace, json_output)


@app.command()
def diff(
    run_a: RunName,
    run_b: RunName,
    workspace: WorkspaceOption = "workspace",
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What changed between two runs: settings, packages, models, data, metrics."""
    from flows.commands.compare import show_difference

    show_difference(run_a, run_b, workspace, json_output)


@app.command()
def export(
    run: RunName,
    to: Annotated[str, typer.Option("--to", help="A new folder, or hub:USER/NAME.")],
    workspace: WorkspaceOption = "workspace",
) -> None:
    """An iteration as a Hugging Face data set and model, each with its card."""
    from flows.commands.export import export

    print(f"Exported {export(run, to, workspace)}.")


@app.command()
def doctor(
    model: Annotated[
        str, typer.Option("--model", help="Look at this model's chat format: a folder or hub name.")
    ] = "",
    preset: Preset = "",
    config: Config = None,
    assignments: Assignments = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check everything a run needs; with --model, whether a model's chat format is right.

    Each finding comes with its next step; of a model, the first prompt of each
    role is printed as the model sees it.
    """
    if not model:
        from flows.commands.doctor import examine

        raise typer.Exit(examine(json_output))
    settings = settings_of(preset, config, [*(assignments or ()), f"model.name={model!r}"], "")
    from flows.commands.model_doctor import examine_model

    raise typer.Exit(examine_model(settings, json_output))


@app.command()
def serve(
    preset: Preset = "demo",
    config: Config = None,
    assignments: Assignments = None,
    workspace: WorkspaceOption = "",
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Port of a server started here.")
    ] = 4200,
) -> None:
    """Serve iteration, campaign and evaluation in the Prefect UI; starts a server if none is healthy."""
    settings = settings_of(preset, config, assignments, workspace)
    from flows.runtime.errors import prepare_prefect

    prepare_prefect()
    from flows.commands.serve import serve_flows

    serve_flows(settings, port)


for files_command in (execute, agree, convert):
    app.command()(files_command)


@app.command()
def settings(
    section: Annotated[str, typer.Argument(help="One section, for example sampling; empty: all.")] = "",
) -> None:
    """Every setting with its default, the values that are allowed, and what it does."""
    from flows.commands.settings import settings_markdown

    print(settings_markdown(section), end="" if not section else "\n")


@app.command()
def image() -> None:
    """Build the sandbox image if it is missing, and print its name."""
    from tasks.sandbox.image import ensure_image

    print(ensure_image(lambda text: print(text, file=sys.stderr, flush=True)))


def main() -> None:
    """Entry point of the `flywheel` command: its errors and warnings are one sentence."""
    warn_in_one_sentence()
    try:
        code = app(prog_name="flywheel", standalone_mode=False)
    except Exception as error:
        text, code = explain(error), 1
        # Of typer; its versions place the class differently.
        if hasattr(error, "format_message"):
            text, code = _usage(error), 2
        if text is None:
            raise
        if text:
            print(f"flywheel: {text}", file=sys.stderr)
    if code == 130:
        # So does typer end after Ctrl-C, without a word.
        print("flywheel: stopped; `run` and `campaign` go on from here.", file=sys.stderr)
    # A command that ends well returns None.
    raise SystemExit(code or 0)


def _usage(error: Any) -> str:
    """What is wrong with a command line, and who tells its options; "" where that was printed already."""
    named = [word for word in sys.argv[1:2] if not word.startswith("-")]
    command = error.ctx.command_path if error.ctx else " ".join(["flywheel", *named])
    text = error.format_message().rstrip(".")
    return f"{text}{'' if text.endswith('?') else '.'} See `{command} --help`." if text else ""


if __name__ == "__main__":
    main()
