"""How every step runs: look its key up, compute what is missing, leave an artifact, say "Reused" if so."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Concatenate, ParamSpec, TypeVar, cast, overload

from prefect import State, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import MissingContextError
from prefect.runtime import task_run
from prefect.states import Completed

from tasks.core import progress
from tasks.pipeline import artifacts
from tasks.pipeline.keys import StageKey, stage_key
from tasks.pipeline.stage_name import StageName, stage_label
from tasks.pipeline.workspace import Stage, StageResult, Workspace

P = ParamSpec("P")
Found = TypeVar("Found")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


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
    """The iteration that a step is called for: where it is computed and how that is told, no part of a key.

    `label` tells apart what one iteration does several times. A champion's scores "after" its own iteration
    are its scores "before" the next, so a label does not make another stage. `count` numbers an iteration's
    stages for people, where their number is known.
    """

    root: str
    iteration: int
    seed: int
    count: StageCount | None = field(default=None, compare=False)
    label: str = ""

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root)

    def labelled(self, label: str) -> IterationContext:
        """The same for a stage with that label."""
        return replace(self, label=label)


def log_progress(message: str) -> None:
    """Tell the person: the Prefect log inside a run, plain output elsewhere."""
    progress.current().note_line()
    try:
        get_run_logger().info(message)
    except MissingContextError:
        print(message, flush=True)


@dataclass(frozen=True)
class StageDefinition:
    """What `@stage` was told of a step, and the step's own function."""

    name: StageName
    version: int
    body: Callable[..., None]
    looks_up: Callable[..., Any] | None
    constants: Mapping[str, Any]
    not_in_key: Mapping[str, str]
    label_from: str

    def __post_init__(self) -> None:
        names = self.parameters.keys()
        for what, named in (("not_in_key", self.not_in_key), ("label_from", {self.label_from} - {""})):
            if missing := set(named) - set(names):
                raise TypeError(f"{what} of stage {self.name} names {sorted(missing)}, no parameters of it")

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """What a caller gives beside the context, by name."""
        first = 1 if self.looks_up is None else 2
        return dict(list(inspect.signature(self.body).parameters.items())[first:])

    @property
    def signature(self) -> inspect.Signature:
        """What a caller sees: the context, then the parameters."""
        context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return inspect.Signature([context, *self.parameters.values()])

    def arguments(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """All of a call by parameter, with defaults, without the context."""
        bound = self.signature.bind(None, *args, **kwargs)
        bound.apply_defaults()
        return {name: value for name, value in bound.arguments.items() if name != "context"}

    def look_up(self, context: IterationContext, arguments: Mapping[str, Any]) -> Any:
        """What the step looks up before its key is known; None for nothing."""
        if self.looks_up is None:
            return None
        _, *wanted = inspect.signature(self.looks_up).parameters
        return self.looks_up(context, **{name: arguments[name] for name in wanted})

    def key_of(self, arguments: Mapping[str, Any], found: Any) -> StageKey:
        """The key of a call."""
        counted = {name: value for name, value in arguments.items() if name not in self.not_in_key}
        return stage_key(self.name, self.version, counted, found, self.constants)

    def label_of(self, context: IterationContext, arguments: Mapping[str, Any]) -> str:
        """`execute-before`: the stage's name in the manifest."""
        return stage_label(self.name, arguments[self.label_from] if self.label_from else context.label)

    def run(self, context: IterationContext, arguments: Mapping[str, Any]) -> StageResult:
        """Compute the stage, or return at once with what an earlier run computed under the same key.

        A reused stage ends in the Prefect state `Completed(name="Reused")`, so the UI tells the two apart.
        """
        found = self.look_up(context, arguments)
        key = self.key_of(arguments, found)
        workspace, name = context.workspace, self.label_of(context, arguments)
        numbered = f"{context.count.begin() if context.count else ''}{name}"
        earlier = workspace.find(key.digest)
        if earlier is None:
            log_progress(numbered)
            with workspace.stage(context.iteration, name, key.digest, key.inputs, key.settings) as work:
                self.body(work, *([] if self.looks_up is None else [found]), **arguments)
            result = work.result(name, key.digest, key.inputs, key.settings)
            artifacts.publish_stage(result)
            return result
        earlier = replace(earlier, stage=name)
        workspace.record(context.iteration, earlier)
        artifacts.publish_stage(earlier)
        log_progress(f"{numbered}: reused, nothing to compute")
        return cast(
            StageResult, Completed(name="Reused", data=earlier, message="the same was computed before")
        )


STAGES: dict[StageName, StageDefinition] = {}
"""Every step whose module was imported."""


@overload
def stage(
    name: StageName,
    version: int,
    *,
    constants: Mapping[str, Any] = ...,
    not_in_key: Mapping[str, str] = ...,
    label_from: str = ...,
) -> Callable[
    [Callable[Concatenate[Stage, P], None]], Callable[Concatenate[IterationContext, P], StageResult]
]: ...


@overload
def stage(
    name: StageName,
    version: int,
    *,
    looks_up: Callable[..., Found],
    constants: Mapping[str, Any] = ...,
    not_in_key: Mapping[str, str] = ...,
    label_from: str = ...,
) -> Callable[
    [Callable[Concatenate[Stage, Found, P], None]], Callable[Concatenate[IterationContext, P], StageResult]
]: ...


def stage(
    name: StageName,
    version: int,
    *,
    looks_up: Callable[..., Any] | None = None,
    constants: Mapping[str, Any] = _NOTHING,
    not_in_key: Mapping[str, str] = _NOTHING,
    label_from: str = "",
) -> Callable[[Callable[..., None]], Callable[..., StageResult]]:
    """Make a step of a function that computes one stage.

    The function gets the `Stage` that it reads from and writes to, and its arguments; its caller gives an
    `IterationContext` in the stage's place and gets the `StageResult`. The stage's key covers its name and
    version and every parameter: tables and models by digest, settings by their fields (without those that
    `NOT_IN_CACHE_KEY` of their class names), anything else exactly (`tasks.pipeline.keys`). What is no
    parameter the step cannot read, and so none can be forgotten.

    Args:
        name: the stage, before its label.
        version: raised when the step makes other tables of the same inputs.
        looks_up: gives what the step finds in the world (problems on disk, the image's tag), as a dataclass
            whose fields are inputs of the key. It is called with the context and those of the arguments that
            it names, before the key is known; the step gets what it returns after the `Stage`.
        constants: numbers of other modules that the tables depend on, by name, such as a prompt's version.
        not_in_key: parameters that change no table, each with the reason.
        label_from: the parameter whose value is the label, where it is not the caller's to choose.
    """

    def decorate(body: Callable[..., None]) -> Callable[..., StageResult]:
        definition = StageDefinition(name, version, body, looks_up, constants, not_in_key, label_from)
        if name in STAGES and STAGES[name].body.__module__ != body.__module__:
            raise TypeError(f"stage {name} is that of {STAGES[name].body.__module__}: choose another name")
        STAGES[name] = definition

        def run_name() -> str:
            given = dict(task_run.parameters or {})
            return definition.label_of(given.pop("context"), given)

        def run(context: IterationContext, *args: Any, **kwargs: Any) -> StageResult:
            arguments = definition.arguments(*args, **kwargs)
            with progress.watching(definition.label_of(context, arguments), log_progress):
                return definition.run(context, arguments)

        def described(function: Callable[..., StageResult]) -> Callable[..., StageResult]:
            functools.update_wrapper(function, body)
            function.__signature__ = definition.signature  # type: ignore[attr-defined]
            return function

        # Prefect's cache is off: the workspace alone knows what is done.
        tracked = task(name=name.value, task_run_name=run_name, cache_policy=NO_CACHE, persist_result=False)(
            described(run)
        )

        def call(context: IterationContext, *args: Any, **kwargs: Any) -> StageResult:
            """The result also when the task chose its own state's name."""
            returned: Any = tracked(context, *args, **kwargs)
            return cast(StageResult, returned.result() if isinstance(returned, State) else returned)

        return described(call)

    return decorate
