"""Bad input: one sentence with cause and next step, exit code not 0, no traceback, nothing lost."""

from __future__ import annotations

import errno
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows import cli
from flows.runtime.errors import _OneSentence, explain
from tasks.core.errors import FlywheelError
from tasks.generation.problems import read_statements
from tasks.pipeline.workspace import Workspace
from tasks.settings.iteration import IterationSettings
from tasks.settings.loading import load_settings, preset_names

GOOD = {"problem_id": "a", "statement": "Write a function.", "entry_point": "f", "signature": "def f(x):"}


def flywheel(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *args: str
) -> tuple[int, str]:
    """Exit code and error text of a command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["flywheel", *args])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    code = stopped.value.code
    return (code if isinstance(code, int) else 1), capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            ["run", "--preset", "dmeo"],
            "no preset is called 'dmeo': choose among cpu-night, demo, gpu-1b, gpu-8x, llama3.1-8b, ",
        ),
        (
            ["run", "--set", "sampling.solution=3"],
            "unknown setting 'sampling.solution': format, system,",
        ),
        (["run", "--set", "sampling.solutions=0"], "setting 'sampling.solutions': input should be greater"),
        (["run", "--set", "agreement.rule=vote"], "setting 'agreement.rule'"),
        (["run", "--set", "nonsense"], "write it as section.name=value"),
        (["run", "--config", "/nowhere.toml"], "cannot be read: No such file"),
        (["show", "--workspace", "/nowhere"], "no workspace at /nowhere"),
        (["lineage", "1", "ab", "--workspace", "/nowhere"], "no workspace at /nowhere"),
        (["compare", "first", "2"], "'first' names no iteration"),
        (["diff", "/nowhere:1", "2"], "no workspace at /nowhere"),
        (["export", "1", "--to", "/tmp/x", "--workspace", "/nowhere"], "no workspace at /nowhere"),
        (["campaign", "--set", "campaign.patience=-1"], "setting 'campaign.patience'"),
        (["serve", "--set", "schedule=99 99 * * *"], "setting 'schedule': no five fields of cron"),
        (["serve", "--set", "schedule=@daily"], "setting 'schedule': no five fields of cron"),
        (
            ["run", "--set", "evaluation.k=[1, 9]"],
            "setting 'evaluation': k 9 is more than the 4 solutions that are drawn; "
            "tasks/settings/ describes them all",
        ),
    ],
)
def test_bad_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], args: list[str], words: str
) -> None:
    code, text = flywheel(monkeypatch, capsys, *args)
    assert code != 0
    assert words in text
    assert "Traceback" not in text
    assert text.count("\n") == 1


def test_malformed_settings_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "s.toml").write_text("[sampling\n")
    code, text = flywheel(monkeypatch, capsys, "run", "--config", str(tmp_path / "s.toml"))
    assert code == 1
    assert "is not TOML" in text


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "holds no problem"),
        (["{"], "line 1: not JSON"),
        ([json.dumps(GOOD), "[1]"], "line 2: a JSON object is expected"),
        ([json.dumps({**GOOD, "entry_point": ""})], "line 1: 'entry_point' is empty"),
        ([json.dumps({**GOOD, "signature": "def g(x):"})], "no `def f"),
        ([json.dumps({**GOOD, "signature": "def f(x"})], "no `def f"),
        ([json.dumps(GOOD), json.dumps(GOOD)], "more than once"),
    ],
)
def test_bad_statement_files_name_file_and_line(tmp_path: Path, lines: list[str], words: str) -> None:
    path = tmp_path / "statements.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(FlywheelError, match=str(path)) as caught:
        read_statements(path)
    assert words in str(caught.value)
    with pytest.raises(FlywheelError, match="does not exist: name a file"):
        read_statements(tmp_path / "absent.jsonl")


def test_statement_files_are_utf8_and_their_lines_end_with_a_line_feed_alone(tmp_path: Path) -> None:
    path = tmp_path / "statements.jsonl"
    path.write_bytes(b'{"problem_id": "\xe9"}\n')
    with pytest.raises(FlywheelError, match=r"line 1: not JSON .*utf-8"):
        read_statements(path)
    row = {**GOOD, "statement": "Write\u2028a\x85function."}
    path.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    assert read_statements(path)[0].statement == row["statement"]


@pytest.mark.parametrize(
    ("command", "setting", "words"),
    [
        ("run", "problems.statements={tmp}/absent.jsonl", "absent.jsonl does not exist: name a file"),
        ("run", "problems.statements={tmp}/line.jsonl", "line.jsonl, line 1: not JSON"),
        ("run", "problems.seed_snippets={tmp}/absent", "problems.seed_snippets: there is no folder"),
        ("run", "engine.replay={tmp}/line.jsonl", "line.jsonl, line 1: not JSON"),
        ("run", "model.name={tmp}", "config.json and weights"),
        ("run", "evaluation.benchmarks=['humaneval']", "evaluation.benchmarks has no dev problems"),
        ("campaign", "model.name={tmp}/absent", "no model in"),
        ("evaluate", "model.name={tmp}/absent", "no model in"),
        (
            "evaluate",
            "evaluation.benchmarks=['humaneval-plus']",
            "humaneval-plus needs the file HumanEvalPlus",
        ),
        ("evaluate", "workspace={tmp}", "is not a flywheel workspace and not empty"),
        ("run", "workspace={tmp}/line.jsonl/below", "line.jsonl/below cannot be made: Not a directory"),
        ("run", "workspace={tmp}/newer", "is a workspace of version 99, this program writes version"),
    ],
)
def test_what_is_wrong_is_said_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    command: str,
    setting: str,
    words: str,
) -> None:
    monkeypatch.delenv("FLYWHEEL_DATA_DIR", raising=False)
    (tmp_path / "line.jsonl").write_text("{")
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer" / "workspace.json").write_text('{"version": 99}')
    settings = ("--set", f"workspace={tmp_path / 'new'}", "--set", setting.format(tmp=tmp_path))
    code, text = flywheel(monkeypatch, capsys, command, *settings)
    assert code == 1
    assert words in text
    assert text.count("\n") == 1


def test_a_run_without_docker_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    code, text = flywheel(monkeypatch, capsys, "run", "--workspace", str(tmp_path / "new"))
    assert code == 1
    assert "Docker is not running" in text
    assert text.count("\n") == 1


@pytest.mark.parametrize("command", ["run", "evaluate", "serve"])
def test_a_prefect_server_that_does_not_answer_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    code, text = flywheel(monkeypatch, capsys, command, "--workspace", str(tmp_path / "new"))
    assert code == 1
    assert "no Prefect server answers at http://127.0.0.1:9/api: start it, or unset PREFECT_API_URL" in text
    assert text.count("\n") == 1


@pytest.mark.server
def test_a_prefect_profile_names_the_server_too(tmp_path: Path) -> None:
    profile = 'active = "team"\n[profiles.team]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n'
    (tmp_path / "profiles.toml").write_text(profile)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    script = "from flows.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "run", "--workspace", str(tmp_path / "w")],
        env={**environment, "PREFECT_HOME": str(tmp_path)}, capture_output=True, text=True,
        cwd=Path(cli.__file__).parent.parent, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no Prefect server answers at http://127.0.0.1:9/api" in done.stderr


def test_a_run_in_a_workspace_in_use_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    script = (
        "import sys\nfrom tasks.pipeline.workspace import Workspace\n"
        "with Workspace(sys.argv[1]).lock('iteration 4'):\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "w")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        cwd=Path(cli.__file__).parent.parent,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        code, text = flywheel(monkeypatch, capsys, "run", "--workspace", str(tmp_path / "w"))
        holder.communicate()
    assert code == 1
    assert "is in use by iteration 4 (process" in text
    assert text.count("\n") == 1


def test_two_runs_on_one_workspace(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    script = (
        "from tasks.pipeline.workspace import Workspace; import sys\nwith Workspace(sys.argv[1]).lock('b'): "
        "pass"
    )
    with workspace.lock("iteration 4"):
        other = subprocess.run(
            [sys.executable, "-c", script, str(workspace.root)],
            capture_output=True, text=True, cwd=Path(cli.__file__).parent.parent, check=False,
        )  # fmt: skip
    assert other.returncode != 0
    assert "is in use by iteration 4 (process" in other.stderr


def test_every_user_error_has_a_sentence() -> None:
    assert "disk is full" in (explain(OSError(errno.ENOSPC, "No space left on device")) or "")
    assert "no permission for" in (explain(PermissionError(errno.EACCES, "denied", "/x")) or "")
    assert explain(FlywheelError("as it says")) == "as it says"
    assert explain(ZeroDivisionError()) is None


def test_prefect_tells_a_users_error_in_one_line() -> None:
    error = OSError(errno.ENOSPC, "No space left on device")
    record = logging.LogRecord(
        "prefect.task_runs", logging.ERROR, "", 0, "failed", (), (OSError, error, None)
    )
    assert _OneSentence().filter(record)
    assert record.getMessage().startswith("stopped: the disk is full")
    assert record.exc_info is None
    bug = ZeroDivisionError()
    record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), (ZeroDivisionError, bug, None))
    assert _OneSentence().filter(record)
    assert record.exc_info is not None


def test_presets_are_valid_and_layers_override_in_order(tmp_path: Path) -> None:
    assert {"demo", "smoke"} <= set(preset_names())
    for name in ("", *preset_names()):
        settings = load_settings(name)
        # Nothing that is sampled is too long to be trained on.
        assert settings.training.max_length >= settings.sampling.max_context_tokens, name
    (tmp_path / "s.toml").write_text("seed = 3\n[sampling]\nsolutions = 5\n")
    settings = load_settings("demo", tmp_path / "s.toml", ("seed=4", "workspace=runs"))
    assert (settings.seed, settings.sampling.solutions, settings.workspace) == (4, 5, "runs")


def test_the_form_of_every_setting_is_described_and_drawable() -> None:
    schema = IterationSettings.model_json_schema()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            assert "anyOf" not in node
            for name, field in node.get("properties", {}).items():
                assert field.get("description"), f"{name} has no description"
                if field.get("type") in ("integer", "number"):
                    assert {"minimum", "exclusiveMinimum"} & set(field), f"{name} has no lower bound"
            for inner in node.values():
                walk(inner)

    walk(schema)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["run", "--nope"], "flywheel: No such option: --nope. See `flywheel run --help`."),
        (["run", "--set"], "flywheel: Option '--set' requires an argument. See `flywheel run --help`."),
        (["shwo"], "flywheel: No such command 'shwo'. Did you mean 'show'? See `flywheel --help`."),
        (["execute"], "flywheel: Missing option '--problems'. See `flywheel execute --help`."),
        (["iteration"], "flywheel: No such command 'iteration'. See `flywheel --help`."),
    ],
)
def test_a_wrong_command_line_gets_one_sentence(
    args: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert flywheel(monkeypatch, capsys, *args) == (2, f"{words}\n")


def test_help_needs_no_heavy_import() -> None:
    script = (
        "import sys; sys.argv = ['flywheel', '--help']\nfrom flows.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'prefect', 'torch', 'vllm', 'transformers', 'datasets', 'pyarrow', 'pydantic'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True,
        cwd=Path(cli.__file__).parent.parent, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
