"""Nobody waits without a word: a line at least every twenty seconds, with what is done and what is left."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import pty
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from flows.iteration import iteration
from tasks.core import progress
from tasks.core.progress import Progress
from tasks.core.records import Problem
from tasks.generation.sampling import sample
from tasks.inference.base import Request
from tasks.inference.replay import ReplaySampler
from tasks.pipeline import stage as stages
from tasks.pipeline.stage import IterationContext
from tasks.pipeline.workspace import ModelRef, Workspace
from tasks.settings.iteration import IterationSettings
from tests.support import replay

LOOK_S = progress._LOOK_S
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


Events = st.lists(
    st.tuples(st.floats(0, 90), st.sampled_from(["advance", "say", "count", "part"])), max_size=9
)


@given(Events)
def test_no_silence_is_longer_than_twenty_seconds(events: list[tuple[float, str]]) -> None:
    clock, said = Clock(), [0.0]
    told = Progress("stage", lambda text: said.append(clock.now), clock)
    for seconds, what in events:
        for _ in range(int(seconds / LOOK_S) + 1):
            clock.now += LOOK_S
            told.tick()
        if what == "say":
            told.tell("something")
        elif what == "count":
            told.count(10, "problems")
        else:
            told.advance() if what == "advance" else told.part(0.5)
    gaps = [after - before for before, after in zip(said, [*said[1:], clock.now], strict=True)]
    assert max(gaps) < 20


def test_a_line_says_what_is_done_how_long_it_took_and_what_is_left() -> None:
    clock = Clock()
    lines: list[str] = []
    told = Progress("score", lines.append, clock)
    clock.now = 16
    told.tick()
    told.count(40, "problems")
    clock.now = 32
    told.tick()
    told.reach(10)
    clock.now = 48
    told.tick()
    told.doing("the engine starts")
    clock.now = 64
    told.tick()
    told.reach(40)
    clock.now = 80
    told.tick()
    assert lines == [
        "score: at work, 16 s",
        "score: 0 of 40 problems, 32 s, time left not known yet",
        "score: 10 of 40 problems, 48 s, about 96 s left",
        "score: 10 of 40 problems, the engine starts, 64 s, about 2 min left",
        "score: 40 of 40 problems, the engine starts, 80 s",
    ]


def test_what_an_earlier_run_did_says_nothing_about_the_rest() -> None:
    clock = Clock()
    told = Progress("sample", print, clock)
    told.count(40, "problems")
    told.found()
    told.reach(20)
    assert told.seconds_left() is None
    clock.now = 10
    with told.span(10):
        clock.now = 15
        told.part(0.5)
        assert (told.done, told.seconds_left()) == (25, 45)
    assert told.done == 30


def test_the_first_of_many_says_nothing_about_the_rest() -> None:
    clock = Clock()
    told = Progress("sample", print, clock)
    told.count(40, "problems")
    clock.now = 20
    told.reach(1)
    assert told.seconds_left() is None
    told.reach(2)
    assert told.seconds_left() == 380


def test_outside_of_a_stage_nobody_is_told() -> None:
    assert list(progress.over([1, 2], "problems")) == [1, 2]


class Lines:
    """In place of a run's logger: what was said, and when."""

    def __init__(self) -> None:
        self.said: list[tuple[float, str]] = []

    def info(self, text: str) -> None:
        self.said.append((time.monotonic(), text))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.said]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    lines = Lines()
    monkeypatch.setattr(stages, "get_run_logger", lambda: lines)
    return lines


@pytest.mark.server
def test_a_slow_model_is_no_silence(
    prefect_server: None, lines: Lines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A tenth of the real pace: two seconds of silence would be twenty."""
    monkeypatch.setattr(progress, "EVERY_S", progress.EVERY_S / 10)
    monkeypatch.setattr(progress, "_LOOK_S", LOOK_S / 10)
    answer = ReplaySampler.generate

    def slow(sampler: ReplaySampler, requests: list[Request]) -> Any:
        for _ in range(4):
            time.sleep(1)
        return answer(sampler, requests)

    monkeypatch.setattr(ReplaySampler, "generate", slow)
    settings = replay.settings_in(tmp_path)
    workspace = Workspace(settings.workspace)
    with workspace.stage(1, "propose", "key", {}, {}) as stage:
        problems = stage.write("problems", Problem, replay.problems()[:4])
    began = time.monotonic()
    model = ModelRef(settings.model.name, "digest", "model")
    context = IterationContext(str(workspace.root), 1, 0, stages.StageCount(9))
    labelled = context.labelled("self-play")
    sample(labelled, model, problems, "float32", settings.engine, settings.sampling, "0")
    moments = [began, *(moment for moment, _ in lines.said), time.monotonic()]
    assert max(after - before for before, after in itertools.pairwise(moments)) < 2
    first, *others = lines.texts
    assert first == "stage 1 of 9, sample-self-play"
    assert any(
        re.fullmatch(r"sample-self-play: 2 of 4 problems, \d s, about \d s left", line) for line in others
    )


def test_every_stage_says_which_of_how_many_it_is(two_iterations: Any, lines: Lines, tmp_path: Path) -> None:
    settings: IterationSettings = two_iterations[0]
    root = shutil.copytree(settings.workspace, tmp_path / "workspace")
    for number in (1, 2):
        lines.said.clear()
        iteration(settings.model_copy(update={"workspace": str(root), "iteration": number}))
        found = [re.match(r"stage (\d+) of (\d+), \S", text) for text in lines.texts]
        numbers = [(int(match[1]), int(match[2])) for match in found if match]
        assert numbers == [(n, len(numbers)) for n in range(1, len(numbers) + 1)]
        assert len(numbers) > 20


WORK = """
import time
from prefect.logging.configuration import setup_logging
setup_logging()
from prefect.logging import get_logger
from tasks.core import progress
log = get_logger("task_runs.work")
log.setLevel("INFO")
with progress.watching("execute-before", log.info):
    for number in progress.over(range(5), "problems"):
        time.sleep(0.6)
        if number == 2:
            log.info("a line of the log")
"""


def test_in_a_real_terminal_the_log_stands_above_the_bar() -> None:
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "PREFECT_LOGGING_TO_API_ENABLED": "false"}
    command = [sys.executable, "-c", WORK]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=slave, stderr=slave, cwd=root, env=environment):
        os.close(slave)
        shown = b""
        # Reading fails once nobody holds the terminal any more.
        with contextlib.suppress(OSError):
            while part := os.read(master, 4096):
                shown += part
    os.close(master)
    assert re.search(rb"[1-4] of 5 problems, about \d s left", shown)
    (line,) = [line for line in shown.split(b"\n") if b"a line of the log" in line]
    # The bar is wiped off its line first.
    left = line.rpartition(b"\x1b[2K")[2]
    assert b"a line of the log" in left
    assert b"of 5 problems" not in left


def test_on_a_terminal_there_is_a_bar_below_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    monkeypatch.setattr(progress, "_console", lambda: console)
    with progress.watching("execute-before", console.print):
        for _ in progress.over(range(4), "problems"):
            time.sleep(0.6)
    shown = screen.getvalue()
    assert "execute-before" in shown
    # The cursor is there while the bar is: a stopped run leaves the terminal as it was.
    assert shown.rindex(HIDE_CURSOR) < shown.index(SHOW_CURSOR) < shown.index("of 4 problems")
    assert re.search(r"[1-3] of 4 problems, about \d s left", shown)
    monkeypatch.setattr(progress, "_console", lambda: Console(file=screen))
    screen.truncate(0)
    with progress.watching("execute-before", print):
        time.sleep(0.6)
    assert not screen.getvalue()
