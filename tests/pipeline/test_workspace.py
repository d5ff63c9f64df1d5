import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import FlywheelError
from tasks.core.records import Behaviour, Call, Case, Outcome, Solution, Suite
from tasks.core.rows import Dropped
from tasks.core.tables import read_table, write_table
from tasks.pipeline.workspace import StageResult, Workspace
from tasks.settings.iteration import IterationSettings
from tests.support.reports import result

ROW = Dropped("agree", "problem", "1", "p/1", "too few votes")
CALLS = st.builds(Call, st.text(), st.text())
CASES = st.builds(Case, st.text(), st.none() | CALLS, st.text(), st.text(), st.text())
SUITES = st.builds(Suite, st.text(), st.text(), st.lists(CASES, max_size=3).map(tuple), st.text())


@given(st.lists(SUITES, max_size=5))
def test_tables_round_trip(tmp_path_factory: pytest.TempPathFactory, rows: list[Suite]) -> None:
    path = tmp_path_factory.mktemp("tables") / "suites.parquet"
    assert write_table(path, Suite, rows) == len(rows)
    assert read_table(path, Suite) == rows


def test_a_table_from_before_a_field_was_added_has_its_default(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Older:
        solution_id: str
        problem_id: str
        code: str

    write_table(tmp_path / "t.parquet", Older, [Older("s", "p", "pass")])
    assert read_table(tmp_path / "t.parquet", Solution) == [Solution("s", "p", "pass")]


def test_outcomes_from_before_they_told_how_they_were_tried_are_as_if_tried_in_full(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class OlderOutcome:
        kind: str
        detail: str

    @dataclass(frozen=True)
    class OlderBehaviour:
        solution_id: str
        problem_id: str
        calls: tuple[OlderOutcome, ...]
        checks: tuple[OlderOutcome, ...]

    older = OlderBehaviour("s", "p", (OlderOutcome("timeout", "cpu"),), ())
    write_table(tmp_path / "t.parquet", OlderBehaviour, [older])
    outcome = Outcome("timeout", detail="cpu", tried="full", unstable="")
    assert read_table(tmp_path / "t.parquet", Behaviour) == [Behaviour("s", "p", (outcome,), ())]


def test_a_failed_write_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r".+"):
        write_table(tmp_path / "t.parquet", Suite, [Suite("a", "b", (), 3)])  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_finished_stage_is_found_and_an_unfinished_one_is_not(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    with contextlib.suppress(RuntimeError), workspace.stage(1, "agree", "k1", {}, {}) as stage:
        stage.write("dropped", Dropped, [ROW])
        raise RuntimeError("killed")
    assert workspace.find("k1") is None
    with workspace.stage(1, "agree", "k1", {}, {}) as stage:
        stage.write("dropped", Dropped, [ROW])
    found = workspace.find("k1")
    assert found is not None
    assert found.reused
    assert workspace.read(found.tables["dropped"], Dropped) == [ROW]


def test_finished_shards_survive_a_kill_and_are_not_computed_again(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    computed: list[str] = []

    def compute(name: str) -> list[Dropped]:
        computed.append(name)
        if computed == ["a", "b"]:
            raise RuntimeError("killed")
        return [ROW]

    for attempt in range(2):
        try:
            with workspace.stage(1, "sample", "k", {}, {}) as stage:
                rows = [row for name in "ab" for row in stage.shard(name, Dropped, partial(compute, name))]
                stage.write("dropped", Dropped, rows)
        except RuntimeError:
            assert attempt == 0
    assert computed == ["a", "b", "b"]
    found = workspace.find("k")
    assert found is not None
    assert found.tables["dropped"].rows == 2
    assert not (workspace.path(found.tables["dropped"]).parent / "shards").exists()


def test_a_table_that_changed_is_refused(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    with workspace.stage(1, "agree", "k", {}, {}) as stage:
        ref = stage.write("dropped", Dropped, [ROW])
    write_table(workspace.path(ref), Dropped, [])
    with pytest.raises(FlywheelError, match="digest differs"):
        workspace.read(ref, Dropped)


def test_another_version_or_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FlywheelError, match="not empty"):
        Workspace(tmp_path)
    Workspace(tmp_path / "w")
    (tmp_path / "w" / "workspace.json").write_text(json.dumps({"version": 99}))
    with pytest.raises(FlywheelError, match="version 99"):
        Workspace(tmp_path / "w")
    with pytest.raises(FlywheelError, match="no workspace"):
        Workspace.existing(tmp_path / "absent")


def test_the_lock_names_its_holder_and_a_killed_holder_loses_it(tmp_path: Path) -> None:
    script = (
        "import sys, time; from tasks.pipeline.workspace import Workspace\n"
        "with Workspace(sys.argv[1]).lock('iteration 7'):\n    print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "w")],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    workspace = Workspace(tmp_path / "w")
    with pytest.raises(FlywheelError, match=f"iteration 7 \\(process {holder.pid}"), workspace.lock("me"):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with workspace.lock("me"):
        assert "me" in (workspace.root / "lock").read_text()


def test_an_unfinished_iteration_with_the_same_settings_is_resumed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    settings = IterationSettings(seed=1)
    assert workspace.begin(settings) == 1
    assert workspace.begin(settings.model_copy(update={"schedule": "0 2 * * *"})) == 1
    workspace.record(1, StageResult("propose", "key"))
    assert workspace.begin(IterationSettings(seed=2)) == 2
    # Nothing was computed in the second.
    assert workspace.begin(IterationSettings(seed=3)) == 2
    workspace.record(2, StageResult("propose", "other"))
    workspace.finish(1, result(1, "hold"))
    assert workspace.begin(settings) == 3
    assert workspace.begin(IterationSettings(seed=1, iteration=1)) == 1
    with pytest.raises(FlywheelError, match=r"iteration 1 was started with other settings \(sampling.suites"):
        workspace.begin(IterationSettings(seed=1, iteration=1, sampling={"suites": 3}))


def test_settings_that_only_fit_the_machine_make_no_other_run(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    assert workspace.begin(IterationSettings()) == 1
    smaller = {
        "training": {"micro_batch_size": 1},
        "sandbox": {"slots": 1},
        "engine": {"start_timeout_s": 20},
    }
    assert workspace.begin(IterationSettings(**smaller)) == 1
    assert workspace.begin(IterationSettings(iteration=1, **smaller)) == 1
    assert workspace.iterations_with(IterationSettings()) == [1]


def test_a_folder_that_was_moved_away_is_no_iteration(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.begin(IterationSettings())
    (workspace.root / "iterations" / "0001.old").mkdir()
    assert workspace.iterations() == [1]


def test_one_computation_may_be_two_stages(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    for name in ("score-before", "score-after", "score-before"):
        workspace.record(1, StageResult(name, "key"))
    # The one that was named last is the last of its name that a reader finds.
    assert [stage.stage for stage in workspace.stages(1)] == ["score-after", "score-before"]
    found = workspace.find("key")
    assert found is not None
    assert found.key == "key"


def test_the_holder_may_take_the_lock_again(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    with workspace.lock("a campaign"):
        with workspace.lock("an iteration"):
            pass
        assert "a campaign" in (workspace.root / "lock").read_text()
    assert (workspace.root / "lock").read_text() == ""
