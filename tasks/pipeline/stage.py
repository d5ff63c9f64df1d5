"""How every step runs: look its key up, compute what is missing, leave an artifact, say "Reused" if so."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ParamSpec, cast

from prefect import State, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import MissingContextError
from prefect.runtime import task_run
from prefect.states import Completed
from pydantic import BaseModel

from tasks.core import progress
from tasks.pipeline import artifacts
from tasks.pipeline.workspace import ModelRef, Ref, Stage, StageResult, Workspace, digest_of

P = ParamSpec("P")


def step(name: str) -> Callable[[Callable[P, StageResult]], Callable[P, StageResult]]:
    """A Prefect task whose caller gets the stage's result, also when the task chose its own state's name.

    Prefect's cache is off: the workspace alone knows what is done.
    """

    def decorate(function: Callable[P, StageResult]) -> Callable[P, StageResult]:
        def run_name() -> str:
            """One step does several things in one iteration: its label, or what is trained for, tells them
            apart."""
            given = task_run.parameters or {}
            return stage_label(name, str(given.get("label") or given.get("objective") or ""))

        @functools.wraps(function)
        def watched(*args: P.args, **kwargs: P.kwargs) -> StageResult:
            with progress.watching(run_name(), log_progress):
                return function(*args, **kwargs)

        run = task(name=name, task_run_name=run_name, cache_policy=NO_CACHE, persist_result=False)(watched)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> StageResult:
            returned: Any = run(*args, **kwargs)
            return cast(StageResult, returned.result() if isinstance(returned, State) else returned)

        return call

    return decorate


def stage_label(name: str, label: str) -> str:
    """`execute-before`, or `execute` without a label."""
    return f"{name}-{label}" if label else name


class StageCount:
    """Which stage of how many a run is in; `total` may grow when a run learns that there are more."""

    def __init__(self, total: int) -> None:
        self.total, self.begun = total, 0

    def begin(self) -> str:
        """`stage 7 of 16, `, once a stage."""
        self.begun += 1
        self.total = max(self.total, self.begun)
        return f"stage {self.begun} of {self.total}, "


@dataclass(frozen=True)
class IterationContext:
    """The iteration that a step works for: passed to every step, never stored. `count` numbers its stages
    for people, where their number is known."""

    root: str
    iteration: int
    seed: int
    count: StageCount | None = field(default=None, compare=False)

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root)


def log_progress(message: str) -> None:
    """Tell the person: the Prefect log inside a run, plain output elsewhere."""
    progress.current().note_line()
    try:
        get_run_logger().info(message)
    except MissingContextError:
        print(message, flush=True)


def run_stage(
    context: IterationContext,
    name: str,
    version: int,
    inputs: Mapping[str, Ref | ModelRef | str],
    settings: BaseModel | Mapping[str, Any],
    compute: Callable[[Stage], None],
    label: str = "",
) -> StageResult:
    """Run one stage, or return at once with what an earlier run computed under the same key.

    The key covers the stage's name and version, the digests of its inputs and its settings. `label` tells
    apart what one iteration does several times; it is no part of the key, so that a champion's scores
    "after" its own iteration are its scores "before" the next. A reused stage ends in the Prefect state
    `Completed(name="Reused")`, so the UI tells the two apart.
    """
    digests = {part: item if isinstance(item, str) else item.digest for part, item in inputs.items()}
    plain = settings.model_dump(mode="json") if isinstance(settings, BaseModel) else dict(settings)
    key = digest_of(name, version, digests, plain)
    workspace = context.workspace
    name = stage_label(name, label)
    numbered = f"{context.count.begin() if context.count else ''}{name}"
    found = workspace.find(key)
    if found is None:
        log_progress(numbered)
        with workspace.stage(context.iteration, name, key, digests, plain) as stage:
            compute(stage)
            if stage.examples:
                stage.facts["examples"] = stage.examples
        result = StageResult(name, key, stage.tables, stage.models, stage.facts, digests, plain)
        artifacts.publish_stage(result)
        return result
    found = replace(found, stage=name)
    workspace.record(context.iteration, found)
    artifacts.publish_stage(found)
    log_progress(f"{numbered}: reused, nothing to compute")
    return cast(StageResult, Completed(name="Reused", data=found, message="the same was computed before"))
